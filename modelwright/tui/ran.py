"""A past run in words: its request, each step with its arguments, where those came from, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from modelwright.text import human_bytes, human_seconds
from modelwright.tui.texts import lines, plain, source_text, value_text

if TYPE_CHECKING:
    from modelwright.agent.past import Past, PastStep

CUT, RUNNING = "cut", "running"


def told(past: Past) -> Content:
    run = past.run
    error = [(f"✗ {run.error['message']}", "$text-error")] if run.error else []
    return lines((run.request, "bold"), *(part for step in past.steps for part in _step(step, past)), *error)


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
