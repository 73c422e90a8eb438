""" "again with rank 32", "same but 3 epochs", "once more with q5_k_m": an earlier plan with some arguments changed.

What is changed has its place in the request as its source, what stays says `session`. Steps that are the same as before are
reused by the ledger. A value that no step of the plan takes is never dropped: it becomes a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelwright import tools
from modelwright.agent.followups import spoken
from modelwright.agent.followups.words import words
from modelwright.agent.past import Past
from modelwright.contract import Tool
from modelwright.errors import QuestionOpen
from modelwright.graphs import references
from modelwright.graphs.planning import named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.fields import FieldSpec, fields_of, main_dataset
from modelwright.graphs.planning.fill_values import as_allowed
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.text import one_line
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
    wanted = [c for c in find(request, workspace) if not _is_unwanted(c, request)]
    editor = _Editor(request, plan, [_beside(c, plan, workspace) for c in wanted], adds=adds)
    editor.change()
    return Changes({step: dict(args) for step, args in editor.changes.items()}, editor.evidence)


_NAME = re.compile(r"(?:\s+(?!(?:but|use|take|with|set|make|try|nimm|mit|usa|con|utilise|avec)\b)[^\W\d]+){0,2}\s*$", re.IGNORECASE)
"""Words between "not" and its value: "the rank", "learning rate"."""


def _is_unwanted(candidate: Candidate, request: str) -> bool:
    """ "Q6_K instead of Q4_K_M", "not rank 16 but 8": the value is named as the one that is not to be."""
    before = request[: candidate.start]
    named = _NAME.search(before)
    return any(named is not None and match.end() >= named.start() for match in words().unwanted.finditer(before))


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


_TYPES = {"dtype": "quant"}
"""q8_0 is a number format of a cache too."""


class _Editor:
    """Finds a place in the plan for each value of the request."""

    def __init__(self, request: str, plan: Plan, candidates: Sequence[Candidate], *, adds: bool) -> None:
        self.request, self.plan, self.adds = request, plan, adds
        self.tools = {step.id: tools.load(step.tool) for step in plan.steps}
        self.candidates = list(candidates)
        self.changes: dict[str, Json] = {}
        self.evidence: dict[str, dict[str, str]] = {}
        self.used: set[Candidate] = set()

    def change(self) -> None:
        for step in self.plan.steps:
            fields = fields_of(self.tools[step.id].args)
            self._numbers(step, fields)
            self._named(step, fields)
            self._side_paths(step, fields)
        self._things()
        self._refuse_unused()

    def _put(self, step: Step, name: str, value: Any, *evidence: Candidate) -> None:
        self.used |= set(evidence)
        if step.args.get(name) != value:
            self.changes.setdefault(step.id, {})[name] = value
            self.evidence.setdefault(step.id, {})[name] = ", ".join(c.evidence for c in evidence)

    def _numbers(self, step: Step, fields: dict[str, FieldSpec]) -> None:
        for name, number in named.numbers(fields, self.candidates, self.request, 0, len(self.request)).items():
            self._put(step, name, named.value_of(fields[name], number), number)

    def _named(self, step: Step, fields: dict[str, FieldSpec]) -> None:
        """Values with names: a method, quantization types, metrics; and `field=value`."""
        for spec in fields.values():
            kind = lexicon().tables.get(spec.name, "")
            found = {c: as_allowed(spec, c) for c in self.candidates if c.kind in (kind, _TYPES.get(kind))}
            found = {c: value for c, value in found.items() if value is not None}
            if found and spec.is_list:
                kept = self._listed(step, spec) if self.adds else []
                self._put(step, spec.name, list(dict.fromkeys([*kept, *found.values()])), *found)
            elif found:
                first = next(iter(found))
                self._put(step, spec.name, found[first], first)
            elif not spec.role and (written := named.written_out(spec, self.request, 0, len(self.request))):
                self._put(step, spec.name, written.value, written)

    def _listed(self, step: Step, spec: FieldSpec) -> list[Any]:
        """What a list has now; what it would have, where nothing is given."""
        present = step.args.get(spec.name, step.defaults.get(spec.name, spec.default))
        return present if isinstance(present, list) else []

    def _side_paths(self, step: Step, fields: dict[str, FieldSpec]) -> None:
        main = main_dataset(self.tools[step.id])
        for name, path in named.paths(fields, main.name if main else "", self.candidates, self.request).items():
            if path.kind != "missing":
                self._put(step, name, path.value, path)

    def _things(self) -> None:
        """A data set or a model in place of the one that the plan has."""
        for candidate in [c for c in self.candidates if c not in self.used]:
            role = {"dataset": "dataset", "file": "dataset", "model": "model"}.get(candidate.kind)
            places = list(self._places(role)) if role else []
            if len({str(value) for _, _, value in places}) == 1:
                for step, name, _ in places:
                    self._put(step, name, candidate.value, candidate)
            elif places:
                had = "; ".join(f"{step.id}.{name} {one_line(str(value), 80)}" for step, name, value in places)
                raise QuestionOpen(
                    f"which of these should {candidate.text} take the place of: {had}?",
                    fix="say it with the argument's name, or as a whole request",
                )
            elif role:
                self._take_for_missing(candidate, role)

    def _places(self, role: str) -> Iterator[tuple[Step, str, Any]]:
        """(step, argument, value) of what was named in the plan itself, not given by an earlier step; of data sets the main ones."""
        for step in self.plan.steps:
            main = main_dataset(self.tools[step.id])
            for name, spec in fields_of(self.tools[step.id].args).items():
                value = step.args.get(name)
                if role == "dataset" and main and name != main.name:
                    continue
                if spec.role == role and not spec.is_list and isinstance(value, str) and not references.REFERENCE.match(value):
                    yield step, name, value

    def _take_for_missing(self, candidate: Candidate, role: str) -> None:
        """The plan left the argument at its default: the first step that has such an argument takes it."""
        for step in self.plan.steps:
            name = _argument(self.tools[step.id], role)
            if name and name not in step.args:
                return self._put(step, name, candidate.value, candidate)
        return None

    def _refuse_unused(self) -> None:
        plain = {"number", "missing", "dataset", "model", "file", "quant", *lexicon().values}
        for candidate in self.candidates:
            if candidate in self.used or str(candidate.value) in self._said() or candidate.kind not in plain:
                continue
            if candidate.kind == "missing":
                raise QuestionOpen(f"{candidate.text} does not exist. What should be used?", fix="name a file that is there")
            what = named.in_words(candidate, self.request) if candidate.kind == "number" else candidate.text
            if what:
                steps = ", ".join(f"{step.id} {step.tool}" for step in self.plan.steps)
                raise QuestionOpen(
                    f"what is {what!r:.80} for? No step of the last plan takes it ({steps})", fix="name the argument: epochs=3"
                )

    def _said(self) -> set[str]:
        """Values that are in the plan already, so that repeating them changes nothing."""
        return {str(v) for step in self.plan.steps for value in step.args.values() for v in (value if isinstance(value, list) else [value])}


def _argument(tool: Tool, role: str) -> str | None:
    fields = fields_of(tool.args).values()
    return next((f.name for f in fields if f.role == role and not f.is_list and f.name in (role, "dataset", "model")), None)
