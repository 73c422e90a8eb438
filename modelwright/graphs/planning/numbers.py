"""Numbers in a request: 3, 1e-4, .5, 1,000, 8k, 8 thousand, three, twenty-five, a dozen, twice, drei, tres, trois, tre, três.

`k` is kept in the value as thousands; a field that counts tokens reads it as 1024 (see named.value_of). Words of other
languages are in lexicon.toml; those that are also small words (un, een, um) count only before a unit.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from modelwright.graphs.planning.candidate import Candidate

_GLUED = r"(?:tok(?:en)?s?|steps?|ep(?:och)?s?|rows?|users?|reqs?|layers?|heads?|bit|ms|msec|s|secs?|mb|k?w|watts?|yrs?)\b"
"""Units that people write without a space: 512tok, 3ep. Before the number they do so with r32, a64, lr1e-4, bs8, pp512, tg128 and x5."""
_DIGITS = re.compile(
    r"(?:(?<![\w.])|(?<=[\s,;(]r)|(?<=[\s,;(]x)(?!86|64)|(?<=[\s,;(](?:bs|pp|tg|lr))"
    r"|(?<=[\s,;(]a)(?=(?:8|16|32|64|128|256|512)\b))(?:\d{1,3}(?:,\d{3})+"
    r"|(?<!\d[ ,])\d{1,3}(?P<spaces>(?:[\u00a0\u202f\u2009]\d{3})+|(?: \d{3})* (?:000|500))(?=\s[^\W\d]|\s?[$€£]|\Z)"
    r"|(?P<dots>\d{1,3}(?:\.\d{3})+(?=\s?(?:us-?)?(?:dollar|euro|€|eur|usd))|\d{1,3}(?:\.000)+(?![\d.]))"
    r"|0,\d+|\d{1,4},\d{1,2}(?=\s?(?:dollars?|d[óo]lar\w*|dollar[io]|reais|kron\w*|kr\b|zł\w*|francs?|euros?|€|\$|eur|usd|cents?|(?:je|pro|par|por)\s(?:mill?i\w+|mio))(?!\w))"
    r"|\A\d{1,4},\d{2}\Z"
    r"|\d{1,4},\d{1,2}(?=\s(?:(?:el|le|il|o|os|para|por|pour|per|für)\s)?(?:(?:de|en|di|die|la)\s)*(?:salida|sortie|uscita|sa[íi]da|ausgabe)\b)"
    r"|\d{1,2},5(?=\s(?:epo\w+|époq\w+|époc\w+|sek\w*|segund\w*|secon\w+|s)\b)|\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
    rf"(?:(?P<k>\s?k(?:ilo)?(?!w))|\s?(?P<big>thousand|million|tausend|mil|mille|mila|duizend)|(?P<m>m(?!s\b)))?(?:(?![\w%]|\.\d)|(?={_GLUED}))",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\([1-9]\)\s")
"""(1) and (2) count points of a list."""
_EXPRESSION = re.compile(r"(?:\\[dDwWsSb]|\[[^\]\s]*\w-\w[^\]\s]*\])(?:[+*?]|\{\d+(?:,\d*)?\})*")
"""[0-9]{5} and \\d+ are parts of a regular expression."""
_UNITS = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        ],
        range(16),
        strict=True,
    )
)
_UNITS |= {"sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_OTHER: dict[str, int | float] = {
    "twice": 2,
    "thrice": 3,
    "once": 1,
    "single": 1,
    "half": 0.5,
    "a dozen": 12,
    "dozen": 12,
    "a hundred": 100,
    "hundred": 100,
    "a thousand": 1000,
    "thousand": 1000,
    "a couple": 2,
    "a couple of": 2,
    "half a": 0.5,
    "half an": 0.5,
}
_TIMES = frozenset({"hundred", "thousand", "dozen"})
_ONES = "|".join(list(_UNITS)[1:])
_BELOW_100 = rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(list(_UNITS)[1:10])}))?|{_ONES}"
_BELOW_1000 = rf"(?:{_BELOW_100}) hundred(?:(?: and)? (?:{_BELOW_100}))?|{_BELOW_100}"
_LONGEST_FIRST = sorted([*_UNITS, *_TENS, *_OTHER], key=len, reverse=True)
_WORDS = re.compile(
    rf"\b(?:(?:{_BELOW_1000}) thousand(?: and)? (?:{_BELOW_1000})|(?:{_BELOW_1000}) thousand"
    rf"|(?:{_BELOW_100}) hundred(?: and)? (?:{_BELOW_100})"
    rf"|(?:{'|'.join(_TENS)})[- ](?:{'|'.join(list(_UNITS)[1:10])}) hundred"
    rf"|(?:{_ONES}) and a half|(?:a|{_ONES}) hundred(?: and)? (?:{_BELOW_100})"
    rf"|(?:{'|'.join(_TENS)})[- ](?:{'|'.join(list(_UNITS)[1:10])})"
    rf"|a (?:dozen|hundred|thousand|couple(?: of)?)|(?:{_ONES}|{'|'.join(_TENS)}) (?:hundred|thousand|dozen)|{'|'.join(_LONGEST_FIRST)})\b",
    re.IGNORECASE,
)


_ONE = ("un", "una", "une", "uno", "um", "uma", "ein", "eine", "einem", "einer", "einen", "een", "één")
_ALONE = ("me", "myself", "ich", "yo", "moi", "io", "eu", "ik", "jag")
_NONE = ("no", "without", "ohne", "sans", "sin", "senza", "sem", "zonder", "bez", "utan", "uden", "uten")
_COUNTED = (
    r"frase|phrase|satz|zin|oración|epoch\w*|époc\w*|époques?|época|epoca|durchgang|sekunde|seconde|segundo|secondo|zeile|ligne|fila|riga|linha|rij"
    r"|anfrage|requête|petición|consulta|richiesta|requisição|verzoek|aanvraag|beispiel|exemple|ejemplo|esempio|exemplo|usuario|utilisateur|utente|usuário|nutzer|gebruiker|persona|personne|pessoa"
)
_ARTICLES = re.compile(
    rf"^(?:{'|'.join((*_ONE, *_ALONE, *_NONE, 'an?'))})$"
    rf"|\b(?:{'|'.join(_ONE)})(?= (?:(?:sola|solo|seule?|einzige[nrsm]?|única|único|só|enkele) )?(?:{_COUNTED})\b)",
    re.IGNORECASE,
)
"""Of other languages, where what they stand before is counted ("in una sola frase"); alone as the place that a plan names."""


_PRONOUN = re.compile(
    r"\b(?:(?:small|big|little|large|tiny|old|new|fast|slow|cheap|good|bad|right|wrong|short|long|young|strong|weak)(?:er|est|st)?|biggest|baby|mini|other|another|this|that|which|same|each|every|best"
    r"|better|trained|tuned|quanti[sz]ed) $",
    re.IGNORECASE,
)
"""Before a "one" that counts nothing: "the small one guesses ahead"."""
_IMPLIED = re.compile(
    r"\b(?:within|under|below|in|after|less than|more than|at most|over) (?P<one>an?)(?= (?:second|minute|hour)\b)"
    rf"|\b(?P<none>{'|'.join(_NONE)}) (?=warm-?(?:up|ing)|aufwärm|échauffement|calentamiento|riscaldamento|aquecimento|opwarm|rozgrz"
    rf"|uppvärmn|opvarm)"
    rf"|\b(?:just|only|nur|bloß|solo|sólo|seulement|juste|só|apenas|alleen|bara|tylko) (?P<me>{'|'.join(_ALONE)})(?!\w)",
    re.IGNORECASE,
)
""" "within a second" sets a limit of one, where "tokens a second" does not; "no warm-up" counts none; "just me" is one person."""


def implied(text: str) -> list[Candidate]:
    """Ones and naughts that no number says. They are kept apart from the numbers of a request, as only a turn of speech tells what they
    are for."""
    found = [(m, m.lastgroup or "") for m in _IMPLIED.finditer(text)]
    return [Candidate("number", int(group != "none"), m.start(group), m.end(group), m[group]) for m, group in found]


def find_numbers(text: str) -> list[Candidate]:
    expressions = [m.span() for m in _EXPRESSION.finditer(text)]
    digits = [
        m
        for m in _DIGITS.finditer(text)
        if not _MARKER.match(text, m.start() - 1) and not any(start <= m.start() < end for start, end in expressions)
    ]
    found = [_signed(Candidate("number", _read_digits(m), m.start(), m.end(), m.group()), text) for m in digits]
    for pattern in (_WORDS, _foreign(), _ARTICLES):
        for match in pattern.finditer(text):
            said = match.group().lower()
            if (
                said != "once"
                and not (said == "one" and _PRONOUN.search(text[: match.start()]))
                and not any(match.start() < f.end and f.start < match.end() for f in found)
            ):
                found.append(Candidate("number", read_words(match.group()), match.start(), match.end(), match.group()))
    return found


def _signed(number: Candidate, text: str) -> Candidate:
    """ "-3 epochs": the sign is part of it, so that its bounds refuse it."""
    if not re.search(r"(?:^|[\s(=:])-$", text[: number.start]):
        return number
    return replace(
        number,
        value=-float(number.value) if isinstance(number.value, float) else -int(number.value),
        start=number.start - 1,
        text=f"-{number.text}",
    )


def _read_digits(match: re.Match[str]) -> int | float:
    text = match.group().lower()
    if match.group("spaces"):  # 15 000
        text = re.sub(r"\s", "", text)
    if match.group("dots"):  # 12.000 as most of Europe writes it
        text = text.replace(".", "")
    text = text.replace(",", ".") if re.match(r"0,|\d+,\d{1,2}(?!\d)", text) else text.replace(",", "")
    factor = 1
    if match.group("k") or match.group("big") or match.group("m"):
        text = re.split(r"[a-z]", text.replace("e-", "E-"))[0].strip().replace("E-", "e-")
        factor = 1_000_000 if match.group("m") or (match.group("big") or "").lower() == "million" else 1000
    number = float(text) * factor
    return int(number) if number.is_integer() and "e-" not in text else number


def read_words(text: str) -> int | float:
    """'twenty-five' -> 25, 'three hundred' -> 300, 'drei' -> 3."""
    known: dict[str, int | float] = {
        **dict.fromkeys((*_ONE, *_ALONE, "a", "an"), 1),
        **dict.fromkeys(_NONE, 0),
        **_foreign_words(),
        **_UNITS,
        **_TENS,
        **_OTHER,
    }
    text = text.lower()
    if text in known:
        return known[text]
    if half := re.fullmatch(r"(.+) and a half", text):
        return read_words(half[1]) + 0.5
    if thousands := re.fullmatch(r"(.+) thousand(?:(?: and)? (.+))?", text):
        return 1000 * read_words(thousands[1]) + (read_words(thousands[2]) if thousands[2] else 0)
    if more := re.fullmatch(r"(.+ hundred)(?: and)? (.+)", text):
        return read_words(more[1]) + read_words(more[2])
    if hundreds := re.fullmatch(r"(.+) hundred", text):
        return 100 * read_words(hundreds[1])
    first, second = re.split(r"[- ]", text, maxsplit=1)
    if second in _TIMES:
        return known[first] * known[second]
    return known[first] + known[second]


@lru_cache(maxsize=1)
def _foreign_words() -> dict[str, int | float]:
    from modelwright.graphs.planning.lexicon import lexicon

    return {word: float(value) if "." in value else int(value) for value, words in lexicon().numbers.items() for word in words}


@lru_cache(maxsize=1)
def _foreign() -> re.Pattern[str]:
    words = sorted(_foreign_words(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words)) or 'a^'})\b", re.IGNORECASE)
