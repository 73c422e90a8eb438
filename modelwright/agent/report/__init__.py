"""What a run leaves for people: report.html, report.md, lock.json and reproduce.py, in `.modelwright/runs/RUN/`.

Everything in them comes from the run's state, the ledger and the trace; nothing is measured or judged here. Each file is
written whole or not at all, and writing again replaces it.
"""

from __future__ import annotations

import sqlite3

from modelwright.agent.report import html, lock, markdown, reproduce
from modelwright.agent.report.gather import Facts, gather
from modelwright.agent.runs import Run
from modelwright.files import write_atomic, write_json
from modelwright.types import Json
from modelwright.workspace import Workspace

__all__ = ["Facts", "gather", "write"]


def write(db: sqlite3.Connection, run: Run, state: Json, workspace: Workspace) -> Json:
    """Write the report of `run` as `state` has it. Gives the paths: {report, markdown, lock}."""
    folder = workspace.run_dir(run.id)
    facts, locked = gather(db, run, state, workspace), lock.build(db, run, state, workspace)
    write_json(folder / "lock.json", locked)
    if state.get("plan") and locked["steps"]:
        write_atomic(folder / "reproduce.py", reproduce.script(run.id, locked["plan"], locked, workspace.root))
    write_atomic(folder / "report.md", markdown.render(facts))
    write_atomic(folder / "report.html", html.render(facts))
    return {name: str(folder / file) for name, file in (("report", "report.html"), ("markdown", "report.md"), ("lock", "lock.json"))}
