"""The trace: every event of a run in SQLite, written as it happens, read back in order.

Each event is one commit, so a `kill -9` loses nothing that was shown. Progress points are thinned to four a second.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from modelwright.events import Event, EventType

PROGRESS_EVERY_SECONDS = 0.25


class TraceWriter:
    """A sink that keeps events in the workspace's database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._last_progress = 0.0

    def __call__(self, event: Event) -> None:
        if event.type is EventType.TOOL_PROGRESS:
            is_last = event.data.get("step") is not None and event.data.get("step") == event.data.get("steps")
            if event.time - self._last_progress < PROGRESS_EVERY_SECONDS and not is_last:
                return
            self._last_progress = event.time
        self._db.execute(
            "insert into events (run, seq, time, type, step, data) values (?,?,?,?,?,?)",
            (event.run, event.seq, event.time, event.type.value, event.step, json.dumps(event.data, ensure_ascii=False, default=str)),
        )


def read(
    db: sqlite3.Connection, run: str, *, step: str | None = None, kind: str | None = None, without: EventType | None = None
) -> Iterator[Event]:
    """The events of a run, in order; of one step or one type, or `without` one, if asked."""
    for row in db.execute("select * from events where run = ? and type is not ? order by seq", (run, without)):
        if (step is None or row["step"] == step) and (kind is None or row["type"].startswith(kind)):
            yield Event(EventType(row["type"]), row["run"], row["step"], json.loads(row["data"]), row["time"], row["seq"])


def next_seq(db: sqlite3.Connection, run: str) -> int:
    return int(db.execute("select coalesce(max(seq), 0) + 1 from events where run = ?", (run,)).fetchone()[0])
