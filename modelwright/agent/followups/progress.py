"""How far a run is: what it does now, how much of that is done, the last loss. From its records, also while it is at work.

    "\\n".join(progress.lines(past, workspace))

Progress points are thinned to four a second in the trace, so that what is told may be that old. Nothing is guessed: a tool that
reports no steps has none. What is left is counted as the card of the run counts it: from the moment at which the step told it, and
by the plan's estimate where the step told nothing.
"""

from __future__ import annotations

import time
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
        point = _last_point(past.run.id, step.id, workspace)
        at_work = past.unfinished and not past.waits_for and held(workspace.run_dir(past.run.id))
        return _reached(point, _left(point, time.time() if at_work else None)) or f"{began}, and has told nothing yet"
    if step.status == "pending":
        return "not begun"
    said = one_line(str(step.result.get("summary", "")), 300)
    return f"{step.status}{f': {said}' if said else ''}"


def _last_point(run: str, step: str, workspace: Workspace) -> Json:
    """All numbers that were told last, each with its newest value since the step began; `time` is when, `estimated` when it should end."""
    known: Json = {}
    with closing(workspace.connect()) as db:
        for event in trace.read(db, run, step=step):
            if event.type is EventType.TOOL_STARTED:
                seconds = (event.data.get("estimate") or {}).get("seconds")
                known = {"estimated": event.time + seconds} if seconds else {}
            elif event.type is EventType.TOOL_PROGRESS:
                kept: Json = {name: known[name] for name in ("loss", "estimated") if name in known}
                known = {**kept, **event.data, "time": event.time}
    return known


def _left(point: Json, now: float | None) -> float | None:
    """Seconds to go `now`, below zero once it takes longer than predicted; of a step that lies still (no `now`) as it told last."""
    eta = point.get("eta_seconds")
    if now is None:
        return eta if isinstance(eta, int | float) else None
    due = point["time"] + eta if isinstance(eta, int | float) else point.get("estimated")
    return None if due is None else float(due) - now


def _reached(point: Json, left: float | None) -> str:
    """ "step 120 of 400, loss 1.342, about 2:10 min left (train)"."""
    said = []
    if point.get("step") is not None:
        said.append(f"step {point['step']}" + (f" of {point['steps']}" if point.get("steps") else ""))
    if isinstance(point.get("loss"), int | float):
        said.append(f"loss {point['loss']:.3f}")
    if left is not None:
        said.append(f"about {human_seconds(left)} left" if left > 0 else "longer than was predicted")
    message = one_line(str(point.get("message", "")), 200)
    return ", ".join(said) + (f" ({message})" if message and said else message)
