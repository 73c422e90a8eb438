"""Arguments that the request names beside their value: "3 epochs", "rank 32", "lr=1e-4", "validate on b.jsonl".

Each number goes to one argument. Where it has a name on both sides ("rank 16 epochs 3"), the numbers with one
possibility are placed first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from modelwright.graphs.planning import phrases, spans
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.stems import nearly, stem

_LINK = (
    r"\s*(?:=|:|\b(?:of|de|da|di|von|van|to|at|is|up to|set to|about|most"
    r"|(?:must|should|has to|have to|shall|can|may|needs? to)(?: only)? be"
    r"|(?:,|well|please|just|\s)*\b(?:put|set|keep|leave|make|take|turn) (?:it|that|this)(?: down| up)?(?: at| to| on)?)\b|-)?"
    r"\s*(?:=|\bthe first\b|\bonly\b|\babout\b)?\s*"
)
_WORDS_BEFORE = re.compile(r"(?:(?<![\w./-])[A-Za-z_-]+\s+){0,2}(?<![\w./-])[A-Za-z_-]+\s*[=:]?\s*$")
_WORDS_AFTER = re.compile(r"(?:\s+[A-Za-z_-]+(?![\w./])){0,2}")
_KILO_TOKENS = re.compile(r"tokens?\b|length|context|^window$")
"""8k tokens are 8192, 1.1k are 1100: in the name of an argument."""
_ONLY = re.compile(
    r"\b(?:only|just|no more than|nur|bloß|solo|sólo|seulement|solamente|soltanto|apenas|só|alleen|bara|kun|tylko|jen)(?: \w+){0,3} $",
    re.IGNORECASE,
)
""" "two hundred questions, but only take fifty of them": of two numbers for one argument the one that is meant."""
TINY = 0.005
"""A number of a training that is smaller is its learning rate, whatever stands beside it."""
NEAR = 6
"""Words between a number and what says what it is for."""
_OF_CARDS = re.compile(r"\s*[x×*-]?\s*(?:nvidia|amd)?\s*", re.IGNORECASE)


def numbers(fields: Mapping[str, FieldSpec], candidates: Sequence[Candidate], text: str, start: int, end: int) -> dict[str, Candidate]:
    """Which number of text[start:end] fills which numeric field."""
    here = [c for c in candidates if c.kind in ("number", "money") and start <= c.start and c.end <= end]
    wanted = [f for f in fields.values() if f.inner in ("integer", "number")]
    options = {c: _options(c, wanted, text, start, end, priced=_follows_money(c, candidates, text)) for c in here}
    placed: dict[str, Candidate] = {}
    shaped = {c: any(phrases.shaped(name, text, c.start, c.end) for name in options[c]) for c in here}
    for candidate in sorted(here, key=lambda c: (len(options[c]), not shaped[c], not _ONLY.search(text[: c.start]))):
        free = [name for name in options[candidate] if name not in placed]
        if free:
            placed[free[0]] = candidate
    if "epochs" in fields and "epochs" not in placed and (times := [c for c in here if c.text.lower() in ("twice", "thrice")]):
        placed["epochs"] = times[0]
    if "learning_rate" in fields and "learning_rate" not in placed:
        tiny = [c for c in here if c not in placed.values() and (re.search(r"\de-\d", c.text) or 0 < float(c.value) < TINY)]
        placed |= {"learning_rate": tiny[0]} if tiny else {}
    return placed


_PRICE = re.compile(r"\b(?:price|preis|prix|precio|prezzo|preço|prijs|pris|cena)\w*(?: (?:is|of|at|=))?:? $", re.IGNORECASE)


def _follows_money(number: Candidate, candidates: Sequence[Candidate], text: str) -> bool:
    """ "0.25 dollars per million in and 1 out", "price 0.25 in and 1 out": the amount before tells the currency of both; only what it is
    for stands between.

    "0.30 read / 0.90 written per million" is money without any currency."""
    before = [c for c in candidates if c.kind in ("number", "money") and c.end <= number.start]
    between = re.findall(r"[^\W\d_]+", text[before[-1].end : number.start].lower()) if before else []
    if "." in number.text and _PER_MILLION.match(text, number.end):
        return True
    is_price = bool(before) and (before[-1].kind == "money" or _PRICE.search(text[: before[-1].start]) is not None)
    return is_price and lexicon().words["of_prices"].issuperset(between)


def _options(number: Candidate, wanted: Sequence[FieldSpec], text: str, start: int, end: int, *, priced: bool) -> list[str]:
    """The fields that a number may be for. A turn of speech decides before a name: "1800 output tokens a second"."""
    fitting = [f.name for f in wanted if _may_be(f, number)]
    shaped = [
        name
        for name in fitting
        if phrases.shaped(name, text, number.start, number.end)
        and (number.kind == "money" or priced or "price" not in name or name == "electricity_price" or _is_dear(name, number))
    ]
    return shaped or [name for name in fitting if number.kind == "number" and _named(name, number, text, start, end)]


DEAR = 200
"""From which a number without a currency may be what a machine costs."""


def _is_dear(name: str, number: Candidate) -> bool:
    return name == "hardware_price" and float(number.value) >= DEAR


def told_for(number: Candidate, fields: Sequence[FieldSpec], candidates: Sequence[Candidate], text: str) -> str:
    """The one argument whose turn of speech the number stands in; empty where there is none or more than one."""
    names = [f.name for f in fields if number.kind in ("number", "money") and is_told(f, number, candidates, text)]
    return names[0] if len(names) == 1 else ""


def is_told(field: FieldSpec, number: Candidate, candidates: Sequence[Candidate], text: str) -> bool:
    """Whether a turn of speech, or "300 in, 150 out", says that the number is for this argument; its bare name is not enough."""
    priced = _follows_money(number, candidates, text)
    shaped = field.name in _options(number, [field], text, 0, len(text), priced=priced) and phrases.shaped(
        field.name, text, number.start, number.end
    )
    return _may_be(field, number) and (shaped or (_pair_of(number, text) is not None and _named(field.name, number, text, 0, len(text))))


_ANDS = (
    r"(?:[,/&+;|-]|\b(?:with|con|mit|avec|com|met|and|or|then|danach|dann"
    r"|luego|después|puis|ensuite|poi|depois|daarna|und|et|y|e|en|to)\b)"
)
_AND = re.compile(rf"\s*(?:{_ANDS}\s*){{0,3}}", re.IGNORECASE)


def run_of(number: Candidate, candidates: Sequence[Candidate], text: str, field: FieldSpec) -> list[Candidate]:
    """For a list, the whole run of numbers that this one stands in: "1, 2 and 8 users"; else the number alone."""
    if not field.is_list:
        return [number]
    numbers = [c for c in candidates if c.kind == "number" and _may_be(field, c)]
    at = numbers.index(number) if number in numbers else 0
    first = last = at
    while first > 0 and _AND.fullmatch(text[numbers[first - 1].end : numbers[first].start]):
        first -= 1
    while last + 1 < len(numbers) and _AND.fullmatch(text[numbers[last].end : numbers[last + 1].start]):
        last += 1
    return numbers[first : last + 1] or [number]


def in_words(number: Candidate, text: str) -> str:
    """The number with the argument that it is for, or if it is in digits with the words around it. Empty for one in words ("one model")."""
    for field in lexicon().arguments:
        _, after = _patterns(field)
        if match := after.match(text[number.end :]):
            return text[number.start : number.end + match.end()]
    if not number.text[0].isdigit() and number.text[0] != ".":
        return ""
    left, right = _WORDS_BEFORE.search(text[: number.start]), _WORDS_AFTER.match(text[number.end :])
    return text[left.start() if left else number.start : number.end + (right.end() if right else 0)]


def near(field: FieldSpec, number: Candidate, candidates: Sequence[Candidate], text: str) -> bool:
    """Whether the request says what the number is for: a name of the argument or a word of its description at most 6 words away.

    A number that counts graphics cards ("8 H100") is for nothing else.
    """
    if counts_cards(number, candidates, text):
        return False
    around = spans.around(text, number.start, number.end, NEAR)
    wanted = _telling(field.name, field.description)
    roots = {stem(word) for word in wanted}
    said = [word for word in (*around.before, *around.after) if word.isalpha()]
    return any(stem(word) in roots or any(nearly(word, other) for other in wanted) for word in said)


def counts_cards(number: Candidate, candidates: Sequence[Candidate], text: str) -> bool:
    return any(c.kind == "gpu" and number.end <= c.start and _OF_CARDS.fullmatch(text[number.end : c.start]) for c in candidates)


@lru_cache(maxsize=256)
def _telling(name: str, description: str) -> frozenset[str]:
    """The words of an argument's names, and of its description those of four letters and more."""
    words = {word for spoken in names_of(name) for word in re.findall(r"[^\W\d_]+", spoken.lower())}
    described = set(re.findall(r"[^\W\d_]{4,}", description.lower()))
    return frozenset((words | described) - spans.STOP)


