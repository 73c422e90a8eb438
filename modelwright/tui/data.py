"""What the screens read of the workspace. Each call opens what it needs and closes it; all are quick enough for a thread."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.files import write_atomic
from modelwright.workspace import Workspace

if TYPE_CHECKING:
    from modelwright.agent.sessions import Turn
    from modelwright.tui.state import RunView
    from modelwright.types import Json

OVER = ("done", "unverified", "failed", "denied", "nothing")
"""States of a run in which nothing more happens by itself."""
GOES_ON = ("running", "waiting")
"""States of a run that somebody comes back to: a process works on it, or it waits for an answer."""


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


@dataclass(frozen=True)
class PastTurn:
    """One thing that was said, with what is shown of it: the plan where its run had one, the result where that turn saw its end."""

    request: str
    outcome: str
    view: RunView | None = None
    result: Json | None = None


MOST_WHOLE = 8
"""Turns that are shown with their plans and results; older ones are told in words, as a turn's cards take 0.15 s on two busy cores."""


def past_turns(root: Path, session: str, most: int = 30) -> list[PastTurn]:
    """The last turns, oldest first."""
    from modelwright.agent.session_text import outcome

    turns = turns_of(root, session)[-most:]
    told = [PastTurn(turn.request, outcome(turn)) for turn in turns]
    said = _said_in(root, turns)
    whole = turns[-MOST_WHOLE:]
    first = {turn.run: turn for turn in reversed(whole)}  # a run that was gone on with has several turns
    last = {turn.run: turn for turn in whole}
    for at, turn in enumerate(turns):
        if turn.run and turn in whole:
            found = result_of(root, turn.run)
            is_over = found is not None and found["status"] in OVER
            goes_on = turn is turns[-1] and not is_over  # it shows its plan itself
            view = plan_view(root, turn.run) if first[turn.run] is turn and not goes_on else None
            told[at] = replace(told[at], view=view, result=found if is_over and last[turn.run] is turn else None)
            if goes_on and found and found["status"] == "waiting":  # its card says what it waits for
                told[at] = replace(told[at], outcome="")
    return [part for at, one in enumerate(told) for part in _with_words(one, said.get(at, []))]


def _said_in(root: Path, turns: list[Turn]) -> dict[int, list[str]]:
    """For each turn the words that changed its plan while it waited, oldest first: said since its beginning, and before the run's next."""
    found: dict[int, list[str]] = {}
    for run in {turn.run for turn in turns if turn.run}:
        of_run = [at for at, turn in enumerate(turns) if turn.run == run]
        for moment, text in _said_to(root, run):
            at = max((at for at in of_run if turns[at].time <= moment), default=of_run[0])
            found.setdefault(at, []).append(text)
    return found


def _said_to(root: Path, run: str) -> list[tuple[float, str]]:
    """(when, words) of all that changed the plan of a run."""
    told = "select time, data from events where run = ? and type = 'approval.given' order by seq"
    with database(root) as db:
        rows = db.execute(told, (run,)).fetchall() if db else []
    return [(row["time"], str(text)) for row in rows if (text := json.loads(row["data"]).get("said"))]


def _with_words(turn: PastTurn, said: list[str]) -> list[PastTurn]:
    """The words stand below the plan, and above what came of it."""
    if not said:
        return [turn]
    *between, last = said
    return [replace(turn, outcome="", result=None), *(PastTurn(text, "") for text in between), replace(turn, request=last, view=None)]


def plan_view(root: Path, run: str, *, moved: bool = False) -> RunView | None:
    """A run, without what moved in it unless that is wanted; None where it had no plan."""
    from modelwright.tui.state import RunView

    view = RunView(run)
    wanted = "select * from events where run = ? and (? or type != 'tool.progress') order by seq"
    with database(root) as db:
        rows = db.execute(wanted, (run, moved)).fetchall() if db else []
    for row in rows:
        view.take({**dict(row), "data": json.loads(row["data"])})
    return view if view.steps else None


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


