"""One stream of typed events feeds the terminal, `--json`, and the trace, so they cannot disagree.

Names and attributes follow the OpenTelemetry GenAI conventions where they fit
(https://opentelemetry.io/docs/specs/semconv/gen-ai/): `gen_ai.tool.name`, `gen_ai.usage.input_tokens` …
An event's `data` is plain JSON, already redacted and free of terminal escapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from modelwright.text import clean

Json = dict[str, Any]


class EventType(StrEnum):
    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    RUN_ENDED = "run.ended"
    PLAN_STAGES = "plan.stages"
    PLAN_PROPOSED = "plan.proposed"
    DECISION = "policy.decision"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_GIVEN = "approval.given"
    QUESTION_ASKED = "question.asked"
    QUESTION_ANSWERED = "question.answered"
    MODEL_CALL = "model.call"
    TOOL_STARTED = "tool.started"
    TOOL_PROGRESS = "tool.progress"
    TOOL_FINISHED = "tool.finished"
    TOOL_REUSED = "tool.reused"
    TOOL_JOINED = "tool.joined"
    TOOL_FAILED = "tool.failed"
    VERIFIED = "verify.checks"
    BUDGET = "budget.changed"
    REPORT = "report.written"
    NOTICE = "notice"


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run. `time` is seconds since the epoch, `seq` counts within the run from 1."""

    type: EventType
    run: str
    step: str | None = None
    data: Json = field(default_factory=dict)
    time: float = 0.0
    seq: int = 0

    def as_json(self) -> Json:
        return {**asdict(self), "type": self.type.value}


Sink = Callable[[Event], None]


class Emitter:
    """Stamps events of one run and hands them to every sink, in order."""

    def __init__(self, run: str, sinks: list[Sink], *, clock: Callable[[], float] = time.time, first_seq: int = 1) -> None:
        self.run = run
        self.sinks = sinks
        self._clock = clock
        self._seq = first_seq

    def emit(self, kind: EventType, step: str | None = None, /, **data: Any) -> None:
        event = Event(kind, self.run, step, clean(data), self._clock(), self._seq)
        self._seq += 1
        for sink in list(self.sinks):
            try:
                sink(event)
            except OSError:  # a closed pipe must not end a run
                self.sinks.remove(sink)
