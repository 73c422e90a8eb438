"""A filled request as a training row: what the model reads, by the planner's own finder, and what it is to write.

An argument that the finder does not see is left out of the answer and counted; if the tool cannot do without it, the row
is left out. What is left is checked as a plan. Words of the request (a question, a query) are the planner's to take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.agent.planner_training.patterns import Filled
from modelwright.contract import Tool
from modelwright.errors import PlanError
from modelwright.graphs import plancheck
from modelwright.graphs.planning import candidates, slots
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import is_free_text, named_as
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.named import value_of
from modelwright.models import compact
from modelwright.models.base import Card, Draft, DraftQuestion, DraftStep
from modelwright.types import Json, Plan

NEAR = "too near a held-out request"
_LACKS = ": Value error, name "
"""How the tools that take one of several arguments begin to say that none is given."""


class Unusable(Exception):
    """A request that cannot be a row, with the reason to count."""


@dataclass
class Counts:
    """What was left out, and why."""

    rows: Counter[str] = field(default_factory=Counter)
    arguments: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Row:
    request: str
    user: str
    answer: str
    tools: tuple[str, ...]

    def as_chat(self, known: frozenset[str]) -> Json:
        texts = (("system", compact.system_text(known)), ("user", self.user), ("assistant", self.answer))
        return {"messages": [{"role": role, "content": content} for role, content in texts]}


class Rows:
    """Makes rows over `tools`. Tools of `known` are learnt by heart: their cards are not shown."""

    def __init__(self, tools: Mapping[str, Tool], known: frozenset[str], counts: Counts) -> None:
        self._tools, self._known, self.counts = tools, known, counts
        self._used: Counter[str] = Counter()
        """How often a slot was an argument in the steps so far: its next use is its next mention."""

    def make(self, filled: Filled, workspace: Path, shown: Sequence[Tool] = ()) -> Row:
        """Raises Unusable. `shown` are further tools whose cards stand in the question."""
        found = candidates.find(filled.request, workspace, indexes=filled.values("index"))
        mine = [self._tools[name] for name in dict.fromkeys(filled.pattern.tools)]
        others = [tool for tool in shown if tool not in mine]
        cards = sorted([*(t for t in mine if t.name not in self._known), *others], key=lambda tool: hash(tool.summary))
        question, tags = slots.question(filled.request, found, [*cards, *(t for t in mine if t.name in self._known)])
        draft = self._draft(filled, question, tags)
        text = compact.written(draft)
        try:
            same = compact.parse(text, question) == draft
        except ValueError:  # one value for two fields of a step
            same = False
        if not same:
            raise Unusable("it does not read back as it was written")
        return Row(filled.request, compact.user_text(question, self._known), text, filled.pattern.tools)

    def _draft(self, filled: Filled, question: DraftQuestion, tags: Mapping[str, Candidate]) -> Draft:
        pattern = filled.pattern
        if pattern.kind == "none":
            return Draft("none")
        if pattern.kind == "question":
            return Draft("question", tuple(DraftStep(name) for name in pattern.tools[:1]))
        cards = {card.tool: card for card in question.cards}
        self._used.clear()
        steps = [self._step(step, filled, cards[step["tool"]], tags) for step in pattern.steps]
        self._check(filled, steps, tags)
        return Draft("plan", tuple(steps))

    def _step(self, step: Json, filled: Filled, card: Card, tags: Mapping[str, Candidate]) -> DraftStep:
        tool = self._tools[card.tool]
        specs, known = fields_of(tool.args), {f.name: f for f in card.fields}
        placed: dict[str, list[tuple[int, str]]] = {}
        for name, value in step["args"].items():
            spec = specs.get(name)
            if spec is not None and is_free_text(spec):
                continue
            wanted = [v for v in (value if isinstance(value, list) else [value]) if not str(v).startswith("$")]
            seen = [self._place(v, spec, filled, tags) for v in wanted] if spec and name in known else [None]
            fitting = [p for p in seen if p and (p[1] in known[name].choices or self._fits(tags.get(p[1]), known[name].kinds))]
            if len(fitting) < len(wanted) or (not wanted and name not in known):
                self.counts.arguments[f"{card.tool}.{name}"] += 1
                if spec and spec.required:
                    raise Unusable(f"{card.tool}.{name} is not seen")
            if fitting:
                placed[name] = list(dict.fromkeys(fitting))
        if any(not known[name].many and len(values) > 1 for name, values in placed.items()):
            raise Unusable("two values for one")
        order = sorted(placed, key=lambda name: placed[name][0])
        return DraftStep(card.tool, {name: [text for _, text in placed[name]] for name in order})

    def _fits(self, candidate: Candidate | None, kinds: Sequence[str]) -> bool:
        return candidate is not None and slots.looks(candidate) in kinds

    def _place(self, value: Any, spec: FieldSpec, filled: Filled, tags: Mapping[str, Candidate]) -> tuple[int, str] | None:
        """Where a value stands in the request, with its tag or listed value."""
        if isinstance(value, str) and value.startswith("{"):
            mentions = filled.places[value.strip("{}")]
            start, end = mentions[min(self._used[value], len(mentions) - 1)]
            self._used[value] += 1
            inside = [(c.start, tag) for tag, c in tags.items() if c.start < end and start < c.end]
            return inside[0] if inside else self._choice_at(spec, filled, start, end)
        if spec.allowed:
            allowed = next((a for a in spec.allowed if a.lower() == str(value).lower()), None)
            named = named_as(allowed, spec, filled.request, candidates.find_named(filled.request)) if allowed else None
            return (named.start, str(allowed)) if named else None
        same = [(c.start, tag) for tag, c in tags.items() if str(_value(spec, c)).lower() == str(value).lower()]
        return same[0] if same else None

    def _choice_at(self, spec: FieldSpec, filled: Filled, start: int, end: int) -> tuple[int, str] | None:
        """A slot whose value the tool lists (a cache type)."""
        for allowed in spec.allowed:
            named = named_as(allowed, spec, filled.request, candidates.find_named(filled.request))
            if named and named.start < end and start < named.end:
                return named.start, allowed
        return None

    def _check(self, filled: Filled, steps: Sequence[DraftStep], tags: Mapping[str, Candidate]) -> None:
        """What the request states must be right, once the values that earlier steps give are there; it need not be all."""
        full = [
            {"id": f"s{n}", "tool": step.tool, "args": self._arguments(step, pattern, tags)}
            for n, (step, pattern) in enumerate(zip(steps, filled.pattern.steps, strict=True), 1)
        ]
        try:
            plancheck.check(Plan.model_validate({"request": filled.request, "kind": "plan", "steps": full}), self._tools)
        except PlanError as error:
            if error.message.endswith("is missing") or _LACKS in error.message:  # an earlier step gives it, or the planner asks
                return
            raise Unusable(f"plan check: {error.message:.60}") from None

    def _arguments(self, step: DraftStep, pattern: Json, tags: Mapping[str, Candidate]) -> Json:
        """Values in place of tags; where the pattern refers to an earlier step, something that fits stands for it."""
        specs, args = fields_of(self._tools[step.tool].args), dict[str, Any]()
        for name, texts in step.fields.items():
            values = [_value(specs[name], tags[text]) if text in tags else text for text in texts]
            args[name] = values if specs[name].is_list else values[0]
        for name, value in pattern["args"].items():
            if name in specs and any(str(v).startswith("$") for v in (value if isinstance(value, list) else [value])):
                args[name] = [*args.get(name, ["builtin"]), "out.gguf"] if specs[name].is_list else args.get(name, "out")
            elif name in specs and is_free_text(specs[name]):
                args[name] = value
        return args


def _value(spec: FieldSpec, candidate: Candidate) -> Any:
    if spec.inner in ("integer", "number") and not isinstance(candidate.value, str):
        return value_of(spec, candidate)
    return candidate.value
