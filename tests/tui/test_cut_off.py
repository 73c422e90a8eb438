"""A run whose processes were all killed: the app opens where it was, says how far it came, and says from where it goes on."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.sessions import Sessions
from modelwright.agent.trace import next_seq
from modelwright.tui import data
from modelwright.tui.app import Modelwright
from modelwright.tui.state import RunView
from modelwright.tui.widgets.cards import OfferCard
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
SESSION = "larkfield"
READY = """
import json, sys
print(json.dumps({"ready": sys.argv[2], "model": "scripted", "policy": None, "unfinished": json.loads(sys.argv[1])}), flush=True)
for line in sys.stdin:
    print(json.dumps({"done": {"kind": "answer", "exit_code": 0, "answer": "heard " + line, "result": None}}), flush=True)
"""


def a_turn(db: sqlite3.Connection, session: str, run: str) -> None:
    kept = Sessions(db)
    kept.started(session, kept.begin(session, "tune it", "request", {}), run)


def cut_off(db: sqlite3.Connection, upto: int = 9) -> str:
    """As a power cut leaves it: no end, nobody who holds it."""
    run = past_runs.write_run(db, "tune it", ("finetune", {"model": "builtin"}, None), status="running", started="s1").run.id
    for n in range(1, upto + 1):
        told = {"message": f"train step {n} of 20", "step": n, "steps": 20, "loss": 4.0 / n}
        db.execute(
            "insert into events (run, seq, time, type, step, data) values (?,?,?,'tool.progress','s1',?)",
            (run, next_seq(db, run), lines.START, json.dumps(told)),
        )
    return run


@pytest.fixture
def db(workspace: Path) -> Iterator[sqlite3.Connection]:
    with closing(Workspace(workspace).connect()) as opened:
        yield opened


def test_the_session_of_the_newest_run_is_opened_where_that_was_cut_off(workspace: Path, db: sqlite3.Connection) -> None:
    a_turn(db, SESSION, cut_off(db))
    assert data.session_to_open(workspace) == SESSION


def test_a_run_that_waits_comes_before_one_that_was_cut_off(workspace: Path, db: sqlite3.Connection) -> None:
    waits = past_runs.write_run(db, "tune it", ("finetune", {"model": "builtin"}, None), status="waiting", asked=["s1"])
    a_turn(db, "waits", waits.run.id)
    a_turn(db, SESSION, cut_off(db))
    assert data.session_to_open(workspace) == "waits"


def test_nothing_is_opened_for_a_run_that_was_cut_off_before_others_came(workspace: Path, db: sqlite3.Connection) -> None:
    a_turn(db, SESSION, cut_off(db))
    a_turn(db, "later", past_runs.write_run(db, "tune it", past_runs.finetune(workspace)).run.id)
    assert data.session_to_open(workspace) is None


@pytest.mark.asyncio
async def test_what_was_cut_off_says_how_far_it_came_and_what_to_say(db: sqlite3.Connection, tmp_path: Path) -> None:
    run = cut_off(db)
    a_turn(db, SESSION, run)
    script = tmp_path / "ready.py"
    script.write_text(READY)
    left = {"run": run, "status": "running", "stands": f"run {run} was cut off at s1 finetune", "request": "tune it"}
    app = Modelwright(SESSION, command=[sys.executable, "-S", str(script), json.dumps(left)])
    async with app.run_test(size=(110, 40)) as pilot:
        await until(pilot, shows(app, f"run {run} was cut off at s1 finetune, step 9 of 20", 'say "go on", or /resume'))
        assert len(app.chat.query(OfferCard)) == 1
        await ask(pilot, "how is my training going?")
        await until(pilot, shows(app, f"run {run} does not go on by itself: it was left at step 9 of 20, loss", '"go on" goes on with it'))
        assert "heard" not in text_of(app), "it needs no plan"
        app.chat.composer.put("/resume")
        await pilot.press("enter")
        await until(pilot, shows(app, '"text": "go on"'))


def tried_again(*told: Json) -> RunView:
    """A training that was cut off at step 9, resumed."""
    view, teller = RunView(), lines.Teller()
    for line in [*lines.begin(teller), *lines.training(teller, upto=9)]:
        view.take(line["event"])
    view.take(teller.event("run.resumed")["event"])
    view.take(teller.event("tool.started", "s1", **{"gen_ai.tool.name": "finetune"})["event"])
    for one in told:
        view.take(teller.event("tool.progress", "s1", **one)["event"])
    return view


def test_a_step_that_begins_again_says_so() -> None:
    step = tried_again({"message": "load the model"}).steps["s1"]
    assert (step.at, step.begun_anew) == (None, "")
    step = tried_again({"message": "load the model"}, {"message": "train step 1 of 40", "step": 1, "steps": 40, "loss": 2.0}).steps["s1"]
    assert step.begun_anew == "begins again at step 1 (it was cut off at step 9): no checkpoint yet"


def test_a_step_that_goes_on_says_from_where() -> None:
    told = {"message": "train step 6 of 40", "step": 6, "steps": 40, "loss": 2.0}
    step = tried_again({"message": "resume from step 5"}, told).steps["s1"]
    assert step.begun_anew == "goes on from step 5, its last checkpoint"


def test_a_step_that_was_never_cut_off_says_nothing_of_it() -> None:
    view, teller = RunView(), lines.Teller()
    for line in [*lines.begin(teller), *lines.training(teller)]:
        view.take(line["event"])
    assert view.steps["s1"].begun_anew == ""