def left_open(root: Path, session: str) -> tuple[str, str]:
    """The newest run of the session that was paused, was cut off, or waits, and its first step that is not done; both may be empty."""
    from modelwright.agent.lease import held
    from modelwright.agent.past import Past
    from modelwright.agent.sessions import Sessions
    from modelwright.errors import BadRequest

    with database(root) as db:
        runs = dict.fromkeys(turn.run for turn in reversed(Sessions(db).turns(session)) if turn.run) if db else {}
        for run in runs:
            try:
                past = Past.of(db, str(run)) if db else None
            except BadRequest:  # its rows were taken out by hand
                continue
            if past and past.unfinished and not held(Workspace(root).run_dir(past.run.id)):
                return past.run.id, next((step.id for step in past.steps if step.status != "done"), "")
    return "", ""


def session_to_open(root: Path) -> str | None:
    """The session whose newest run works or waits for an answer; of several the one where something was said last.

    Else that of the folder's newest run, where that was cut off with all its processes: nobody has been told of that yet.
    """
    from modelwright.agent.sessions import Sessions

    with database(root) as db:
        names = [overview.session for overview in Sessions(db).all()] if db else []
        at_work = next((name for name in names if db and _newest(db, root, name) in GOES_ON), None)
        return at_work or (_cut_off(db, root, names) if db else None)


def _cut_off(db: sqlite3.Connection, root: Path, sessions: list[str]) -> str | None:
    """The session whose last turn ran the folder's newest run, when that says that it runs and no process works on it."""
    from modelwright.agent.lease import held
    from modelwright.agent.runs import Runs
    from modelwright.agent.sessions import Sessions

    run = next(iter(Runs(db).all(1)), None)
    if run is None or run.status != "running" or held(Workspace(root).run_dir(run.id)):
        return None
    return next((name for name in sessions if Sessions(db).turns(name)[-1].run == run.id), None)


def _newest(db: sqlite3.Connection, root: Path, session: str) -> str:
    """How the newest run of the session stands; empty where it has none."""
    from modelwright.agent.runs import Runs, as_they_stand
    from modelwright.agent.sessions import Sessions
    from modelwright.errors import BadRequest

    run = next((turn.run for turn in reversed(Sessions(db).turns(session)) if turn.run), None)
    try:
        return as_they_stand(db, Workspace(root), [Runs(db).get(run)])[0].status if run else ""
    except BadRequest:  # its rows were taken out by hand
        return ""


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
            | {"reused": bool(s.reused_from), "peak_memory_bytes": s.peak_memory_bytes}
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
        "spent": {"steps": 0, "seconds": 0.0, **(standing.spent or {})},
        "error": past.run.error,
    }
    return dict(clean(found))


FORMATS = {"json": "json", "md": "md", "markdown": "md"}


def export_named(root: Path, session: str, words: str) -> Path:
    """The session as words ask for it: a format, or a file whose name ends with one. Raises BadRequest for any other."""
    from modelwright.errors import BadRequest

    kind, path = FORMATS.get(words.casefold()), root.resolve() / Path(words).expanduser()
    if kind is not None:
        return export(root, session, as_json=kind == "json")
    if words and path.suffix.casefold() not in (".json", ".md"):
        raise BadRequest(
            f"{words!r:.80} is no format to export to", fix="/export md, /export json, or a file: /export talk.json, /export talk.md"
        )
    if words and not path.parent.is_dir():
        raise BadRequest(f"there is no folder {str(path.parent)!r:.200}", fix="name a file in a folder that is there")
    return export(root, session, as_json=path.suffix.casefold() == ".json", to=path if words else None)


def export(root: Path, session: str, *, as_json: bool = False, to: Path | None = None) -> Path:
    """The session as a file, of the workspace if no other is named. Another file of that name stays: this one gets a number."""
    from modelwright.agent import session_text

    turns = turns_of(root, session)
    made = session_text.as_json(session, turns)
    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n" if as_json else session_text.markdown(session, turns)
    path = _free(to or root.resolve() / f"session-{session}.{'json' if as_json else 'md'}")
    write_atomic(path, text)
    return path


def _free(path: Path) -> Path:
    """The path, or where it is taken the same with the first number that is not."""
    numbered = (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in count(2))
    return path if not path.exists() else next(one for one in numbered if not one.exists())


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
