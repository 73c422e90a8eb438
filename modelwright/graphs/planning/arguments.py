"""What arguments a request speaks of, tool by tool: "$0.60 per million" is a price, "find the knee" a sweep.

Numbers beside a name, yes/no turns of speech, and values and names behind their word are found for every tool, before one is
chosen. What only one tool takes speaks for that tool, whatever the words around it are; what two take speaks half for each.
Paths and models are not counted here: nearly every tool takes one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelwright.contract import Tool
from modelwright.graphs.planning import named, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec, fields_of

COMMON = frozenset({"measure", "needs", "hardware", "system"})
"""Arguments whose words stand in requests for any tool ("measure how good", "windows", "valid JSON"): they speak for none."""
TELLING = 1.5
"""Points from which a tool is spoken of: one argument that no other tool has, and a share in another."""


@dataclass(frozen=True)
class Said:
    tool: str
    field: str
    start: int
    end: int
    points: float = 1.0
    """1 / the number of tools that could take it; 0 for a common one."""


def said(request: str, found: Sequence[Candidate], tools: Mapping[str, Tool]) -> list[Said]:
    """All of it, in the order of the tools."""
    places = [one for name, tool in tools.items() for one in _of(name, fields_of(tool.args), request, found)]
    return [Said(s.tool, s.field, s.start, s.end, _share(s, places)) for s in places]


def _of(tool: str, fields: Mapping[str, FieldSpec], request: str, found: Sequence[Candidate]) -> Iterator[Said]:
    for name, number in named.numbers(fields, found, request, 0, len(request)).items():
        yield Said(tool, name, number.start, number.end)
    for name, field in fields.items():
        flag = phrases.flag(name, request) if field.type == "boolean" else None
        for place in [flag] if flag else [*_values(field, request), *phrases.captured(name, request)]:
            yield Said(tool, name, place.start, place.end)


def _values(field: FieldSpec, request: str) -> Iterator[Candidate]:
    for value in phrases.phrases().values.get(field.name, {}):
        place = phrases.value(field.name, value, request) if not field.allowed or value in field.allowed else None
        if place:
            yield place


def _share(one: Said, places: Sequence[Said]) -> float:
    if one.field in COMMON:
        return 0.0
    return 1 / len({s.tool for s in places if s.field not in COMMON and s.start < one.end and one.start < s.end})


def points(told: Sequence[Said], start: int = 0, end: int | None = None) -> dict[str, float]:
    """Tool -> points of request[start:end]."""
    total: dict[str, float] = defaultdict(float)
    for one in told:
        if start <= one.start and (end is None or one.end <= end):
            total[one.tool] += one.points
    return {tool: value for tool, value in total.items() if value}


def spoken_of(told: Sequence[Said]) -> str:
    """The one tool that the arguments speak for, a whole point before the next; empty where none is."""
    ranked = sorted(points(told).items(), key=lambda item: -item[1])
    ahead = len(ranked) == 1 or (len(ranked) > 1 and ranked[0][1] - ranked[1][1] >= 1)
    return ranked[0][0] if ranked and ranked[0][1] >= TELLING and ahead else ""
