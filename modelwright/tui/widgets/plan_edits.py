"""Changes of a plan, as plain functions of plans: each gives a new one. Whether it still checks is for agent/editing.py to say."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from modelwright.tui.state import StepView
from modelwright.types import Json

EDITED = "edit"
"""The source of an argument that a person put in."""


def plan_of(steps: Sequence[StepView], request: str) -> Json:
    """Steps as they are drawn, as a plan that can be changed."""
    made = [{"id": s.id, "tool": s.tool, "args": dict(s.args), "sources": dict(s.sources)} for s in steps]
    return {"request": request, "kind": "plan", "steps": made}


def with_arguments(plan: Json, step: str, changes: Mapping[str, object]) -> Json:
    """`changes` put into the step; None takes an argument out."""
    made = copy.deepcopy(plan)
    found = made["steps"][_at(made, step)]
    found["args"] = {name: value for name, value in {**found["args"], **changes}.items() if value is not None}
    found["sources"] = {**found.get("sources", {}), **dict.fromkeys(changes, EDITED)}
    return made


def without(plan: Json, step: str) -> Json:
    made = copy.deepcopy(plan)
    del made["steps"][_at(made, step)]
    return made


def moved(plan: Json, step: str, by: int) -> Json:
    """The step `by` places further on, as far as there are places."""
    made = copy.deepcopy(plan)
    at = _at(made, step)
    made["steps"].insert(max(0, at + by), made["steps"].pop(at))
    return made


def with_step(plan: Json, tool: str) -> tuple[Json, str]:
    """An empty step of this tool at the end, and its id."""
    made = copy.deepcopy(plan)
    taken = {step["id"] for step in made["steps"]}
    name = next(f"s{n}" for n in range(1, len(taken) + 2) if f"s{n}" not in taken)
    made["steps"].append({"id": name, "tool": tool, "args": {}, "sources": {}})
    return made, name


def _at(plan: Json, step: str) -> int:
    return [s["id"] for s in plan["steps"]].index(step)
