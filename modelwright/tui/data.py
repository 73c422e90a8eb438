"""What the screens read of the workspace. Each call opens what it needs and closes it; all are quick enough for a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from modelwright.files import write_atomic
from modelwright.workspace import Workspace


@contextmanager
def database(root: Path) -> Iterator[sqlite3.Connection | None]:
    """None where nothing was ever run: looking makes no folder."""
    workspace = Workspace(root)
    if not workspace.database.is_file():
        yield None
        return
    with closing(workspace.connect()) as db:
        yield db


def past_turns(root: Path, session: str, most: int) -> list[tuple[str, str]]:
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
