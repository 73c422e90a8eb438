"""Which words of the request a text argument of an unseen tool takes: spans scored by what stands around them, then by the model.

Points come from the argument's own name beside a span ("the Darwin model" for `model`), from the small word before it ("from" for
an origin), and from the kind of thing that the description speaks of (a city, a date, an id). The argument with the clearest
span goes first; what is taken is taken with all that overlaps it. An argument that may be left out takes only a clear one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelwright.graphs.planning import fill_open, spans
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.quantities import name_words
from modelwright.graphs.planning.sheet import Sheet
from modelwright.graphs.planning.spans import STOP, Span
from modelwright.graphs.planning.stems import stem

ENOUGH, CLEAR = 0.5, 4.0
"""Points from which an argument takes a span: a required one, and one that may be left out."""
MOST_ASKED = 6
"""Spans that the model is asked about; each is 3 to 6 tokens behind a prefix that is read once."""
MODEL_WEIGHT = 0.35
"""Points for one nat. Rules that see a name beside the span outweigh the model, which decides among phrases."""
PLACES = r"\b(?:city|location|country|state|place|region|area|town|address|destination|origin|venue|province|county)\b"
_NAMED = (
    "name names title person actor artist author team company player band singer song movie book game brand leader event war battle "
    "organization museum museums building composer director product stock"
)
PEOPLE = rf"\b(?:{_NAMED.replace(' ', '|')})\b"
_UNITS = "joules joule kelvin celsius fahrenheit meters kilometers miles kg km cm grams liters volts amperes newtons degrees"
UNITS = frozenset(_UNITS.split())
ORIGIN = frozenset({"start", "origin", "source", "from", "departure", "begin", "first"})
TARGET = frozenset({"end", "destination", "target", "to", "arrival", "finish", "second"})


@dataclass(frozen=True)
class Fit:
    points: float
    field: FieldSpec
    value: str
    spans: tuple[Span, ...]


def fill(sheet: Sheet, draft: Draft, fields: Sequence[FieldSpec]) -> None:
    places = [(int(a), int(b)) for s in draft.sources.values() for a, b in re.findall(r"request\[(\d+):(\d+)\]", s)]
    _described(sheet, draft, fields, places)
    for field in fields:
        if field.is_list and field.name not in draft.args and (found := _listed(sheet, draft, field, places)):
            fill_open._put(sheet, draft, field, [s.text for s in found], [(s.start, s.end) for s in found])
            places += [(s.start, s.end) for s in found]
    left = [f for f in fields if f.name not in draft.args]
    found_spans = [s for s in spans.find(sheet.request) if not re.fullmatch(r"[\d.,\s]+", s.text)]
    while left:
        free = [s for s in found_spans if not any(s.overlaps(a, b) for a, b in places)]
        fits = [fit for field in left for fit in _fits(sheet, draft, field, fields, free)]
        if not fits:
            return
        best = max(fits, key=lambda fit: fit.points)
        left = [f for f in left if f.name != best.field.name]
        value = [best.value] if best.field.is_list else best.value
        fill_open._put(sheet, draft, best.field, value, [(s.start, s.end) for s in best.spans])
        places += [(s.start, s.end) for s in best.spans]


# values that the description lists ------------------------------------------------------------------------------------


def _described(sheet: Sheet, draft: Draft, fields: Sequence[FieldSpec], places: list[tuple[int, int]]) -> None:
    """'Celsius' or 'Fahrenheit' in a description are listed values, and so are ('asc' for ascending)."""
    for field in fields:
        if field.name in draft.args or re.search(PLACES, field.name):
            continue
        found = [(v, p) for v, words in described_values(field.description) if (p := _said(words, sheet.request))]
        if not found:
            continue
        if field.is_list:
            fill_open._put(sheet, draft, field, [v for v, _ in found], [p for _, p in found])
        else:
            fill_open._put(sheet, draft, field, found[0][0], [found[0][1]])
        places += [p for _, p in found]


def described_values(description: str) -> list[tuple[str, tuple[str, ...]]]:
    """(value, words that mean it) for values in quotes; "e.g." values too."""
    listed = []
    for match in re.finditer(r"['\"‘“]([\w][\w /-]{0,30})['\"’”]", description):
        after = re.match(r"\s*(?:for|means|refers to|=|:|\()\s*(?:the |a |an )?([A-Za-z]+)", description[match.end() :])
        listed.append((match.group(1), (match.group(1), *((after.group(1),) if after else ()))))
    options = re.search(r"(?:e\.g\.,?|such as|options(?: are| include)?:?|like|one of:?|either)\s+([A-Za-z][\w, /-]+)", description)
    if options and not listed:
        parts = [p.strip(" .") for p in re.split(r",|\bor\b|\band\b|/|\betc\b", options.group(1))]
        listed += [(p, (p,)) for p in parts if p and len(p.split()) <= 2 and len(p) > 2]
    return listed


def _said(words: Sequence[str], request: str) -> tuple[int, int] | None:
    return next((place for word in words if len(word) > 2 and (place := fill_open.spoken(word, request))), None)


# lists ----------------------------------------------------------------------------------------------------------------


def _listed(sheet: Sheet, draft: Draft, field: FieldSpec, places: Sequence[tuple[int, int]]) -> list[Span]:
    """The run of spans with commas or "and" between them that stands nearest to the argument's name; quoted ones first."""
    found = [s for s in spans.find(sheet.request) if not any(s.overlaps(a, b) for a, b in places)]
    best: tuple[float, list[Span]] = (0.0, [])
    for kinds in (("quoted",), ("name", "id"), ("phrase", "name", "id")):
        for run in _runs([s for s in found if s.kind in kinds], sheet.request):
            near = spans.around(sheet.request, run[0].start, run[-1].end, 4)
            roots = {stem(w) for w in (*near.before, *near.after)}
            named = any(stem(w) in roots for w in name_words(field.name))
            points = (3.0 if run[0].kind == "quoted" else 1.5 if run[0].kind == "name" else 1.0) + (3.0 if named else 0.0) + 0.2 * len(run)
            if points > best[0] and (field.required or named):
                best = (points, run)
    return best[1]


