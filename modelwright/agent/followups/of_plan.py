"""Questions to a plan that waits: what it will take, why it asks, what it does. Answered from its estimates and arguments alone.

Nothing is started for an answer. What the plan does not hold is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.agent.followups import answers
from modelwright.agent.followups.words import words
from modelwright.text import human_bytes, human_seconds, one_line
from modelwright.types import Decision, Estimate, Plan, Step
from modelwright.workspace import Workspace

UNKNOWN = (
    "the plan does not tell, and a question starts nothing while it waits. It knows what each step takes, reads and writes; "
    "to have this looked at, say it once the plan has its answer"
)


def answer(text: str, plan: Plan, workspace: Workspace) -> str:
    """What the plan has to say to these words."""
    kind = answers.kind_of(text)
    if kind in ("help", "able") and (said := answers.answer(kind, [], workspace)):
        return said
    tell = {"why": _why, "needs": _needs, "what": _what}
    asked = next((name for name in ("why", "needs", "what") if words().of_plan[name].search(text)), None)
    return "\n".join(line for step in plan.steps for line in tell[asked](step)) if asked else UNKNOWN


def _needs(step: Step) -> Iterator[str]:
    yield f"{step.id} {step.tool}: {_estimated(step.estimate)}"


def _estimated(estimate: Estimate | None) -> str:
    if estimate is None:
        return "unknown, as it could not be estimated"
    if estimate.reused:
        return "no time: it was done before, and its result is reused"
    low, high = estimate.seconds_low, estimate.seconds_high
    between = f" ({human_seconds(low)} to {human_seconds(high)})" if low is not None and high is not None else ""
    money = f", {estimate.cost:.4f} US dollars" if estimate.cost else ""
    guess = ", a first guess" if estimate.first_guess else ""
    needs = f"{human_bytes(estimate.memory_bytes)} memory, {human_bytes(estimate.disk_bytes)} disk{money}{guess}"
    return f"about {human_seconds(estimate.seconds)}{between}, {needs}"


def _why(step: Step) -> Iterator[str]:
    if step.decision is Decision.ASK:
        yield f"{step.id} {step.tool} asks because of rule {step.rule}"
    yield from _what(step)


def _what(step: Step) -> Iterator[str]:
    given = [f"{name}={one_line(str(value), 80)} (from {step.sources.get(name, 'no source')})" for name, value in step.args.items()]
    yield f"{step.id} {step.tool}: " + ", ".join([*given, *(f"{name}={value} (default)" for name, value in step.defaults.items())])
