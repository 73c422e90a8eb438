"""Episodic memory, first floor: one row a run, with what was asked, which tools ran and how it ended."""

from __future__ import annotations

import json
import time
from pathlib import Path

from modelwright.types import Json


def remember(database: Path, run: str, request: str, tools: list[str], status: str, outcome: Json) -> None:
    """Write or replace the row of `run`."""
    from sqlite_utils import Database  # 0.2 s: only when a run ends

    db = Database(database)
    row = {"run": run, "time": time.time(), "request": request, "tools": " ".join(tools), "status": status, "outcome": json.dumps(outcome)}
    try:
        db["episodes"].upsert(row, pk="run")
    finally:
        db.close()