def _runs(found: Sequence[Span], request: str) -> Iterator[list[Span]]:
    """Longest spans first at each place."""
    longest = [s for s in found if not any(o != s and o.start <= s.start and s.end <= o.end and o.kind == s.kind for o in found)]
    run: list[Span] = []
    for span in sorted(longest, key=lambda s: (s.start, -s.end)):
        if run and span.start < run[-1].end:
            continue
        if run and re.fullmatch(
            r"[\s'\"‘’“”]*(?:,|and|or|&|, and|, or|with)[\s'\"‘’“”]*(?:the |a |an )?", request[run[-1].end : span.start]
        ):
            run.append(span)
        else:
            if len(run) > 1:
                yield run
            run = [span]
    if len(run) > 1:
        yield run


# single values --------------------------------------------------------------------------------------------------------


def _fits(sheet: Sheet, draft: Draft, field: FieldSpec, fields: Sequence[FieldSpec], free: Sequence[Span]) -> list[Fit]:
    tool_words = {stem(w) for w in re.findall(r"[a-z]+", draft.tool.name)}
    whole = [s for s in free if s.kind in ("name", "quoted", "id")]
    fits = []
    for span in free:
        part = span.kind == "phrase" and any(
            o.overlaps(span.start, span.end) and not (span.start <= o.start and o.end <= span.end) for o in whole
        )
        late = span.kind == "phrase" and any(span.start < o.start and o.end <= span.end for o in whole)
        points = _points(sheet.request, field, fields, span, tool_words) - 2.0 * part - 1.0 * late
        fits.append(Fit(points, field, _value(field, span), (span,)))
    fits = sorted(fits, key=lambda fit: -fit.points)
    if not field.required:
        return [fit for fit in fits[:1] if fit.points >= CLEAR]
    return _ranked(sheet, draft, field, [fit for fit in fits if fit.points >= ENOUGH])


def _ranked(sheet: Sheet, draft: Draft, field: FieldSpec, fits: Sequence[Fit]) -> list[Fit]:
    """With the model's word where more than one span is good."""
    close = [fit for fit in fits if fit.points >= fits[0].points - 2.5][:MOST_ASKED] if fits else []
    if len(close) < 2 or sheet.rank is None:
        return list(fits)
    lead = f"{sheet.request}\n{draft.tool.summary}\n{field.description or field.name}:"
    logs = sheet.rank(lead, [fit.value for fit in close])
    highest = max(logs)
    judged = [
        Fit(fit.points + MODEL_WEIGHT * max(log - highest, -8.0), field, fit.value, fit.spans) for fit, log in zip(close, logs, strict=True)
    ]
    return sorted(judged, key=lambda fit: -fit.points)


