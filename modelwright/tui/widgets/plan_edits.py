"""Changes of a plan, as plain functions of plans: each gives a new one. Whether it still checks is for agent/editing.py to say."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelwright.types import Json

if TYPE_CHECKING:
    from modelwright.tui.steps import StepView

EDITED = "edit"
"""The source of an argument that a person put in."""
REFERENCE = re.compile(r'"\$(s\d+)\.')
Given = tuple[Json, dict[str, str]]
"""Arguments and their sources."""


class ArgumentEdits:
    """Changes of arguments that a run was told, so that they can be taken back.

    A run that is told a change tells it as an event, and asks again or refuses it; until it asks, steps are shown as they will be.
    """

    def __init__(self) -> None:
        self._proposed: dict[str, Given] = {}
        """Of each step that was changed, as it was before its first change."""
        self._wanted: dict[str, Given] = {}

    def make(self, step: StepView, changes: Mapping[str, object]) -> None:
        """Change the step; None takes an argument out."""
        self._proposed.setdefault(step.id, (dict(step.args), dict(step.sources)))
        made = with_arguments(plan_of([step], ""), step.id, changes)["steps"][0]
        self._want({step.id: step}, {step.id: (made["args"], made["sources"])})

    def back(self, steps: Mapping[str, StepView]) -> dict[str, Json]:
        """What takes every change back, step by step; empty when the steps are as they were proposed."""
        found = {name: _changes(steps[name].args, args) for name, (args, _) in self._proposed.items() if name in steps}
        return {name: changes for name, changes in found.items() if changes}

    def take_back(self, steps: Mapping[str, StepView]) -> dict[str, Json]:
        """Take every change back; gives what the run is to be told."""
        told = self.back(steps)
        self._want(steps, {name: self._proposed[name] for name in told})
        return told

    def settle(self, steps: Mapping[str, StepView], calls: Sequence[Json]) -> None:
        """The run asks again: a step is as it was wanted, or as it is asked about (else as events tell it) where that was not taken."""
        told = {name: (dict(steps[name].args), dict(steps[name].sources)) for name in self._wanted if name in steps}
        told |= {call["id"]: (call["args"], call.get("sources") or {}) for call in calls}
        settled = {name: told[name] if name in told and told[name][0] != wanted[0] else wanted for name, wanted in self._wanted.items()}
        self._want(steps, settled)
        self._wanted = {}

    def _want(self, steps: Mapping[str, StepView], wanted: Mapping[str, Given]) -> None:
        self._wanted = dict(wanted)
        for name, (args, sources) in wanted.items():
            if name in steps:
                steps[name].args, steps[name].sources = dict(args), dict(sources)


def plan_of(steps: Sequence[StepView], request: str) -> Json:
    """Steps as they are drawn, as a plan that can be changed."""
    made = [{"id": s.id, "tool": s.tool, "args": dict(s.args), "sources": dict(s.sources)} for s in steps]
    return {"request": request, "kind": "plan", "steps": made}


def with_arguments(plan: Json, step: str, changes: Mapping[str, object]) -> Json:
    """`changes` put into the step; None takes an argument out."""
    made = copy.deepcopy(plan)
    found = made["steps"][_at(made, step)]
    found["args"] = {name: value for name, value in {**found["args"], **changes}.items() if value is not None}
    sources = {**found.get("sources", {}), **dict.fromkeys(changes, EDITED)}
    found["sources"] = {name: source for name, source in sources.items() if name in found["args"]}
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


def still_needed(plan: Json, step: str) -> str:
    """Which steps need what this one makes, in words; empty when none does."""
    users = [s["id"] for s in plan["steps"] if step in REFERENCE.findall(json.dumps(s["args"]))]
    if not users:
        return ""
    named, need, them = (users[0], "needs", users[0]) if len(users) == 1 else (" and ".join(users), "need", "them")
    return f"{named} {need} what {step} makes: remove {them} first"


def out_of_order(plan: Json) -> str:
    """Which step stands no longer behind the one whose result it uses, in words; empty when all do."""
    before: set[str] = set()
    for step in plan["steps"]:
        for needed in REFERENCE.findall(json.dumps(step["args"])):
            if needed not in before:
                return f"{step['id']} {step['tool']} uses what {needed} makes, so {needed} has to stand before it"
        before.add(step["id"])
    return ""


def _changes(now: Json, wanted: Json) -> Json:
    """What makes `wanted` of `now`."""
    gone = [name for name in now if name not in wanted]
    return {**dict.fromkeys(gone), **{name: value for name, value in wanted.items() if name not in now or now[name] != value}}


def _at(plan: Json, step: str) -> int:
    return [s["id"] for s in plan["steps"]].index(step)
