"""How turns ended for which nobody wrote an end: their process was cut off, or works still. It is read from their run.

Such a run may have gone on afterwards (`modelwright resume`), or in another process, and may have ended well. Reads only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from modelwright.agent.ending import is_rejection, outcome
from modelwright.agent.lease import held
from modelwright.agent.past import Past
from modelwright.agent.sessions import Turn
from modelwright.errors import BadRequest
from modelwright.text import clean, one_line
from modelwright.types import Spent
from modelwright.workspace import Workspace


def as_they_ended(db: sqlite3.Connection, workspace: Workspace, turns: Sequence[Turn]) -> list[Turn]:
    """The turns; one without an end has its run's as it stands now for an answer."""
    return [_told(db, workspace, turn) if turn.exit_code is None and turn.run else turn for turn in turns]


def at_work(run: str) -> str:
    """All that can be said of a run that another process works on."""
    return f"run {run} is at work"


def _told(db: sqlite3.Connection, workspace: Workspace, turn: Turn) -> Turn:
    try:
        past = Past.of(db, str(turn.run))
    except BadRequest:  # its rows were taken out by hand
        return turn
    if past.unfinished:
        stands = at_work(past.run.id) if held(workspace.run_dir(past.run.id)) else past.stands()
        return replace(turn, answer=str(clean(stands)))
    return replace(turn, answer=str(clean("\n".join(_end_of(past)))), exit_code=past.run.exit_code)


def _end_of(past: Past) -> list[str]:
    """What came out of a run that is over, as a turn that saw its end would say it."""
    said = [f"{s.id} {s.tool}: {one_line(str(s.result.get('summary', '')), 400)}" for s in past.steps if s.status == "done"]
    sign = "" if is_rejection(past.run.error) else "error: "
    error = [f"{sign}{one_line(str(past.run.error['message']), 1000)}"] if past.run.error else []
    return [*said, *error, f"run {past.run.id}: {outcome(past.run.status, Spent.model_validate(past.run.spent or {}), past.run.error)}"]
