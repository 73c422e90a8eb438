"""Which of some tools that nobody described to the planner a request is for, or none of them.

The planning model says how much likelier the request becomes when one knows what the tool does: log p(request | what it does)
- log p(request | a request), as a share of the latter (pointwise mutual information over information). Words of the tool's name
that the request says add to it. A tool below the bound is not meant. A model that gives no scores chooses among the tools
and "something else". The bound was set on 33 function-calling cases (11 of each category of bench_planner/bfcl.py, the first ones):
figures on those say too much. The likeliest of 2 to 4 tools was the right one in 9 of 11.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.contract import Tool
from modelwright.graphs.planning.quantities import name_words
from modelwright.graphs.planning.spans import STOP
from modelwright.graphs.planning.stems import nearly, stem
from modelwright.models.base import Choice, PlanningModel

NONE = "ask for something"
"""What every request is for: the tools are measured against it."""
LIKELY_ENOUGH = 0.15
NAME_WORTH = 0.05
"""For each word of the tool's name in the request, at most three."""


@dataclass(frozen=True)
class Chosen:
    tool: str
    """Empty for none."""
    points: dict[str, float]
    choice: Choice
    choices: tuple[str, ...]


def choose(request: str, tools: Sequence[Tool], model: PlanningModel) -> Chosen:
    """Raises EngineMissing when the model cannot be reached."""
    does = {tool.name: tool.summary.rstrip(".") for tool in tools}
    choices = list(dict.fromkeys([*does.values(), NONE]))
    choice = model.choose(request, choices, purpose="intent", examples={})
    if not choice.scores:
        named = next((name for name, text in does.items() if text == choice.text), "")
        return Chosen(named, {}, choice, tuple(choices))
    base = choice.scores[NONE]
    points = {tool.name: (choice.scores[does[tool.name]] - base) / max(-base, 1.0) + _named(tool, request) for tool in tools}
    best = max(points, key=lambda name: points[name])
    return Chosen(best if points[best] >= LIKELY_ENOUGH else "", points, choice, tuple(choices))


def _named(tool: Tool, request: str) -> float:
    said = {word for word in re.findall(r"[^\W\d_]+", request.lower()) if word not in STOP}
    roots = {stem(word) for word in said}
    words = {w for w in name_words(tool.name) if w not in STOP}
    found = sum(stem(word) in roots or any(nearly(word, other) for other in said) for word in words)
    return NAME_WORTH * min(found, 3)
