"""What the screens read of the workspace. Each call opens what it needs and closes it; all are quick enough for a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.files import write_atomic
from modelwright.types import Json
from modelwright.workspace import Workspace

if TYPE_CHECKING:
    from modelwright.agent.sessions import Turn

OVER = ("done", "unverified", "failed", "denied", "nothing")
"""States of a run in which nothing more happens by itself."""


@contextmanager
def database(root: Path) -> Iterator[sqlite3.Connection | None]:
    """None where nothing was ever run: looking makes no folder."""
    workspace = Workspace(root)
    if not workspace.database.is_file():
        yield None
        return
    with closing(workspace.connect()) as db:
        yield db


def turns_of(root: Path, session: str) -> list[Turn]:
    """What was said, oldest first; each turn with the end that it really had."""
    from modelwright.agent.sessions import Sessions
    from modelwright.agent.turn_ends import as_they_ended

    with database(root) as db:
        return as_they_ended(db, Workspace(root), Sessions(db).turns(session)) if db else []


def past_turns(root: Path, session: str, most: int = 30) -> list[tuple[str, str]]:
    """(request, outcome) of the last turns, oldest first."""
    from modelwright.agent.session_text import outcome

    return [(turn.request, outcome(turn)) for turn in turns_of(root, session)[-most:]]


def last_run(root: Path, session: str) -> str | None:
    """What the last turn ran."""
    from modelwright.agent.sessions import Sessions

    with database(root) as db:
        turns = Sessions(db).turns(session) if db else []
    return turns[-1].run if turns else None


def open_run(root: Path, session: str) -> str | None:
    """What the last turn ran, as long as it is not over."""
    from modelwright.agent.runs import Runs
    from modelwright.errors import BadRequest

    run = last_run(root, session)
    with database(root) as db:
        try:
            return run if db and run and Runs(db).get(run).status not in OVER else None
        except BadRequest:  # its rows were taken out by hand
            return None


def last_result(root: Path, session: str) -> Json | None:
    """What the last turn ran, when that is over."""
    run = last_run(root, session)
    found = result_of(root, run) if run else None
    return found if found and found["status"] in OVER else None


def result_of(root: Path, run: str) -> Json | None:
    """A run that is over, as `--json` gives it; None when there is no such run."""
    from modelwright.agent.past import Past
    from modelwright.agent.runs import as_they_stand
    from modelwright.errors import BadRequest
    from modelwright.text import clean

    with database(root) as db:
        if db is None:
            return None
        try:
            past = Past.of(db, run)
        except BadRequest:
            return None
        [standing] = as_they_stand(db, Workspace(root), [past.run])
        steps = [
            {"id": s.id, "tool": s.tool, "status": s.status, "result": s.result or None, "checks": s.checks, "seconds": s.seconds}
            for s in past.steps
        ]
    report = root.resolve() / ".modelwright" / "runs" / past.run.id / "report.html"
    found = {
        "run": past.run.id,
        "request": past.run.request,
        "status": standing.status,
        "plan": past.run.plan,
        "steps": steps,
        "report": str(report) if report.is_file() else None,
        "spent": {"steps": 0, "seconds": 0.0, **(past.run.spent or {})},
        "error": past.run.error,
    }
    return dict(clean(found))


def export(root: Path, session: str, *, as_json: bool = False) -> Path:
    """The session as a file in the workspace."""
    import json

    from modelwright.agent import session_text

    turns = turns_of(root, session)
    path = root.resolve() / f"session-{session}.{'json' if as_json else 'md'}"
    made = session_text.as_json(session, turns)
    write_atomic(path, json.dumps(made, indent=2, ensure_ascii=False) + "\n" if as_json else session_text.markdown(session, turns))
    return path


JOB = "modelwright.engines.child"
"""What the process of a step is started as."""


def memory_of(agent: int) -> int | None:
    """Resident bytes of the step that the agent's process works on, now. None where the step has no process of its own.

    That is its job with all below it, as engines/client.py adds it up for the peak, and as tools estimate it; the agent and the
    model that plans are not in any of the three.
    """
    import psutil

    from modelwright.engines.client import resident_bytes

    try:
        return sum(resident_bytes(child) for child in psutil.Process(agent).children() if JOB in child.cmdline()) or None
    except psutil.Error:
        return None
