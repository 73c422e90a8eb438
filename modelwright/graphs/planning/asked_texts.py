"""What a request wants to know of documents that it first has read in: quoted texts, and questions behind the wish to index.

A small model that drafts steps often stops behind the index or the measurement. A text in quotes that a word for searching or
answering leads to, or a question of fact that names no file, is a step of its own all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.fill_text import PLACES, QUESTION, QUOTED, is_command
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.tool_names import ANSWER, INDEX, RETRIEVAL_QUALITY, SEARCH
from modelwright.graphs.planning.words import tokenize

_SOURCES = ("folder", "glob", "file", "dataset")
_SEEKS = (
    r"\b(?:search(?:es)?(?! index)|look(?:s|ing)? (?:for|up)|look-?up|lookup|find|passages?|hits?|mentions?|mentioned|where|spots?"
    r"|places?|query"
    r"|snippets?|excerpts?|such(?:e|en|t)?|finde|stellen?|fundstellen|textstellen|treffer|wo|busca\w*|encuentra|fragmentos?|pasajes?|dónde"
    r"|cherche\w*|trouve\w*|extraits?|passages|où|cerca\w*|trova\w*|brani|passaggi|dove|procur\w+|encontr\w+|trechos?|onde|zoek\w*|vind"
    r"|passages|waar|sök\w*|hitta|søg\w*|find|søk\w*|finn|szukaj|znajdź|wyszukaj|gdzie)\b"
)
_TELLS = (
    r"\b(?:tell (?:me|us)|answer(?:s|ed)?|anwser|question(?: is| would be| being)?|q\d?|know|explain|say|ask|find out"
    r"|sag\w* (?:mir|uns)|beantwort\w*|antwort\w*|frag\w*|wissen|dime|dinos|respond\w*|contest\w*|pregunt\w*|saber"
    r"|dis-(?:moi|nous)|répon\w*|savoir|dimmi|dicci|rispond\w*|domanda|sapere|diz-me|diga-me|pergunta|zeg me|vertel\w*|beantwoord\w*"
    r"|vraag|weten|svara\w*|fråga|svar\w*|spørg\w*|spør\w*|odpowiedz|powiedz|pytanie)\b"
)
_LEADS = re.compile(rf"(?P<seeks>{_SEEKS})|(?P<tells>{_TELLS})", re.IGNORECASE)
_PASSAGES = re.compile(
    r"\b(?:search(?:es)? (?:for|it|them|the)|look(?:s|ing)? (?:for|up)|passages?|hits|mentions?|mentioned|spots|snippets|excerpts"
    r"|such\w* nach|stellen|fundstellen|textstellen|treffer|busca|fragmentos|pasajes|cherche|extraits|cerca|brani|passaggi|trechos)\b",
    re.IGNORECASE,
)
_IS_THERE = re.compile(
    r"\s*(?:(?:is|are|was) )?(?:turns? up|comes? up|appears?|occurs?|(?:is )?mentioned|in (?:it|there)\b|vorkommt|auftaucht|steht"
    r"|aparece|figura"
    r"|apparaît|compare|aparece)\b",
    re.IGNORECASE,
)
""" 'whether "x" turns up'."""
_SENTENCE_END = re.compile(r"[.!?;\n](?=\s|$)|[→⇒]")
_LEADING = re.compile(
    r"(?:[\s\-–—:;,.!→⇒(¿]|\b(?:and|then|also|finally|lastly|next|after(?:wards?| that)?|oh|so|now|plus|q\d?|question|und|dann|danach|frage"
    r"|anschließend|zum schluss|y|luego|después|pregunta|et|puis|ensuite|e|poi|en|dan|daarna|och|og|i)\b)*",
    re.IGNORECASE,
)
_QUESTION_START = re.compile(rf"{QUESTION}\b", re.IGNORECASE)
_TO_KNOW = re.compile(
    rf"\b(?:know|tell (?:me|us)|wissen|sag\w* mir|saber|dime|savoir|dis-moi|sapere|dimmi|weten|vertel me)(?:,"
    rf"|:)?\s+(?P<text>¿?{QUESTION}\b[^.?!\n]+)",
    re.IGNORECASE,
)
""" "I'd like to know why …"."""
_SAYS = re.compile(
    r"^what (?:does|do|is in) [\w./*~-]+\.(?:pdf|docx|md|html?|txt) (?:say|state|tell us|write)|^was (?:sagt"
    r"|steht in) [\w./*~-]+\.(?:pdf|docx|md|txt)",
    re.IGNORECASE,
)
""" "what does a.pdf say about leave?"."""
_OF_THE_WORK = re.compile(
    r"\b(?:how many (?:files|documents|docs|pages|chunks|passages|rows)|wie ?viele (?:dateien|dokumente|seiten)|cuántos (?:archivos"
    r"|documentos)"
    r"|combien de (?:fichiers|documents)|you|your|u|dir|dich|du|sie|tú|te|puedes|podrías|tu|vous|ti|puoi|você|je|jij|search\w*"
    r"|retriev\w*|index\w*|índice|indice|chunk\w*"
    r"|recall|ndcg|mrr|fusion|threshold|accura\w+|hits?|suche?|sucht|findet|treffer|trefferquote|búsqueda|recherche|ricerca|busca"
    r"|how (?:good|well|reliable|accurate|trustworthy)|matching|passages"
    r"|model\w*|dataset|fine|ok|okay|right|possible|möglich|posible|done|finished|ready|fertig|listo|worked|works|took|loaded)\b",
    re.IGNORECASE,
)
"""Words of a question about the work itself ("how good is the search?", "can you do that?"), which no document answers."""
_LONGEST_LEAD = 120
_FEWEST_WORDS = 3


@dataclass(frozen=True)
class AskedText:
    tool: str
    lead: int
    """Where the word that leads to it begins."""
    start: int
    end: int
    """Of its sentence."""


def completed(asked: Sequence[Intent], request: str, found: Sequence[Candidate]) -> list[Intent]:
    """With a step for what is asked of documents that a step reads in or measures, where there is none of that kind."""
    tools = {i.tool for i in asked}
    if tools.isdisjoint((INDEX, RETRIEVAL_QUALITY)):
        return list(asked)
    waiting = list(find(request, found))
    for tool in [i.tool for i in asked if i.tool in (SEARCH, ANSWER)]:
        mine = [text for text in waiting if text.tool == tool] or [text for text in waiting if not _seeks_beside(text, request)]
        waiting = [text for text in waiting if text not in mine[:1]]
    steps = list(asked)
    for text in waiting:
        if text.tool not in {i.tool for i in steps}:
            steps.insert(_place_of(text, steps), Intent(_clause_of(text, request, found), {}, text.tool))
    return steps


_WISHES = re.compile(
    rf"{_TELLS}|\b(?:search (?:for|it|them|the)|look(?:ing)? (?:for|up)|find|show|such\w* nach|zeig\w*|finde|busca|muestra|cherche|montre"
    r"|cerca|mostra|procura|zoek|toon|sök|søg|søk|szukaj|znajdź)\b",
    re.IGNORECASE,
)


def asks_something(request: str) -> bool:
    """Whether anything in it could be looked for: a quoted text, a question, a word for searching or answering."""
    return "?" in request or QUOTED.search(request) is not None or _WISHES.search(request) is not None


def find(request: str, found: Sequence[Candidate]) -> Iterator[AskedText]:
    """In the order of the request."""
    quoted = [(m.start(), m.end()) for m in QUOTED.finditer(request) if not _is_a_name(m, found)]
    texts = [text for place in quoted if (text := _of_quote(request, place, quoted))]
    texts += [text for text in _questions(request, found) if not any(text.start < end and start < text.end for start, end in quoted)]
    yield from sorted(texts, key=lambda text: text.start)


def _seeks_beside(text: AskedText, request: str) -> bool:
    """ "then where the windmills come, passages; and lastly, what does Sancho say?": the search has words of its own."""
    return text.tool == ANSWER and _PASSAGES.search(request[: text.lead]) is not None


def _is_a_name(quote: re.Match[str], found: Sequence[Candidate]) -> bool:
    """'the index "kb"', 'the folder "board papers"': what is quoted is a place."""
    body = quote.span("a") if quote.group("a") else quote.span("b")
    return any(c.kind in PLACES and c.start <= body[0] and body[1] <= c.end for c in found)


def _of_quote(request: str, place: tuple[int, int], quoted: Sequence[tuple[int, int]]) -> AskedText | None:
    """A quote behind a word for searching or answering; one that is a question needs none."""
    start, end = place
    ends = [m.end() for m in _SENTENCE_END.finditer(request, 0, start)] + [e for _, e in quoted if e <= start]
    since = max([0, start - _LONGEST_LEAD, *ends])
    leads = list(_LEADS.finditer(request, since, start))
    body = request[start:end].strip("\"'“”„«»‘’ ")
    is_question = body.endswith("?") or bool(_QUESTION_START.match(body.lstrip("¿")) and len(body.split()) >= _FEWEST_WORDS)
    last = leads[-1] if leads else None
    if last and is_question and last.group("seeks") and re.search(r"[,;]|\band\b", request[last.end() : start]):
        last = None  # "keyword search only, and finally …"
    told = last is not None and last.group("tells") is not None
    rest = _end_of_sentence(request, end)
    if last is None and not is_question and not _IS_THERE.match(request, end):
        return None
    lead = last.start() if last else start
    only_where = last is not None and _QUESTION_START.fullmatch(last.group()) is not None
    answers = (told and not _IS_THERE.match(request, end)) or (is_question and (last is None or only_where))
    return AskedText(ANSWER if answers else SEARCH, lead, start, rest)


def _questions(request: str, found: Sequence[Candidate]) -> Iterator[AskedText]:
    """Plain questions behind the first thing that is read in."""
    behind = min((c.end for c in found if c.kind in _SOURCES), default=len(request))
    start = 0
    for stop in re.finditer(r"[.!?;:\n](?=\s|$|[\"”])|[→⇒]", request):
        first = _LEADING.match(request, start, stop.start())
        begins = first.end() if first else start
        text = request[begins : stop.end()]
        if stop.group() == "?" and (begins >= behind or _SAYS.search(text)) and _is_of_fact(text, begins, found):
            yield AskedText(ANSWER, begins, begins, stop.end())
        start = stop.end()
    for told in _TO_KNOW.finditer(request, behind):
        enough = len(re.findall(r"\w+", told["text"])) > _FEWEST_WORDS
        if enough and _is_of_fact(told["text"], told.start("text"), found) and not re.search(r"\b(?:it|they|them|many)\b", told["text"]):
            yield AskedText(ANSWER, told.start(), told.start("text"), told.end())


def _is_of_fact(text: str, start: int, found: Sequence[Candidate]) -> bool:
    """A question that documents may answer: with a question word, no command, nothing of the work itself and no file in it."""
    here = [c for c in found if c.kind in PLACES and start <= c.start < start + len(text) and not _SAYS.search(text)]
    asks = bool(_QUESTION_START.match(text)) and len(re.findall(r"\w+", text)) >= _FEWEST_WORDS
    return asks and not here and not is_command(text) and not _OF_THE_WORK.search(text)


def _end_of_sentence(request: str, start: int) -> int:
    stop = re.compile(r"[.!?;\n](?=\s|$)").search(request, start)
    return stop.start() if stop else len(request)


def _place_of(text: AskedText, steps: Sequence[Intent]) -> int:
    """Behind the steps whose words begin before it, and behind the index."""
    before = [n for n, i in enumerate(steps, 1) if i.tool == INDEX or not i.clause.tokens or i.clause.start < text.lead]
    return max(before, default=0)


def _clause_of(text: AskedText, request: str, found: Sequence[Candidate]) -> Clause:
    """The words that lead to it and those behind it ("…, five hits"); of itself only where it begins."""
    quote = next((m.end() for m in QUOTED.finditer(request, text.start, text.end + 1) if m.start() == text.start), text.end)
    around = [t for t in tokenize(request, found) if text.lead <= t.start < text.end]
    own = [replace(t, candidate=None) for t in around if text.start <= t.start < quote][:1]
    return Clause(tuple(sorted([*own, *(t for t in around if not text.start <= t.start < quote)], key=lambda t: t.start)))