def _value(field: FieldSpec, span: Span) -> str:
    return spans.as_date(span, field.description) if span.kind == "date" else span.text


def _points(request: str, field: FieldSpec, fields: Sequence[FieldSpec], span: Span, tool_words: set[str]) -> float:
    near = spans.around(request, span.start, span.end, 4)
    names = [stem(w) for w in name_words(field.name) if len(w) > 1]
    own = [stem(w) for w in re.findall(r"[^\W_]+", span.text.lower())]
    said = {stem(w) for w in re.findall(r"[^\W\d_]{3,}", field.description.lower()) if w not in STOP}
    points = {"quoted": 2.0, "id": 1.2, "name": 1.5, "date": 0.5, "phrase": 0.6}[span.kind]
    points += _beside(names, near, 3.0) + 0.4 * _beside([w for w in said if w not in names], near, 3.0)
    others = {stem(w) for f in fields if f.name != field.name for w in name_words(f.name)} - set(names)
    points -= 0.8 * _beside(sorted(others), near, 2.0) + 1.5 * any(w in others for w in own)
    points += _kind_points(field, span, request)
    points += _small_words(field, near)
    if all(w in names for w in own) or any(a.lower() in UNITS for a in span.text.split()):
        return -5.0
    if any(value.lower() == span.text.lower() for value, _ in described_values(field.description)):
        points += 3.0
    else:
        points -= 0.7 * sum(w in said and w not in names for w in own)
    if span.kind == "phrase":
        points -= 1.2 * sum(_alike(w, tool_words) or w in names for w in own) + 0.15 * (len(own) - 1) * (len(own) > 2)
        points += 0.25 * (len(own) == 2)
    return points


def _alike(word: str, others: set[str]) -> bool:
    """The same word in another form: evolutionary, evolution."""
    return word in others or (len(word) > 5 and any(len(o) > 5 and o[:6] == word[:6] for o in others))


def _beside(words: Sequence[str], near: spans.Around, most: float) -> float:
    """Points for one of the words next to the span, less with each word between."""
    best = 0.0
    for side in (near.before, near.after):
        worth = most
        for word in side:
            if word in (",", "and", "or") or (side is near.after and word in STOP):
                break
            if stem(word) in words:
                best = max(best, worth)
                break
            worth *= 0.85 if word in STOP or word in ("=", ":") else 0.45
    return best


def _kind_points(field: FieldSpec, span: Span, request: str) -> float:
    text = f"{field.name.replace('_', ' ')} {field.description}".lower()
    is_date = bool(re.search(r"\b(?:date|day|when)\b", field.name.lower().replace("_", " ")) or re.search(r"\bdate\b", text))
    if is_date or span.kind == "date":
        return 4.0 if is_date and span.kind == "date" else -2.5
    points = 0.0
    before = spans.around(request, span.start, span.end, 1).before[:2]
    if re.search(PLACES, text[:90]):
        points += 1.5 * (span.kind == "name") + 1.5 * (
            span.kind == "name" and before[:1] in (("in",), ("at",), ("near",), ("for",), ("of",))
        )
        points -= 1.0 * (span.kind in ("quoted", "id"))
    elif re.search(PEOPLE, text):
        points += 1.0 * (span.kind in ("name", "quoted"))
    elif re.search(
        r"\b(?:type|kind|category|genre|level|mode|style|material|method|format|color|substance|species|ingredient|topic|subject|field)\b",
        text[:80],
    ):
        points += 0.8 * (span.kind == "phrase")
    if re.search(r"\bids?\b|identif|number|code|symbol|ticker|email|url", text):
        points += 2.0 * (span.kind == "id") + 1.0 * (span.text.isupper() and span.kind == "name")
    if re.search(r"function|formula|expression|equation", text):
        points += 2.5 * bool(re.search(r"[\^=+*]", span.text))
    return points


def _small_words(field: FieldSpec, near: spans.Around) -> float:
    words, before = set(name_words(field.name)), near.before[:1]
    points = 0.0
    if words & ORIGIN:
        points += 2.5 * (before in (("from",), ("between",))) - 2.0 * (before in (("to",), ("and",)))
    if words & TARGET:
        points += 2.5 * (before in (("to",), ("and",), ("into",))) - 2.0 * (before in (("from",), ("between",)))
    return points
