"""One rule, and what it says of one call.

A condition on a value that is not known yet (the result of an earlier step) or not comparable is neither true nor false:
an ask rule then asks, a deny rule asks too, an allow rule does not allow. For a place with several values (`args.models[*]`,
`path.reads`) an ask or deny rule needs one value that meets the condition, an allow rule needs all of them to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from modelwright.policies.paths import REFERENCE, UNKNOWN, Touched, Touches, values_at
from modelwright.text import human_bytes, human_seconds
from modelwright.types import Decision, Effect, Estimate, Json

Truth = bool | None
"""`None` is not known."""
ANY_TOOL = "*"
PATH_KEYS = ("path.reads", "path.writes")
ESTIMATE_KEYS = tuple(f"estimate.{name}" for name in Estimate.model_fields)
UNITS = {"estimate.seconds": human_seconds, "estimate.memory_bytes": human_bytes, "estimate.disk_bytes": human_bytes}


@dataclass(frozen=True)
class Facts:
    """Everything that rules may look at of one call."""

    tool: str
    effects: frozenset[Effect]
    args: Json
    estimate: Estimate
    touches: Touches


def _same(value: Any, operand: Any) -> bool:
    """Equal and of one JSON type: true is not 1."""
    return isinstance(value, bool) == isinstance(operand, bool) and bool(value == operand)


def _number(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Truth]:
    def holds(value: Any, operand: Any) -> Truth:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return compare(value, operand) if is_number else None

    return holds


def _glob(value: Any, operand: str) -> Truth:
    return fnmatchcase(value, operand) if isinstance(value, str) else None


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


OPERATORS: dict[str, Callable[[Any, Any], Truth]] = {
    "eq": _same,
    "ne": lambda value, operand: not _same(value, operand),
    "lt": _number(lambda value, operand: value < operand),
    "le": _number(lambda value, operand: value <= operand),
    "gt": _number(lambda value, operand: value > operand),
    "ge": _number(lambda value, operand: value >= operand),
    "in": lambda value, operand: any(_same(value, item) for item in operand),
    "not_in": lambda value, operand: not any(_same(value, item) for item in operand),
    "glob": _glob,
    "not_glob": lambda value, operand: _not(_glob(value, operand)),
    "exists": lambda value, operand: bool(operand),
}


@dataclass(frozen=True)
class Condition:
    """What one place of a call has to be: every operator must hold for the same value."""

    key: str
    tests: tuple[tuple[str, Any], ...]
    parts: tuple[str, ...] = ()
    """The argument's place, for `args.…`: ("models", "*")."""

    def holds(self, facts: Facts, *, all_values: bool) -> Truth:
        values = self.values(facts)
        if not values:
            return self._holds_for_nothing(all_values)
        truths = [self.holds_for(value) for value in values]
        return _all(truths) if all_values else _not(_all(map(_not, truths)))

    def _holds_for_nothing(self, all_values: bool) -> bool:
        wanted = dict(self.tests).get("exists")
        if wanted is not None:
            return wanted is False
        return all_values and self.key in PATH_KEYS  # a call that touches nothing keeps within every zone

    def holds_for(self, value: Any) -> Truth:
        known = value != UNKNOWN and not (isinstance(value, str) and REFERENCE.fullmatch(value))
        return _all(OPERATORS[name](value, operand) if known or name == "exists" else None for name, operand in self.tests)

    def values(self, facts: Facts) -> list[Any]:
        if self.key in PATH_KEYS:
            return [place.zone for place in places(facts, self.key)]
        if self.key in ESTIMATE_KEYS:
            return [getattr(facts.estimate, self.key.removeprefix("estimate."))]
        return list(values_at(facts.args, self.parts))

    def __str__(self) -> str:
        return f"{self.key} " + " and ".join(f"{name} {operand!r}" for name, operand in self.tests)

    def seen(self, facts: Facts) -> str:
        """The call's own values, for a person."""
        if self.key in PATH_KEYS:
            return ", ".join(f"{place.path} ({place.zone})" for place in places(facts, self.key)) or "nothing"
        if self.key == "estimate.seconds" and (ends := _range(facts.estimate)):
            return ends
        return ", ".join(self._told(value)[:60] for value in self.values(facts)) or "not there"

    def _told(self, value: Any) -> str:
        return UNITS[self.key](value) if self.key in UNITS and isinstance(value, int | float) else repr(value)


def _range(estimate: Estimate) -> str:
    """The time as a plan shows it where there is a record of this machine, with what is compared; empty where there is none."""
    if estimate.seconds_low is None or estimate.seconds_high is None:
        return ""
    ends = f"{human_seconds(estimate.seconds_low)} to {human_seconds(estimate.seconds_high)}"
    return f"{ends}, {human_seconds(estimate.seconds)} expected"


def places(facts: Facts, key: str) -> tuple[Touched, ...]:
    return facts.touches.reads if key == "path.reads" else facts.touches.writes


def _all(truths: Iterable[Truth]) -> Truth:
    known = list(truths)
    return False if False in known else None if None in known else True


@dataclass(frozen=True)
class Rule:
    """`tools`, `effects` and `when` must all fit; one that is not given fits everything."""

    id: str
    why: str
    decide: Decision
    tools: frozenset[str] = frozenset()
    effects: frozenset[Effect] = frozenset()
    when: tuple[Condition, ...] = field(default=())
    answers: frozenset[str] = frozenset()
    """Of an allow rule: the ask rules that need not ask when this one allows. A deny rule is never answered."""

    def fits(self, facts: Facts) -> Truth:
        if self._kept_out(facts):
            return False
        return _all(condition.holds(facts, all_values=self.decide is Decision.ALLOW) for condition in self.when)

    def says(self, facts: Facts) -> Decision | None:
        """Its decision of this call, or None when it has nothing to say."""
        truth = self.fits(facts)
        if truth is None:
            return None if self.decide is Decision.ALLOW else Decision.ASK
        return self.decide if truth else None

    def explain(self, facts: Facts) -> str:
        """Why it speaks, or the first thing that keeps it from speaking."""
        if kept_out := self._kept_out(facts):
            return kept_out
        truths = [(condition.holds(facts, all_values=self.decide is Decision.ALLOW), condition) for condition in self.when]
        for truth, condition in truths:
            if truth is False:
                return f"{condition.key} is {condition.seen(facts)}, the rule wants {condition}"
        unknown = next((condition for truth, condition in truths if truth is None), None)
        if unknown:
            return f"{self.why} (not known yet: {unknown.key} is {unknown.seen(facts)})"
        seen = "; ".join(f"{condition.key}: {condition.seen(facts)}" for condition in self.when)
        return f"{self.why} ({seen})" if seen else self.why

    def _kept_out(self, facts: Facts) -> str:
        """What keeps it from speaking of this tool at all, or ""."""
        allow = self.decide is Decision.ALLOW
        if self.tools and not self.tools & {facts.tool, ANY_TOOL}:
            return f"the tool is {facts.tool}"
        if self.effects and allow and not facts.effects <= self.effects:
            return f"it does not cover {', '.join(sorted(facts.effects - self.effects))}"
        if self.effects and not facts.effects & self.effects:
            return f"the tool has none of {', '.join(sorted(self.effects))}"
        if allow and any(place.zone == "secret" for place in (*facts.touches.reads, *facts.touches.writes)):
            return "no rule allows a secret path"
        return ""
