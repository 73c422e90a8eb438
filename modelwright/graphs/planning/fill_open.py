"""Arguments of a tool that nobody has described to the planner: listed values, switches, numbers, lists and words of the request.

What stands beside an argument's name decides first, then the kind of value that its description speaks of, then the planning
model: log p(value | request, tool, argument) among the spans that are left. A value is always a span of the request. Paths and
models are not filled here: they have roles (fill_models.py, fill_data.py). Not here: nested objects; they are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modelwright.contract import Tool
from modelwright.graphs.planning import open_text, quantities, spans
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.quantities import Quantity, name_words
from modelwright.graphs.planning.sheet import Sheet
from modelwright.graphs.planning.spans import Span
from modelwright.graphs.planning.stems import stem

_NO = re.compile(r"\b(?:no|not|without|exclud\w*|don't|skip|ignor\w*|except|never)\b", re.IGNORECASE)
_SMALL = "include get is has use with show enable allow return only set flag need require should specific status apply add on all whether"
_SWITCH_NOISE = frozenset(_SMALL.split())


def unseen(tool: Tool) -> bool:
    """Whether the lexicon knows nothing of it."""
    return tool.name not in lexicon().tools


def fill(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """All arguments without a role, in the order of certainty."""
    own = [f for f in fields.values() if not f.role]
    _listed(sheet, draft, own)
    _switches(sheet, draft, [f for f in own if f.type == "boolean"])
    taken = _number_lists(sheet, draft, [f for f in own if f.is_list and f.inner in ("integer", "number", "object")])
    _numbers(sheet, draft, [f for f in own if f.type in ("integer", "number")], taken)
    open_text.fill(sheet, draft, [f for f in own if f.inner == "string" and not f.allowed])


def _put(sheet: Sheet, draft: Draft, field: FieldSpec, value: Any, places: Sequence[tuple[int, int]]) -> None:
    draft.args[field.name] = value
    draft.sources[field.name] = ", ".join(f"request[{start}:{end}]" for start, end in places)
    sheet.used |= {c for c in sheet.candidates if any(start < c.end and c.start < end for start, end in places)}


# listed values and switches -------------------------------------------------------------------------------------------


def _listed(sheet: Sheet, draft: Draft, fields: Sequence[FieldSpec]) -> None:
    """A value of a list by its words, whatever their form: six_months for "six months"."""
    for field in fields:
        if not field.allowed or field.name in draft.args:
            continue
        found = [(value, place) for value in field.allowed if (place := spoken(value, sheet.request))]
        found = [(v, p) for v, p in found if not any(o is not p and o[0] <= p[0] and p[1] <= o[1] and o != p for _, o in found)]
        if found and field.is_list:
            _put(sheet, draft, field, [value for value, _ in found], [place for _, place in found])
        elif found:
            _put(sheet, draft, field, found[0][0], [found[0][1]])


def spoken(value: str, request: str) -> tuple[int, int] | None:
    """Where the request says a value: to the letter (also the case, for three letters and less), else by the stems of its words."""
    if len(value) <= 3:
        match = re.search(rf"(?<![\w-]){re.escape(value)}(?!\w)", request)
        return match.span() if match and value.lower() not in spans.STOP else None
    words = re.findall(r"[^\W_]+", value)
    exact = re.search(r"(?<!\w)" + r"[\W_]*".join(map(re.escape, words)) + r"(?:s|es)?(?!\w)", request, re.IGNORECASE) if words else None
    if exact:
        return exact.span()
    tokens = list(re.finditer(r"[^\W_]+", request))
    roots, wanted = [_root(t.group()) for t in tokens], [_root(w) for w in words]
    for at in range(len(roots) - len(wanted) + 1):
        if wanted and roots[at : at + len(wanted)] == wanted:
            return tokens[at].start(), tokens[at + len(wanted) - 1].end()
    return None


def _root(word: str) -> str:
    """A stem that also joins annual and annually, history and historical."""
    word = stem(word.lower())
    return re.sub(r"(?:ally|ical|ial|al|ly|y|ic)$", "", word) if len(word) > 5 else word


def _switches(sheet: Sheet, draft: Draft, fields: Sequence[FieldSpec]) -> None:
    """True where the request speaks of it, False where it says so with no, not or without."""
    tokens = list(re.finditer(r"[^\W_]+", sheet.request))
    tool_words = {_root(w) for w in re.findall(r"[a-z]+", draft.tool.name)}
    for field in fields:
        words = [_root(w) for w in name_words(field.name) if w not in _SWITCH_NOISE]
        named = {w for w in words if w not in tool_words or field.required}
        here = [t for t in tokens if _root(t.group()) in named]
        if field.required and not here:
            said = {_root(w) for w in re.findall(r"[a-z]{4,}", field.description.lower()) if w not in spans.STOP | _SWITCH_NOISE}
            here = [t for t in tokens if _root(t.group()) in said]
        if here and (field.required or len({_root(t.group()) for t in here}) >= len(named)):
            before = sheet.request[max(0, here[0].start() - 24) : here[0].start()]
            _put(sheet, draft, field, not _NO.search(before), [here[0].span()])


# numbers --------------------------------------------------------------------------------------------------------------


def _numbers_in(sheet: Sheet) -> list[Quantity]:
    texts = [s for s in spans.find(sheet.request) if s.kind in ("id", "date") or (s.kind == "quoted" and not _is_number(s))]
    return quantities.find(sheet.request, [(s.start, s.end) for s in texts])


def _is_number(span: Span) -> bool:
    return bool(re.fullmatch(r"[-\d.,\s]+", span.text))


def _number_lists(sheet: Sheet, draft: Draft, fields: Sequence[FieldSpec]) -> set[Quantity]:
    """Runs of numbers for lists, in order; for several lists and one number each, what stands beside their names."""
    found = _numbers_in(sheet)
    groups = [group for group in quantities.runs(found, sheet.request) if len(group) > 1]
    taken: set[Quantity] = set()
    wanted = [f for f in fields if f.required or len(groups) >= len(fields)]
    pieces = groups if len(groups) >= len(wanted) else _by_brackets(groups, sheet.request)
    for field, group in zip(wanted, pieces, strict=False):
        if field.inner == "integer" and not all(isinstance(q.value, int) for q in group):
            continue
        if field.inner == "object" and not sheet.request[: group[0].start].rstrip().endswith(("[", "(")):
            continue
        _put(sheet, draft, field, [quantities.in_unit(field, q) for q in group], [(group[0].start, group[-1].end)])
        taken |= set(group)
    return taken


def _by_brackets(groups: Sequence[Sequence[Quantity]], request: str) -> list[list[Quantity]]:
    pieces: list[list[Quantity]] = []
    for group in groups:
        pieces.append([])
        for quantity in group:
            if pieces[-1] and re.search(r"[\])]", request[pieces[-1][-1].end : quantity.start]):
                pieces.append([])
            pieces[-1].append(quantity)
    return pieces


def _numbers(sheet: Sheet, draft: Draft, fields: Sequence[FieldSpec], taken: set[Quantity]) -> None:
    left = [q for q in _numbers_in(sheet) if q not in taken]
    places = [tuple(map(int, p)) for s in draft.sources.values() for p in re.findall(r"request\[(\d+):(\d+)\]", s)]
    left = [q for q in left if not any(a <= q.start and q.end <= b for a, b in places)]
    wanted = [f for f in fields if f.name not in draft.args]
    for name, quantity in quantities.assign(wanted, left).items():
        field = next(f for f in wanted if f.name == name)
        _put(sheet, draft, field, _bounded(sheet, field, quantity), [(quantity.start, quantity.end)])


def _bounded(sheet: Sheet, field: FieldSpec, quantity: Quantity) -> int | float:
    value = quantities.in_unit(field, quantity)
    value = int(value) if field.inner == "integer" else value
    low, high = field.least is not None and value < field.least, field.most is not None and value > field.most
    if low or high:
        question = (
            f"{field.name} is {'at least' if low else 'at most'} {field.least if low else field.most:g}, not {quantity.text}. Which value?"
        )
        answer = sheet.answers.ask(question, [], _first_number)
        value = answer.value if not isinstance(answer.value, str) else value
    return value


def _first_number(text: str) -> Candidate | None:
    found = quantities.find(text)
    return Candidate("number", found[0].value, found[0].start, found[0].end, found[0].text, source="answer") if found else None
