"""Runs and events as rows of text."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from modelwright.agent.ending import standing
from modelwright.agent.runs import Run
from modelwright.events import Event
from modelwright.text import clean, human_seconds, one_line


def as_rows(runs: Sequence[Run]) -> list[list[str]]:
    rows = [["run", "when", "status", "took", "request"]]
    for run in runs:
        seconds = (run.spent or {}).get("seconds")
        rows.append(
            [
                run.id,
                time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
                f"interrupted: modelwright resume {run.id}" if run.status == "interrupted" else standing(run.status, run.error),
                "-" if seconds is None else human_seconds(seconds),
                one_line(str(clean(run.request)), 80),
            ]
        )
    return rows


def event_line(event: Event) -> str:
    """One event on one line: time, step, type, the rest as JSON."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.time)) + f"{event.time % 1:.3f}"[1:]
    rest = one_line(json.dumps(event.data, ensure_ascii=False, default=str), 300)
    return f"{event.seq:>4} {clock} {event.step or '-':>3} {event.type.value:<18} {rest}"
