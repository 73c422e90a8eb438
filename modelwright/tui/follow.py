"""Reads a run's events from the trace as they are written: for a run that another process works on, or that is over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.workspace import Workspace, open_sqlite

if TYPE_CHECKING:
    from modelwright.types import Json


class Follower:
    """Gives what is new of one run. Reads only; a busy database is asked again next time."""

    def __init__(self, root: Path, run: str) -> None:
        self._db, self.run, self._seq = open_sqlite(Workspace(root).database), run, 0

    def new(self, most: int = 2000) -> list[Json]:
        try:
            rows = self._db.execute(
                "select seq, time, type, step, data from events where run = ? and seq > ? order by seq limit ?", (self.run, self._seq, most)
            ).fetchall()
        except sqlite3.OperationalError:
            return []
        found = [{**dict(row), "run": self.run, "data": json.loads(row["data"])} for row in rows]
        if found:
            self._seq = found[-1]["seq"]
        return found

    def all_new(self) -> Iterator[Json]:
        """Everything up to now, however much it is."""
        while found := self.new():
            yield from found

    def close(self) -> None:
        self._db.close()
