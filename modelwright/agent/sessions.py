"""Sessions: what was said in this workspace, turn by turn, in its database, so that a follow-up knows what came before.

A turn is written before anything is done about it and again when it ends, each in one commit: after a `kill -9` it is there
with its run and without an answer. One process works on a session at a time. Not here: what a turn means (followups/).
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from modelwright.agent.lease import lease
from modelwright.agent.runs import new_id
from modelwright.errors import BadRequest
from modelwright.files import discard
from modelwright.text import clean

if TYPE_CHECKING:
    from modelwright.types import Json
    from modelwright.workspace import Workspace

TABLE = """
create table if not exists turns (
    session text not null, number integer not null, time real not null, request text not null, kind text not null, resolved text not null,
    run text, answer text, exit_code integer, primary key (session, number));
"""
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
LAST = "last"

Kind = Literal["request", "again", "resume", "answer"]


@dataclass(frozen=True)
class Turn:
    """One thing that was said. `run` and `answer` are empty until there is one; no `exit_code` means that it was cut off."""

    session: str
    number: int
    time: float
    request: str
    kind: Kind
    resolved: Json
    """What it was taken to mean: {"things": […]} or {"changes": {…}, "run": …}."""
    run: str | None
    answer: str
    exit_code: int | None

    def as_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True)
class Overview:
    """A line of the list of sessions."""

    session: str
    turns: int
    began: float
    last: float
    request: str
    """The first one."""


class Sessions:
    """The table of turns. Makes it when it is not there."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(TABLE)

    def all(self) -> list[Overview]:
        """Newest first."""
        rows = self._db.execute(
            "select session, count(*) as turns, min(time) as began, max(time) as last, "
            "(select request from turns t where t.session = turns.session order by number limit 1) as request "
            "from turns group by session order by last desc, began desc"
        )
        return [Overview(**row) for row in map(dict, rows)]

    def search(self, text: str) -> list[Turn]:
        """Turns whose request or answer has `text`, whatever the case; newest first."""
        wanted = text.casefold()
        rows = map(_turn, self._db.execute("select * from turns order by time desc"))
        return [turn for turn in rows if wanted in turn.request.casefold() or wanted in turn.answer.casefold()]

    def turns(self, name: str) -> list[Turn]:
        return [_turn(row) for row in self._db.execute("select * from turns where session = ? order by number", (name,))]

    def find(self, name: str) -> str:
        """The session with this name, a unique beginning of it, or `last`. Raises BadRequest otherwise."""
        known = [overview.session for overview in self.all()]
        found = known[:1] if name == LAST else [k for k in known if k == name] or [k for k in known if name and k.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadRequest(f"{name!r:.80} is the beginning of {len(found)} sessions", fix=", ".join(found[:5]))
        raise BadRequest(f"there is no session {name!r:.80} in this workspace", fix="see `modelwright sessions`")

    def begin(self, name: str, request: str, kind: Kind, resolved: Mapping[str, object]) -> int:
        """Write a turn down before it is acted upon; its number."""
        row = self._db.execute("select coalesce(max(number), 0) + 1 from turns where session = ?", (name,)).fetchone()
        self._db.execute(
            "insert into turns (session, number, time, request, kind, resolved, answer) values (?,?,?,?,?,?,'')",
            (name, row[0], time.time(), clean(request), kind, json.dumps(clean(resolved), ensure_ascii=False)),
        )
        return int(row[0])

    def started(self, name: str, number: int, run: str) -> None:
        self._db.execute("update turns set run = ? where session = ? and number = ?", (run, name, number))

    def end(self, name: str, number: int, answer: str, exit_code: int) -> None:
        self._db.execute(
            "update turns set answer = ?, exit_code = ? where session = ? and number = ?", (clean(answer), exit_code, name, number)
        )

    def delete(self, name: str) -> int:
        """Forget what was said; the runs stay. How many turns there were."""
        return self._db.execute("delete from turns where session = ?", (name,)).rowcount


def _turn(row: sqlite3.Row) -> Turn:
    return Turn(**{**dict(row), "resolved": json.loads(row["resolved"]), "answer": row["answer"] or ""})


def new_name() -> str:
    """`s261122-k7f2`: day and four random characters, as runs have."""
    return "s" + new_id()[1:]


def check_name(name: str) -> str:
    """Raises BadRequest for what cannot name a session (it is also a folder's name)."""
    if not NAME.fullmatch(name) or name == LAST:
        raise BadRequest(f"{name!r:.80} cannot name a session", fix="use up to 64 letters, digits, dots, hyphens; not `last`")
    return name


@contextmanager
def hold(workspace: Workspace, name: str) -> Iterator[None]:
    """Be the one process that writes to the session. Raises LeaseHeld naming who is."""
    with lease(workspace.home / "sessions" / name, f"session {name}"):
        yield


def forget(workspace: Workspace, sessions: Sessions, name: str) -> int:
    """Delete a session that nobody works on, with its lease."""
    with hold(workspace, name):
        count = sessions.delete(name)
        discard(workspace.home / "sessions" / name)
    return count