def value_of(field: FieldSpec, candidate: Candidate) -> int | float:
    """The number as this field takes it."""
    number = candidate.value
    assert isinstance(number, int | float)
    if _KILO_TOKENS.search(field.name.replace("_", " ")) and re.fullmatch(r"\d+ ?k", candidate.text, re.IGNORECASE):
        return round(number / 1000 * 1024)
    return int(number) if float(number).is_integer() and not re.search(r"e-|\.", candidate.text.lower()) else float(number)


def _may_be(field: FieldSpec, candidate: Candidate) -> bool:
    return field.inner == "number" or float(candidate.value).is_integer()


_PER_MILLION = re.compile(
    r"\s?(?:read|in|input|written|out|output)\b[^.?!;]{0,20}?(?:\d\.\d+[^.?!;]{0,20}?)?\bper (?:1 ?m|million|mtok)\b", re.IGNORECASE
)
_HOURS = re.compile(r"\s?(?:h|hrs?|hours?|stunden|heures|horas|ore|uur|min\w*|times)\b", re.IGNORECASE)
""" "24 hours a day" count no requests."""
_MORE_OFTEN = re.compile(r"\s*[\w-]*\s*(?:(?:a|per|each|every)\s+|/ ?)(?:day|week|month|hour|year)\b", re.IGNORECASE)
""" "12000 requests a day" count no requests of one run."""
_IN_AND_OUT = re.compile(
    r"(\d)\s*(?:tok\w*\s*)?(?:in|inn|ind|rein|hinein|en entrée|de entrada|in ingresso)\b\W{0,4}(?:(?:and|und|et|y|e|och|og|en)\s+)?"
    r"[\d.,k]+\s*(?:tok\w*\s*)?(?:out|ut|ud|uit|raus|hinaus|en sortie|de salida|in uscita)\b",
    re.IGNORECASE,
)
"""120 in, 30 out"""


