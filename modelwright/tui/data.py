"""What the screens read of the workspace. Each call opens what it needs and closes it; all are quick enough for a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from modelwright.files import write_atomic
from modelwright.types import Json
from modelwright.workspace import Workspace

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


def past_turns(root: Path, session: str, most: int = 30) -> list[tuple[str, str]]:
    """(request, outcome) of the last turns, oldest first."""
    from modelwright.agent.session_text import outcome
    from modelwright.agent.sessions import Sessions

    with database(root) as db:
        turns = Sessions(db).turns(session)[-most:] if db else []
    return [(turn.request, outcome(turn)) for turn in turns]


def newest_run(root: Path, session: str) -> str | None:
    from modelwright.agent.sessions import Sessions

    with database(root) as db:
        return next((t.run for t in reversed(Sessions(db).turns(session)) if t.run), None) if db else None


def last_result(root: Path, session: str) -> Json | None:
    """What the last turn ran, when that is over."""
    from modelwright.agent.sessions import Sessions

    with database(root) as db:
        turns = Sessions(db).turns(session) if db else []
    run = turns[-1].run if turns else None
    found = result_of(root, run) if run else None
    return found if found and found["status"] in OVER else None


def result_of(root: Path, run: str) -> Json | None:
    """A run that is over, as `--json` gives it; None when there is no such run."""
    from modelwright.agent.past import Past
    from modelwright.agent.runs import as_they_stand
    from modelwright.errors import BadRequest
    from modelwright.text import clean
    from modelwright.workspace import Workspace

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
    from modelwright.agent.sessions import Sessions

    with database(root) as db:
        turns = Sessions(db).turns(session) if db else []
    path = root.resolve() / f"session-{session}.{'json' if as_json else 'md'}"
    made = session_text.as_json(session, turns)
    write_atomic(path, json.dumps(made, indent=2, ensure_ascii=False) + "\n" if as_json else session_text.markdown(session, turns))
    return path


def memory_of(pid: int) -> int | None:
    """Resident bytes of a process and all it started."""
    import psutil

    try:
        root = psutil.Process(pid)
        return sum(int(p.memory_info().rss) for p in [root, *root.children(recursive=True)])
    except psutil.Error:
        return None
