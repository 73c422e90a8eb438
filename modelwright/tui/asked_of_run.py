"""What is asked of a run while it works ("how is it going?", "what is the loss now?"), answered from what its events have told.

Two facts: it needs no plan and waits for nothing; and only what can be about nothing else is read so, all other words are for the agent.
Not here: questions about a plan that waits, and about runs that are over (agent/followups).
"""

from __future__ import annotations

import re

from modelwright.text import human_bytes, human_seconds
from modelwright.tui.state import RunView
from modelwright.tui.steps import CUT, PENDING, RUNNING, StepView

IT = r"(?:it|this|that|things|everything|we|you|(?:the|my|our|this) (?:run|training|step|job|fine-?tun(?:e|ing)))"
NOW = r"(?: (?:now|yet|still|so far|right now|currently|at the moment|by now|already))*"
STANDS = re.compile(
    rf"(?:how(?:'s| is| are| does| do)? {IT}(?: (?:going|doing|coming along|looking|look|running|getting on|standing))?{NOW}"
    rf"|how far (?:along )?(?:is|are|has|have|did|does) {IT}(?: (?:come|got|gotten|get|gone|along))?{NOW}"
    r"|how (?:much )?(?:long|longer|time|more time)(?: (?:is|does|will|do))?"
    rf"(?: {IT})?(?: still)?(?: (?:left|to go|take|need|run|be))?{NOW}"
    rf"|when (?:is|will) {IT}(?: be)? (?:done|finished|ready|over)"
    rf"|(?:what(?:'s| is) )?(?:the )?(?:current )?(?:status|progress|state|eta)(?: of {IT})?{NOW}"
    rf"|(?:is|are) {IT}(?: still)? (?:done|finished|ready|running|working|at work|stuck|alive|nearly done|almost done){NOW}"
    rf"|what(?:'s| is| are)(?: {IT}| happening| going on)(?: doing)?{NOW}"
    rf"|any (?:progress|news){NOW})"
)
FIGURE = re.compile(
    r"(?:what(?:'s| is| was)|how (?:high|low|good|big|fast) is)(?: the| its)?(?: (?:current|last|latest|newest))? "
    rf"([a-z_ /]+?)(?: of {IT})?{NOW}"
)
COURTESY = re.compile(r"^(?:and|so|hey|ok|okay|please|well|now)[, ]+")


def answer(text: str, view: RunView, now: float) -> str:
    """Empty where it is not asked of the run, or nothing of it runs."""
    asked = _plainly(text)
    step = view.current()
    if step is None:
        return ""
    if STANDS.fullmatch(asked):
        return _standing(view, step, now)
    named = FIGURE.fullmatch(asked)
    return _figure(named[1], step) if named else ""


def answer_of_left(text: str, view: RunView) -> str:
    """The same of a run that was cut off or stopped and lies still; empty where it is not asked how that stands."""
    if not STANDS.fullmatch(_plainly(text)):
        return ""
    losses = [_last("loss", step) for step in view.steps.values() if step.status in (RUNNING, CUT) and "loss" in step.series]
    came = ", ".join(filter(None, [view.reached(), *losses]))
    return f'run {view.run} does not go on by itself{f": it was left at {came}" if came else ""}; "go on" goes on with it'


def _plainly(text: str) -> str:
    return COURTESY.sub("", re.sub(r"\s+", " ", text.casefold().replace("’", "'")).strip(" ?!."))


def _standing(view: RunView, step: StepView, now: float) -> str:
    parts = [f"step {step.at} of {step.of}"] if step.of else []
    parts += [f"{step.share:.0%} done"] if step.share is not None else []
    parts += [_last(name, step) for name in step.series if name == "loss"]
    parts += [f"{human_seconds(max(0.0, now - step.started))} so far", _left(step, now)]
    message = [step.message] if step.message and not step.of else []
    first = f"{step.id} {step.tool} is at work: {', '.join([*message, *filter(None, parts)])}"
    to_come = [f"{one.id} {one.tool}" for one in view.steps.values() if one.status == PENDING]
    left = view.left(now)
    in_all = f"; {human_seconds(left)} to go in all" if left is not None and not view.is_late(now) else ""
    return f"{first}\nthen {', '.join(to_come)}{in_all}" if to_come else first


def _left(step: StepView, now: float) -> str:
    left = step.left(now)
    if left is None:
        return "how long it takes is not known"
    return f"about {human_seconds(left)} to go" if left > 0 else "longer than was predicted"


def _figure(name: str, step: StepView) -> str:
    """What the step at work told last of something that it measures; empty where no run measures that."""
    if name in ("speed", "fast", "tokens/s", "tokens per second") and step.tokens_per_second:
        return f"{step.id} {step.tool}: {step.tokens_per_second:.0f} tokens/s"
    if name in ("peak memory", "memory", "peak") and step.peak_memory_bytes:
        return f"{step.id} {step.tool}: a peak of {human_bytes(step.peak_memory_bytes)} so far"
    found = [series for series in step.series if series.replace("_", " ") == name.replace("_", " ").strip()]
    found = found or [series for series in step.series if name.rpartition(" ")[2] == series.rpartition("_")[2]]
    if found:
        return f"{step.id} {step.tool}: {'; '.join(_last(series, step) for series in found)}"
    return f"{step.id} {step.tool} has told no {name} yet" if name == "loss" and step.status == RUNNING else ""


def _last(name: str, step: StepView) -> str:
    points = step.series[name].points
    if not points:
        return ""
    shown = [points[0], points[-1]] if len(points) > 1 else points
    return f"{name.replace('_', ' ')} {', '.join(f'{value:.4g} at step {at:g}' for at, value in shown)}"
