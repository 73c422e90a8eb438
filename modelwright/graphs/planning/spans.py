"""Spans of a request that could be a value of a tool that nobody has seen: text in quotes, names, ids, dates, noun phrases.

Two facts to know. Spans may overlap ("Boston", "Boston, MA"): which one an argument takes is fill_open.py's work, and what was
taken is taken with all that overlaps it. And a span is never changed but for a date, which is written as its argument asks.
Numbers stand in quantities.py.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STOP = """a an the of in on at to from for by with within into onto over under between and or but if is are was were be been being do does
    did can could will would should shall may might must i me my we our you your he she his her it its they their them this that these
    those there here what which who whom whose when where why how much many get give find show tell calculate compute determine estimate
    retrieve search look fetch provide create generate make play book order want need like please using use given as also including about
    per than any some all not no so such let us am has have had having during after before near nearby around until since next last past
    each every both more most least now right currently current help know one s only up out off then via based through across towards
    against without called named titled without set list check buy sell update identify analyze predict convert plan
    two three four five six seven eight nine ten
    """
STOP = frozenset(_STOP.split())
"""Words at which a noun phrase ends: function words, and the verbs that requests begin with."""
MONTHS = tuple(calendar.month_name[n].lower() for n in range(1, 13))
_WORD = re.compile(r"[^\W_]+(?:['’.&/+-][^\W_]+)*\.?|\S")
_TOKEN = re.compile(r"[^\W_](?:[\w'’&/+-]|\.(?=\w))*")
_QUOTED = re.compile(r"(?<![\w'])'([^'\n]+(?:'\w[^'\n]*)*?)'(?![\w'])|\"([^\"\n]+)\"|“([^”\n]+)”|‘([^’\n]+)’|`([^`\n]+)`")
_ID = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+|(?<!\w)\d+/[A-Z]+\d+|(?<!\w)(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z][\w-]*\w|(?<!\w)\w+_\w+"
)
_FORMULA = re.compile(
    r"(?<![\w^])(?:[a-z]\s?=\s?)?\(?\d*[a-z]?(?:\^\(?-?\d+\)?)?\)?(?:\s*[-+*/]\s*\(?\d*[a-z]?(?:\^\(?-?\d+\)?)?\)?)+(?![\w^])|(?<![\w^])\d*[a-z]\^\d+(?!\w)"
)
_NAME_WORD = r"(?:[A-Z][\w'’&-]*(?:\.[A-Z]\.?)*|[A-Z]\.)"
_NAME = re.compile(rf"{_NAME_WORD}(?:\s+(?:(?:of|the|de|la|van|von|del)\s+)*(?:{_NAME_WORD}|\d+(?![\w./-]|\s*(?:years|days|%))))*")
_PLACE_TAIL = re.compile(r",\s*(?:[A-Z]{2}\b|[A-Z]\w+(?:\s[A-Z]\w+)?)")
_MONTH = "|".join(f"{m[:3]}(?:{m[3:]})?" if m != "may" else "may" for m in MONTHS)
_DATES = (
    re.compile(r"(?<![\w/-])(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\w/-])"),
    re.compile(r"(?<![\w/-])(?P<m>\d{1,2})[-/](?P<d>\d{1,2})[-/](?P<y>\d{4})(?![\w/-])"),
    re.compile(rf"(?<!\w)(?P<mon>{_MONTH})\.?\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})(?!\w)", re.IGNORECASE),
    re.compile(rf"(?<!\w)(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<mon>{_MONTH})\.?,?\s+(?P<y>\d{{4}})(?!\w)", re.IGNORECASE),
)
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_RELATIVE = re.compile(rf"\b(?:today|tomorrow|tonight|yesterday|(?:next|this) (?:week(?:end)?|month|{_DAYS}))\b", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    kind: str
    """quoted, name, id, date or phrase."""
    text: str
    start: int
    end: int
    year: int = 0
    month: int = 0
    day: int = 0

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end


@dataclass(frozen=True)
class Around:
    """The words before a place, the nearest first, and those after it; all in small letters, of the same sentence."""

    before: tuple[str, ...]
    after: tuple[str, ...]


def around(text: str, start: int, end: int, count: int = 5) -> Around:
    left = re.split(r"[.?!;](?:\s|$)", text[:start])[-1]
    right = re.split(r"[.?!;](?:\s|$)", text[end:])[0]
    before = [w.group().lower() for w in re.finditer(r"[^\W_]+(?:'\w+)?|[,=:(]", left)][::-1]
    after = [w.group().lower() for w in re.finditer(r"[^\W_]+(?:'\w+)?|[,=:(]", right)]
    return Around(tuple(before[:count]), tuple(after[:count]))


def find(text: str) -> list[Span]:
    """All spans, by their place; the same words once, as the kind that says most."""
    found: dict[tuple[int, int], Span] = {}
    for span in (*_quoted(text), *_dates(text), *_ids(text), *_names(text), *_phrases(text)):
        found.setdefault((span.start, span.end), span)
    return sorted(found.values(), key=lambda s: (s.start, s.end))


def _quoted(text: str) -> Iterator[Span]:
    for match in _QUOTED.finditer(text):
        number = match.lastindex or 1
        yield Span("quoted", match.group(number), match.start(number), match.end(number))


def _dates(text: str) -> Iterator[Span]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            month = int(parts["m"]) if parts.get("m") else [m[:3] for m in MONTHS].index(parts["mon"][:3].lower()) + 1
            day = int(parts["d"])
            if month <= 12 and day <= 31:
                yield Span("date", match.group(), match.start(), match.end(), int(parts["y"]), month, day)
    for match in _RELATIVE.finditer(text):
        yield Span("date", match.group(), match.start(), match.end())


def _ids(text: str) -> Iterator[Span]:
    for match in _ID.finditer(text):
        yield Span("id", match.group().rstrip("."), match.start(), match.start() + len(match.group().rstrip(".")))
    for match in _FORMULA.finditer(text):
        if re.search(r"[a-z]", match.group()) and re.search(r"[\^+*/=]|\s-", match.group()) and re.search(r"\d", match.group()):
            yield Span("id", match.group().strip(), match.start(), match.end())


def _names(text: str) -> Iterator[Span]:
    for match in _NAME.finditer(text):
        start, words = match.start(), match.group()
        opens = not text[:start].strip() or (text[:start].rstrip()[-1:] in ".?!:" and not re.search(r"\b[A-Z]\.$", text[:start].rstrip()))
        if opens:  # the first word of a sentence is no name by its capital
            first, _, rest = words.partition(" ")
            if first.lower().rstrip(",") in STOP or not rest:
                start, words = start + len(first) + 1, rest
        article = re.match(r"(?:the|of|de|la)\s+", words)
        start, words = (start + article.end(), words[article.end() :]) if article else (start, words)
        words = re.sub(r"['’]s?$", "", words.rstrip(" ,"))
        words = words if re.search(r"\b(?:[A-Z]\.)+$|\b(?:Inc|Ltd|Jr|Sr|Co|Corp)\.$", words) else words.rstrip(".")
        if not words or words.lower() in STOP:
            continue
        yield Span("name", words, start, start + len(words))
        for cut in re.finditer(r"['’]s ", words):  # "Van Gogh's Sunflowers" holds two names
            yield Span("name", words[: cut.start()], start, start + cut.start())
            yield Span("name", words[cut.end() :], start + cut.end(), start + len(words))
        tail = _PLACE_TAIL.match(text, start + len(words))
        if tail:
            yield Span("name", text[start : tail.end()], start, tail.end())


def _phrases(text: str) -> Iterator[Span]:
    """Runs of words that carry meaning, and each part of such a run that ends or begins it (at most 4 words)."""
    run: list[re.Match[str]] = []
    end = 0
    for match in [*_TOKEN.finditer(text), None]:
        broken = match is None or match.group().lower() in STOP or bool(text[end : match.start()].strip(" '\"")) or match.group().isdigit()
        if broken:
            yield from _parts(text, run)
            run = []
        if match is not None:
            end = match.end()
            if match.group().lower() not in STOP and not match.group().isdigit():
                run.append(match)


def _parts(text: str, run: Sequence[re.Match[str]]) -> Iterator[Span]:
    for first in range(len(run)):
        for last in range(first, min(len(run), first + 4)):
            start, end = run[first].start(), run[last].end()
            words = re.sub(r"['’]s$", "", text[start:end])
            yield Span("phrase", words, start, start + len(words))


def as_date(span: Span, description: str) -> str:
    """A date as the description wants it (mm-dd-yyyy, YYYY/MM/DD …); as it was written where nothing is said."""
    if not span.year:
        return span.text
    wanted = re.search(r"\b(?:(yyyy)([-/.])(mm)[-/.](dd)|(mm|dd)([-/.])(dd|mm)[-/.](yyyy))\b", description, re.IGNORECASE)
    if wanted:
        order = [g.lower() for g in wanted.groups() if g and len(g) > 1]
        sign = next(g for g in wanted.groups() if g and len(g) == 1)
    elif re.search(r"month-day-year", description, re.IGNORECASE):
        order, sign = ["mm", "dd", "yyyy"], "-"
    elif re.search(r"day-month-year", description, re.IGNORECASE):
        order, sign = ["dd", "mm", "yyyy"], "-"
    else:
        return span.text
    parts = {"yyyy": f"{span.year:04}", "mm": f"{span.month:02}", "dd": f"{span.day:02}"}
    return sign.join(parts[name] for name in order)
