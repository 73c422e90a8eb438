""" "again with rank 32", "same but 3 epochs", "once more with q5_k_m": an earlier plan with some arguments changed.

What is changed has its place in the request as its source, what stays says `session`. Steps that are the same as before are
reused by the ledger. A value that no step of the plan takes is never dropped: it becomes a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelwright.agent.followups import removal, spoken
from modelwright.agent.followups.editor import Editor
from modelwright.agent.followups.words import words
from modelwright.agent.past import Past
from modelwright.graphs import references
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find
from modelwright.types import Json, Plan, Step


@dataclass(frozen=True)
class Changes:
    """New arguments, and the places of the request that they came from: both step -> argument -> …"""

    args: dict[str, Json]
    evidence: dict[str, dict[str, str]]


@dataclass
class Changed:
    """The plan to run, and which arguments are new: step -> {argument: value}."""

    plan: Plan
    run: str
    changes: dict[str, Json] = field(default_factory=dict)


def is_again(request: str) -> bool:
    return words().again.search(request) is not None


def is_retry(request: str) -> bool:
    """ "try again" and nothing else of weight."""
    return spoken.alone(words().retry, request)


def change(request: str, pasts: Sequence[Past], workspace: Path) -> Changed | None:
    """The newest plan that the request can mean, changed as it says; None when there is no plan yet.

    Raises QuestionOpen for a value that none of its steps takes, or that several arguments could take.
    """
    past = _meant(request, pasts)
    if past is None or past.plan is None:
        return None
    return applied(request, past.plan, past.run.id, workspace)


def applied(request: str, plan: Plan, run: str, workspace: Path, *, adds: bool = False) -> Changed:
    """This plan of a run, changed as the request says. Raises QuestionOpen as `change` does."""
    found = changed(request, plan, workspace, adds=adds)
    steps = [_step(old, found.args.get(old.id, {}), found.evidence.get(old.id, {}), run) for old in plan.steps]
    return Changed(Plan(request=request, steps=steps), run, found.args)


def changed(request: str, plan: Plan, workspace: Path, *, adds: bool = False) -> Changes:
    """What the request says to be otherwise in this plan; `adds`: lists keep what they have. Raises QuestionOpen as `change` does."""
    named = find(request, workspace)
    gone = removal.unwanted(named, request)
    editor = Editor(request, plan, [_beside(c, plan, workspace) for c in named if c not in gone], gone, adds=adds)
    editor.change()
    return Changes({step: dict(args) for step, args in editor.changes.items()}, editor.evidence)


def _beside(candidate: Candidate, plan: Plan, workspace: Path) -> Candidate:
    """ "eval.jsonl" after tone/train.jsonl: what is not there by its bare name is looked for beside what the plan took."""
    if candidate.kind != "missing" or "/" in str(candidate.value):
        return candidate
    for value in (v for step in plan.steps for v in step.args.values() if isinstance(v, str) and "/" in v):
        place = Path(value).parent / str(candidate.value)
        if (workspace / place).is_file():
            return next((replace(candidate, kind=c.kind, value=c.value) for c in find(str(place), workspace)), candidate)
    return candidate


def _meant(request: str, pasts: Sequence[Past]) -> Past | None:
    """The newest run whose plan has a step of every tool that the request names; else the newest with a plan."""
    planned = [past for past in pasts if past.plan]
    said = {tool for tool, pattern in words().verbs.items() if pattern.search(words().again.sub(" ", request))}
    fitting = [past for past in planned if past.plan and said <= {step.tool for step in past.plan.steps}]
    return next(iter(fitting if said else planned), None)


def _step(old: Step, changes: Json, evidence: dict[str, str], run: str) -> Step:
    kept = {name: _kept(value, old.sources.get(name, ""), run) for name, value in old.args.items()}
    return Step(id=old.id, tool=old.tool, args={**old.args, **changes}, sources={**kept, **evidence}, expect=old.expect)


def _kept(value: Any, source: str, run: str) -> str:
    """An earlier step stays the source of what refers to it."""
    return source if source.startswith("step ") and list(references.find(value)) else f"session: run {run}"
