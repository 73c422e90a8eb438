"""A past run in words: its request, each step with its arguments, where those came from, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from modelwright.text import human_bytes, human_seconds
from modelwright.tui.texts import lines, plain, source_text, value_text

if TYPE_CHECKING:
    from modelwright.agent.past import Past, PastStep
    from modelwright.types import Json

CUT, RUNNING = "cut", "running"


def told(past: Past) -> Content:
    run = past.run
    steps = (part for step in past.steps for part in _step(step, past))
    return lines((run.request, "bold"), *past.waiting(), *_time(past), *steps, *_error(run.error or {}))


def _time(past: Past) -> Iterator[str]:
    """What it worked, and what it waited for a person, where that is worth a word."""
    if past.waited_seconds >= 1:
        worked = (past.run.spent or {}).get("seconds")
        yield (f"worked {human_seconds(worked)}, " if worked is not None else "") + f"waited {human_seconds(past.waited_seconds)} for you"


def _error(error: Json) -> Iterator[str | tuple[str, str]]:
    from modelwright.agent.ending import is_rejection

    if error:
        yield error["message"] if is_rejection(error) else (f"✗ {error['message']}", "$text-error")


def _step(step: PastStep, past: Past) -> Iterator[str | Content]:
    status = RUNNING if step.status == CUT and past.run.status == RUNNING else step.status
    took = f", {human_seconds(step.seconds)}" if step.seconds else ""
    peak = f", peak {human_bytes(step.peak_memory_bytes)}" if step.peak_memory_bytes else ""
    yield plain(f"{step.id} {step.tool}: {status}{took}{peak}", "bold")
    for name, value in step.args.items():
        yield f"    {name} = {value_text(value)}   from {source_text(step.sources.get(name, 'no source'), past.run.request)}"
    if step.result.get("summary"):
        yield f"    → {step.result['summary']}"
    if step.error:
        yield f"    ✗ {step.error['message']}"
    yield from (f"    ✗ {check['name']}: {check['detail']}" for check in step.checks if not check["passed"])
