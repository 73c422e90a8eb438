"""How far a run is: what it does now, how much of that is done, the last loss. From its records, also while it is at work.

    "\\n".join(progress.lines(past, workspace))

Progress points are thinned to four a second in the trace, so that what is told may be that old. Nothing is guessed: a tool that
reports no steps has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from modelwright.agent import trace
from modelwright.agent.lease import held
from modelwright.agent.past import Past, PastStep
from modelwright.events import EventType
from modelwright.text import human_seconds, one_line
from modelwright.types import Json
from modelwright.workspace import Workspace

ENDED = {
    "done": "is done and verified",
    "unverified": "ran, but is not verified",
    "failed": "failed",
    "denied": "was not allowed",
    "nothing": "did nothing",
}


def now(run: str, workspace: Workspace) -> str:
    """How far this run is, for whoever watches it: opens the records itself. Raises BadRequest where there is no such run."""
    with closing(workspace.connect()) as db:
        return "\n".join(lines(Past.of(db, run), workspace))


def lines(past: Past, workspace: Workspace) -> Iterator[str]:
    """How the run stands, then one line a step."""
    yield _stands(past, workspace)
    yield from (f"  {line}" for line in past.waiting())
    for step in past.steps:
        yield f"  {step.id} {step.tool}: {_step(step, past, workspace)}"


def _stands(past: Past, workspace: Workspace) -> str:
    if not past.unfinished:
        return f"run {past.run.id} {ENDED.get(past.run.status, past.run.status)}"
    if past.waits_for or not held(workspace.run_dir(past.run.id)):
        return past.stands()
    now = next((f" at {s.id} {s.tool}" for s in past.steps if s.status == "cut"), "")
    return f"run {past.run.id} is at work{now}"


def _step(step: PastStep, past: Past, workspace: Workspace) -> str:
    if step.status in ("cut", "failed"):
        began = "failed" if step.status == "failed" else "begun"
        return _reached(_last_point(past.run.id, step.id, workspace)) or f"{began}, and has told nothing yet"
    if step.status == "pending":
        return "not begun"
    said = one_line(str(step.result.get("summary", "")), 300)
    return f"{step.status}{f': {said}' if said else ''}"


def _last_point(run: str, step: str, workspace: Workspace) -> Json:
    """All numbers that were told last, each with its newest value since the step began."""
    known: Json = {}
    with closing(workspace.connect()) as db:
        for event in trace.read(db, run, step=step):
            if event.type is EventType.TOOL_STARTED:
                known = {}
            elif event.type is EventType.TOOL_PROGRESS:
                kept = {"loss": known["loss"]} if "loss" in known else {}
                known = {**kept, **event.data}
    return known


def _reached(point: Json) -> str:
    """ "step 120 of 400, loss 1.342, about 2:10 min left (train)"."""
    said = []
    if point.get("step") is not None:
        said.append(f"step {point['step']}" + (f" of {point['steps']}" if point.get("steps") else ""))
    if isinstance(point.get("loss"), int | float):
        said.append(f"loss {point['loss']:.3f}")
    if isinstance(point.get("eta_seconds"), int | float):
        said.append(f"about {human_seconds(point['eta_seconds'])} left")
    message = one_line(str(point.get("message", "")), 200)
    return ", ".join(said) + (f" ({message})" if message and said else message)
