"""The table of runs: what was asked, with which options, how it stands. Ids are ours and sort by day."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelwright.agent.lease import held
from modelwright.errors import BadRequest

if TYPE_CHECKING:
    from modelwright.types import Json
    from modelwright.workspace import Workspace

SHORTEST_NAME = 3
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else


ASKS = {"approval.asked": "approval", "question.asked": "question", "budget.changed": "budget"}
"""Events after which a run waits for a person. That of a budget asks when it names the bound that was reached; else it answers."""
ASKS_NO_MORE = ("approval.given", "question.answered", "plan.proposed", "tool.started")
_ANSWERS = (
    "(type in ('run.resumed', 'approval.given', 'question.answered')"
    " or (type = 'budget.changed' and json_extract(data, '$.reached') is null))"
)
"""Events before which a run lay still."""


@dataclass(frozen=True)
class Run:
    id: str
    request: str
    status: str
    exit_code: int | None
    created: float
    updated: float
    options: Json
    plan: Json | None
    spent: Json | None
    error: Json | None


def new_id() -> str:
    """`r261122-k7f2`: day and four random characters."""
    return time.strftime("r%y%m%d-") + "".join(secrets.choice(_ALPHABET) for _ in range(4))


class Runs:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def create(self, request: str, options: Json) -> str:
        while True:
            run, now = new_id(), time.time()
            try:
                self._db.execute(
                    "insert into runs (id, request, status, created, updated, options) values (?,?,'running',?,?,?)",
                    (run, request, now, now, json.dumps(options)),
                )
            except sqlite3.IntegrityError:
                continue
            return run

    def update(self, run: str, **values: Any) -> None:
        values["updated"] = time.time()
        encoded = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in values.items()}
        self._db.execute(f"update runs set {', '.join(f'{k} = ?' for k in encoded)} where id = ?", (*encoded.values(), run))

    def get(self, name: str) -> Run:
        """The run with this id, a unique beginning of it, or `last`. Raises BadRequest otherwise."""
        if name != "last" and len(name) < SHORTEST_NAME:
            raise BadRequest(f"{name!r} does not name a run", fix=f"give at least {SHORTEST_NAME} characters of its id, or `last`")
        if name == "last":
            found = self._db.execute("select * from runs order by created desc limit 1").fetchall()
        else:
            found = self._db.execute(
                "select * from runs where substr(id, 1, ?) = ? or substr(id, 9, ?) = ?", (len(name), name, len(name), name)
            ).fetchall()
        exact = [row for row in found if row["id"] == name] or found
        if len(exact) == 1:
            return _run(exact[0])
        if exact:
            raise BadRequest(f"{name!r} is the beginning of {len(exact)} runs", fix=", ".join(row["id"] for row in exact[:5]))
        raise BadRequest(f"there is no run {name!r} in this workspace", fix="see `modelwright runs`")

    def all(self, limit: int = 50) -> list[Run]:
        return [_run(row) for row in self._db.execute("select * from runs order by created desc limit ?", (limit,))]


def as_they_stand(db: sqlite3.Connection, workspace: Workspace, runs: Sequence[Run]) -> list[Run]:
    """The runs; one that says it is running waits where its process asks a person, and is interrupted where that is dead.

    With the seconds worked so far.
    """
    return [_standing(db, workspace, run) if run.status == "running" else run for run in runs]


def _standing(db: sqlite3.Connection, workspace: Workspace, run: Run) -> Run:
    works = held(workspace.run_dir(run.id))
    status = "interrupted" if not works else "waiting" if waits_for(db, run.id) else "running"
    return replace(run, status=status, spent={**(run.spent or {}), "seconds": worked_seconds(db, run.id)})


def waits_for(db: sqlite3.Connection, run: str) -> str:
    """approval, question or budget, where the last thing that happened was that it asked; else empty."""
    kinds = (*ASKS, *ASKS_NO_MORE)
    row = db.execute(
        f"select type, data from events where run = ? and type in ({', '.join('?' * len(kinds))}) order by seq desc limit 1", (run, *kinds)
    ).fetchone()
    if row is None or row["type"] not in ASKS or (row["type"] == "budget.changed" and "reached" not in json.loads(row["data"])):
        return ""
    return ASKS[row["type"]]


def worked_seconds(db: sqlite3.Connection, run: str) -> float:
    """Between the events of a run, without the time in which it lay still: before it was resumed, and until a person answered."""
    return _seconds(db, run, f"not {_ANSWERS}")


def waited_seconds(db: sqlite3.Connection, run: str) -> float:
    """In which it waited for a person, or lay still before it was resumed."""
    return _seconds(db, run, _ANSWERS)


def _seconds(db: sqlite3.Connection, run: str, which: str) -> float:
    gaps = "select type, data, time - lag(time) over (order by seq) as gap from events where run = ?"
    return float(db.execute(f"select total(gap) from ({gaps}) where {which}", (run,)).fetchone()[0])


def _run(row: sqlite3.Row) -> Run:
    def loaded(name: str) -> Json | None:
        return json.loads(row[name]) if row[name] else None

    return Run(
        row["id"],
        row["request"],
        row["status"],
        row["exit_code"],
        row["created"],
        row["updated"],
        loaded("options") or {},
        loaded("plan"),
        loaded("spent"),
        loaded("error"),
    )
