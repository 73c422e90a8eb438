"""Questions to a plan that waits: what it will take, what it writes and where, why it asks, what it does. Answered from its estimates and
arguments alone.

Nothing is started for an answer. What the plan does not hold is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelwright import tools
from modelwright.agent.followups import answers
from modelwright.agent.followups.origins import in_words, value_in_words
from modelwright.agent.followups.words import words
from modelwright.graphs.planning.fields import fields_of
from modelwright.text import human_bytes, human_seconds
from modelwright.types import Decision, Effect, Estimate, Plan, Step
from modelwright.workspace import Workspace

UNKNOWN = (
    "the plan does not tell, and a question starts nothing while it waits. It knows what each step takes, reads and writes; "
    "to have this looked at, say it once the plan has its answer"
)
NOT_BEGUN = "nothing of it is at work: the plan waits for your answer"


def answer(text: str, plan: Plan, workspace: Workspace) -> str:
    """What the plan has to say to these words."""
    kind = answers.kind_of(text)
    if kind in ("help", "able", *answers.SMALL_TALK) and (said := answers.answer(kind, [], workspace)):
        return said
    if kind == "progress":
        return NOT_BEGUN
    tell = {"why": _why, "needs": _needs, "writes": _writes, "what": _what}
    asked = next((name for name in tell if words().of_plan[name].search(text)), None)
    return "\n".join(line for step in plan.steps for line in tell[asked](step, plan.request)) if asked else UNKNOWN


def _needs(step: Step, request: str) -> Iterator[str]:
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


def _writes(step: Step, request: str) -> Iterator[str]:
    """What is written where: the place that was named, or the step's folder of the run."""
    tool = tools.load(step.tool)
    if Effect.WRITES_FILES not in tool.effects:
        yield f"{step.id} {step.tool} writes none of your files; what it finds stands in the run's report"
        return
    if step.estimate and step.estimate.reused:
        yield f"{step.id} {step.tool} writes nothing new: it was done before, and its result is reused"
        return
    given = next((step.args[f.name] for f in fields_of(tool.args).values() if f.role == "output" and step.args.get(f.name)), None)
    size = f"about {human_bytes(step.estimate.disk_bytes)}" if step.estimate and step.estimate.disk_bytes else "its results"
    where = str(given) if given else f"the run's own folder, .modelwright/runs/<run>/{step.id}-{step.tool}"
    yield f"{step.id} {step.tool} writes {size} to {where}"


def _why(step: Step, request: str) -> Iterator[str]:
    if step.decision is Decision.ASK:
        yield f"{step.id} {step.tool} asks because of rule {step.rule}"
    yield from _what(step, request)


def _what(step: Step, request: str) -> Iterator[str]:
    given = [f"{name} is {value_in_words(value)} ({_from(step, name, request)})" for name, value in step.args.items()]
    unset = [f"{name} is {value_in_words(value)} (the default)" for name, value in step.defaults.items()]
    yield f"{step.id} {step.tool}: " + "; ".join([*given, *unset])


def _from(step: Step, name: str, request: str) -> str:
    return in_words(step.sources.get(name, ""), request)
