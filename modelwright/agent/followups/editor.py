"""Finds a place in a plan for each value of a request; what finds none becomes a question, and nothing is changed then.

Three facts: words that name one step's deed change that step alone ("only train on 16 rows"); a format that stands for keys and for
values changes both; and a list keeps what the request does not speak of where it adds, takes out or replaces. Which words do that:
removal.py; which argument takes which kind of value: kinds.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from modelwright import tools
from modelwright.agent.followups import removal
from modelwright.agent.followups.kinds import Kinds
from modelwright.agent.followups.words import words
from modelwright.contract import Tool
from modelwright.errors import QuestionOpen
from modelwright.graphs import references
from modelwright.graphs.planning import named, named_paths, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec, fields_of, main_dataset
from modelwright.graphs.planning.fill_values import FORMS
from modelwright.graphs.planning.fill_words import as_allowed
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.text import one_line
from modelwright.types import Json, Plan, Step

_CLAUSE = re.compile(r"[,;]|\b(?:and|but|then|und|aber|y|pero|et|mais)\b", re.IGNORECASE)
_ALONE = re.compile(r"\s*(?:tokens?|context|ctx)?\s*(?:$|[?!.,;)]|\b(?:and|with|please|instead|then|now|too|again)\b)", re.IGNORECASE)
"""Behind a length that nothing names: "32k?", but not "1024 rows"."""
_is_length = FORMS[0][1]


class Editor:
    """`gone` are the candidates that the request names as not to be used; `adds`: lists keep what they have."""

    def __init__(self, request: str, plan: Plan, candidates: Sequence[Candidate], gone: frozenset[Candidate], *, adds: bool) -> None:
        self.request, self.plan, self.adds, self.gone = request, plan, adds, gone
        self.tools = {step.id: tools.load(step.tool) for step in plan.steps}
        self.fields = {step.id: fields_of(self.tools[step.id].args) for step in plan.steps}
        self.kinds = Kinds(request, [spec for fields in self.fields.values() for spec in fields.values()])
        self.candidates = [c for c in candidates if c not in gone]
        self.changes: dict[str, Json] = {}
        self.evidence: dict[str, dict[str, str]] = {}
        self.used: set[Candidate] = set()
        self.misses: dict[Candidate, str] = {}
        """What is to go from a list and is not in it, with what is said about that."""

    def change(self) -> None:
        for step in self.plan.steps:
            self._numbers(step)
            self._captured(step)
            self._named(step)
            self._side_paths(step)
        self._lengths()
        self._things()
        self._refuse_misses()
        self._refuse_unused()

    def _put(self, step: Step, name: str, value: Any, *evidence: Candidate) -> None:
        self.used |= set(evidence)
        if step.args.get(name) != value:
            self.changes.setdefault(step.id, {})[name] = value
            self.evidence.setdefault(step.id, {})[name] = ", ".join(c.evidence for c in evidence)

    # which step ------------------------------------------------------------------------------------------------------

    def _deeds(self, candidate: Candidate) -> set[str]:
        """The tools of the plan whose verbs stand in the clause of this value."""
        before = [m.end() for m in _CLAUSE.finditer(self.request, 0, candidate.start)]
        after = _CLAUSE.search(self.request, candidate.end)
        clause = self.request[before[-1] if before else 0 : after.start() if after else len(self.request)]
        said = {tool for tool, pattern in words().verbs.items() if pattern.search(words().again.sub(" ", clause))}
        return said & {step.tool for step in self.plan.steps}

    def _is_for(self, candidate: Candidate, step: Step) -> bool:
        """Unless another step's deed stands with it; a value with a name that no such step takes is free all the same."""
        deeds = self._deeds(candidate)
        if not deeds or step.tool in deeds:
            return True
        return candidate.kind not in ("number", "money") and not any(self._takes(other, candidate) for other in self._steps_of(deeds))

    def _steps_of(self, deeds: set[str]) -> list[Step]:
        return [step for step in self.plan.steps if step.tool in deeds]

    def _takes(self, step: Step, candidate: Candidate) -> bool:
        return any(self.kinds.value(spec, candidate, list(step.args)) is not None for spec in self.fields[step.id].values())

    # values ----------------------------------------------------------------------------------------------------------

    def _numbers(self, step: Step) -> None:
        fields, here = self.fields[step.id], [c for c in self.candidates if self._is_for(c, step)]
        for name, number in named.numbers(fields, here, self.request, 0, len(self.request)).items():
            self._put(step, name, named.value_of(fields[name], number), number)
        free = [c for c in here if c.kind == "number" and c not in self.used]
        before = named.numbers(fields, list(self.gone), self.request, 0, len(self.request))
        if len(free) == len(before) == 1:  # "not 3 epochs but 5"
            name = next(iter(before))
            self._put(step, name, named.value_of(fields[name], free[0]), free[0])

    def _captured(self, step: Step) -> None:
        """ "values in q5_1": one of two arguments that take the same, by its own word."""
        for spec in self.fields[step.id].values():
            found = phrases.captured(spec.name, self.request) if spec.allowed and not spec.is_list else []
            for said in found:
                if (value := as_allowed(spec, said)) is not None:
                    self._put(step, spec.name, value, said, *(c for c in self.candidates if c.start < said.end and said.start < c.end))

    def _named(self, step: Step) -> None:
        """Values with names: a method, quantization types, metrics; a yes or no; and `field=value`."""
        for spec in self.fields[step.id].values():
            found = self._found(step, spec, [c for c in self.candidates if c not in self.used or c.kind not in ("dtype", "quant")])
            gone = self._found(step, spec, sorted(self.gone, key=lambda c: c.start)) if spec.is_list else {}
            if spec.is_list and (found or gone):
                self._list(step, spec, found, gone)
            elif found:
                first = next(iter(found))
                for name in self._twins(step, spec):
                    self._put(step, name, found[first], first)
            elif spec.type == "boolean" and (flag := phrases.flag(spec.name, self.request)):
                self._put(step, spec.name, flag.value, flag)
            elif not spec.role and (written := named.written_out(spec, self.request, 0, len(self.request))):
                self._put(step, spec.name, written.value, written)

    def _found(self, step: Step, spec: FieldSpec, candidates: Sequence[Candidate]) -> dict[Candidate, Any]:
        """Those of the candidates that the argument takes, each with its value; models of a list only where some are to go."""
        if spec.is_list and spec.role == "model" and any(c.kind == "model" for c in self.gone):
            return {c: c.value for c in candidates if c.kind == "model"}
        values = {c: self.kinds.value(spec, c, list(step.args)) for c in candidates if self._is_for(c, step)}
        return {c: value for c, value in values.items() if value is not None}

    def _twins(self, step: Step, spec: FieldSpec) -> list[str]:
        """The argument, and those of its step that take the same values and have the same one: keys and values in q8_0."""
        now = step.args.get(spec.name)
        same = [f.name for f in self.fields[step.id].values() if f.allowed == spec.allowed and step.args.get(f.name) == now]
        return same if spec.allowed and now is not None else [spec.name]

    def _list(self, step: Step, spec: FieldSpec, found: dict[Candidate, Any], gone: dict[Candidate, Any]) -> None:
        present, wanted = self._listed(step, spec), list(dict.fromkeys(found.values()))
        here = {c: value for c, value in gone.items() if value in present}
        has = ", ".join(one_line(str(value), 80) for value in present) or "nothing"
        for missing in [c for c in gone if c not in here]:
            self.misses.setdefault(missing, f"{missing.text} is not among the {spec.name} of {step.id} {step.tool} ({has})")
        self.used |= set(here)
        if any(removal.is_only(c, self.request) for c in found):
            return self._put(step, spec.name, wanted, *found)
        if gone or self.adds:
            made = removal.relisted(present, wanted, list(here.values()))
            if len(made) < self._fewest(step, spec) and here:
                raise QuestionOpen(
                    f"that would leave {', '.join(map(str, made)) or 'nothing'} in {spec.name} of {step.id} {step.tool}, "
                    f"which needs at least {self._fewest(step, spec)}: nothing is changed",
                    fix="say what to use instead, or say no to the plan",
                )
            return self._put(step, spec.name, made or None, *found, *here)
        return self._put(step, spec.name, wanted, *found)

    def _listed(self, step: Step, spec: FieldSpec) -> list[Any]:
        """What a list has now; what it would have, where nothing is given."""
        present = step.args.get(spec.name, step.defaults.get(spec.name, spec.default))
        return present if isinstance(present, list) else []

    def _fewest(self, step: Step, spec: FieldSpec) -> int:
        """Entries that the list needs; an optional one may go as a whole."""
        return (
            0
            if not spec.required and spec.default is None
            else int(references.schema_at(self.tools[step.id].args_schema, (spec.name,)).get("minItems", 1))
        )

    def _side_paths(self, step: Step) -> None:
        main = main_dataset(self.tools[step.id])
        for name, path in named_paths.paths(self.fields[step.id], main.name if main else "", self.candidates, self.request).items():
            if path.kind != "missing":
                self._put(step, name, path.value, path)

    def _lengths(self) -> None:
        """A number of tokens that nothing names ("32k") is the one length of the plan."""
        for number in [c for c in self.candidates if c.kind == "number" and c not in self.used and _is_length(c)]:
            if not _ALONE.match(self.request, number.end):
                continue
            places = [
                (s, spec) for s in self.plan.steps if self._is_for(number, s) for spec in self.fields[s.id].values() if _takes_length(spec)
            ]
            given = [(s, spec) for s, spec in places if spec.name in s.args]
            if len({s.args[spec.name] for s, spec in given}) == 1 or len(places) == 1:
                for step, spec in given or places:
                    self._put(step, spec.name, named.value_of(spec, number), number)

    # data sets and models --------------------------------------------------------------------------------------------

    def _things(self) -> None:
        """A data set or a model in place of the one that the plan has."""
        for candidate in [c for c in self.candidates if c not in self.used]:
            role = {"dataset": "dataset", "file": "dataset", "model": "model"}.get(candidate.kind)
            places = list(self._places(role)) if role else []
            places = [place for place in places if place[0].tool in self._deeds(candidate)] or places
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
            for name, spec in self.fields[step.id].items():
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

    # what came to nothing --------------------------------------------------------------------------------------------

    def _refuse_misses(self) -> None:
        """A value that is to go and stands in no list of the plan."""
        if missed := next((said for candidate, said in self.misses.items() if candidate not in self.used), ""):
            raise QuestionOpen(f"{missed}, so nothing is changed", fix="name one that is there, or say what to use")

    def _refuse_unused(self) -> None:
        plain = {"number", "missing", "dataset", "model", "file", "quant", *lexicon().values}
        for candidate in self.candidates:
            if self._is_used(candidate) or str(candidate.value) in self._said() or candidate.kind not in plain:
                continue
            if candidate.kind == "missing":
                raise QuestionOpen(f"{candidate.text} does not exist. What should be used?", fix="name a file that is there")
            what = named.in_words(candidate, self.request) if candidate.kind == "number" else candidate.text
            if what:
                raise QuestionOpen(f"what is {what!r:.80} for? {self._nobody(candidate)}", fix="name the argument: epochs=3")

    def _nobody(self, candidate: Candidate) -> str:
        if candidate.kind == "number" and (deeds := self._deeds(candidate)):
            return (
                f"{' and '.join(f'{s.id} {s.tool}' for s in self._steps_of(deeds))} takes nothing of the kind, and no other step was named"
            )
        return f"No step of the last plan takes it ({', '.join(f'{step.id} {step.tool}' for step in self.plan.steps)})"

    def _is_used(self, candidate: Candidate) -> bool:
        """Its place counts: qlora is a method and a task."""
        return any(c.start < candidate.end and candidate.start < c.end for c in self.used)

    def _said(self) -> set[str]:
        """Values that are in the plan already, so that repeating them changes nothing."""
        return {str(v) for step in self.plan.steps for value in step.args.values() for v in (value if isinstance(value, list) else [value])}


def _takes_length(spec: FieldSpec) -> bool:
    return spec.name.endswith("_length") and spec.inner == "integer"


def _argument(tool: Tool, role: str) -> str | None:
    fields = fields_of(tool.args).values()
    return next((f.name for f in fields if f.role == role and not f.is_list and f.name in (role, "dataset", "model")), None)