_LONG = re.compile(r"\s*(?:sequences?|conversations?|chats?|sessions?)\b", re.IGNORECASE)
""" "8k conversations" are long, not many."""
_REQUESTS = re.compile(r"\s*requests?\b(?!\s*(?:a|per|each|every|/)\s*(?:day|hour|month))", re.IGNORECASE)


def counts_long_things(number: Candidate, text: str) -> bool:
    return _LONG.match(text, number.end) is not None and number.text[-1:] not in "kK"


def _pair_of(number: Candidate, text: str) -> re.Match[str] | None:
    return next((p for p in _IN_AND_OUT.finditer(text) if number.start < p.end() and p.start() < number.end), None)


def _named(field: str, number: Candidate, text: str, start: int, end: int) -> bool:
    before, after = _patterns(field)
    if field == "requests_per_day" and _HOURS.match(text, number.end):
        return False
    if field == "requests" and _MORE_OFTEN.match(text, number.end):
        return False
    if field == "batch_size" and (_LONG.match(text, number.end) or _REQUESTS.match(text, number.end)) and number.text[-1:] in "kK":
        return False
    if pair := _pair_of(number, text):
        return field in (("input_tokens", "prompt_tokens") if number.start <= pair.start(1) else ("output_tokens",))
    said = before.search(text[start : number.start])
    if said and not number.text[:1].isdigit() and re.fullmatch(r"[a-z]{1,2}\W*", said.group(), re.IGNORECASE):
        said = None  # "as a single file": an abbreviation stands before digits
    return bool(said or after.match(text[number.end : end]))


@lru_cache(maxsize=256)
def _patterns(field: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    names = names_of(field)
    spoken = "|".join(_spoken(n) for n in names if "*" not in n)
    long = "|".join(_spoken(n) for n in names if len(n) > 2)
    before = re.compile(rf"(?<![\w])(?:{spoken}){_LINK}$", re.IGNORECASE)
    after = re.compile(
        rf"\s*-?\s*(?:more |full |training |random |test |optimi[sz]er |of the |of its |an? |of an? )?(?:{long or 'a^'})(?!\w)",
        re.IGNORECASE,
    )
    return before, after


def spoken_of(field: str, text: str) -> list[re.Match[str]]:
    """Where the text says a name of the argument."""
    spoken = "|".join(_spoken(n) for n in names_of(field) if "*" not in n and len(n) > 2)
    return list(re.finditer(rf"(?<!\w)(?:{spoken})(?!\w)", text, re.IGNORECASE))


def _spoken(name: str) -> str:
    """`* a day` stands for any word in the place of the star."""
    plural = "" if len(name) <= 2 or name.endswith("s") else "s?"
    spoken = re.escape(name).replace(r"\*", r"\w+").replace(r"\ ", r"[\s_-]*" if "/" in name else r"[\s_-]+") + plural
    return re.sub(r"tokens?\??", "tok(?:en)?s?", spoken)  # "256 new toks"


def names_of(field: str) -> list[str]:
    """What the argument is called, the longest first."""
    known = [" ".join(words) for words in lexicon().arguments.get(field, ())]
    return sorted({*known, field.replace("_", " ")}, key=len, reverse=True)


def written_out(field: FieldSpec, text: str, start: int, end: int) -> Candidate | None:
    """`field=value` for text, yes/no and listed values, as a person who knows the schema writes it."""
    match = re.compile(rf"\b{re.escape(field.name)}\s*[=:]\s*[\"']?([^\s\"',;]+)", re.IGNORECASE).search(text, start, end)
    if match is None or field.type not in ("string", "boolean") or field.role:
        return None
    return Candidate(
        "value", match.group(1).rstrip("."), match.start(1), match.start(1) + len(match.group(1).rstrip(".")), match.group(1).rstrip(".")
    )
