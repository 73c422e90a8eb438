"""A run that waits for a person, in the list of runs: what for, what it worked until then, and that going on with it is answering it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.conversation import Conversation
from modelwright.agent.lease import lease
from modelwright.agent.past import Past
from modelwright.agent.runs import Runs, as_they_stand, waited_seconds, worked_seconds
from modelwright.agent.session import Agent
from modelwright.agent.trace import next_seq
from modelwright.tui.app import Modelwright
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]
STEP = ("finetune", {"model": "builtin", "dataset": "train.jsonl"}, None)


@pytest.fixture
def db(workspace: Path) -> Iterator[sqlite3.Connection]:
    with closing(Workspace(workspace).connect()) as opened:
        yield opened


def told(db: sqlite3.Connection, run: str, *events: tuple[float, str, str]) -> None:
    """Events of (seconds since the beginning, type, data)."""
    for at, kind, data in events:
        db.execute(
            "insert into events (run, seq, time, type, step, data) values (?,?,?,?,?,?)",
            (run, next_seq(db, run), lines.START + at, kind, None, data),
        )


@pytest.mark.parametrize(
    ("kind", "data", "words", "in_full"),
    [
        ("approval.asked", '{"steps": ["s1"]}', "? waiting for a yes", "it waits for a yes to s1 finetune"),
        ("question.asked", '{"question": "Which model?", "choices": []}', "? waiting for an answer", "it asks: Which model?"),
        ("budget.changed", '{"reached": "steps 50 of 50"}', "? waiting for a bound", "a bound was reached: steps 50 of 50"),
    ],
)
@pytest.mark.asyncio
async def test_the_list_says_what_a_run_waits_for(
    make_app: Make, db: sqlite3.Connection, workspace: Path, kind: str, data: str, words: str, in_full: str
) -> None:
    run = past_runs.write_run(db, "tune it", STEP, status="running").run.id
    told(db, run, (0, kind, data))
    app = make_app([])
    with lease(Workspace(workspace).run_dir(run), f"run {run}"):
        async with app.run_test(size=(120, 30)) as pilot:
            await app.action_open("runs")
            await until(pilot, shows(app, words, in_full))
            assert "running" not in text_of(app)


def test_a_run_that_was_answered_is_running_again(db: sqlite3.Connection, workspace: Path) -> None:
    run = past_runs.write_run(db, "tune it", STEP, status="running", asked=["s1"]).run.id
    with lease(Workspace(workspace).run_dir(run), f"run {run}"):
        [waiting] = as_they_stand(db, Workspace(workspace), [Runs(db).get(run)])
        told(db, run, (1, "approval.given", '{"by": "user", "allow": ["s1"]}'))
        [running] = as_they_stand(db, Workspace(workspace), [Runs(db).get(run)])
    assert (waiting.status, running.status) == ("waiting", "running")


def test_a_run_that_another_process_has_waiting_is_not_offered_to_go_on_with(db: sqlite3.Connection, workspace: Path) -> None:
    past = past_runs.write_run(db, "tune it", STEP, status="running", asked=["s1"])
    conversation = Conversation(Agent(workspace), db, "s")
    kept = conversation._sessions
    kept.started("s", kept.begin("s", "tune it", "request", {}), past.run.id)
    with lease(Workspace(workspace).run_dir(past.run.id), "it"):
        assert conversation.unfinished() is None
    assert conversation.unfinished() is not None


def test_what_it_worked_is_without_the_time_in_which_it_waited(db: sqlite3.Connection) -> None:
    run = Runs(db).create("tune it", {})
    told(
        db,
        run,
        *((0, "run.started", "{}"), (2, "question.asked", '{"question": "Which?"}'), (100, "question.answered", '{"answer": "a"}')),
        *((103, "approval.asked", '{"steps": ["s1"]}'), (500, "approval.given", '{"allow": ["s1"]}'), (501, "tool.started", "{}")),
        *((511, "budget.changed", '{"reached": "seconds"}'), (900, "budget.changed", '{"limits": {"seconds": 9}}')),
        *((904, "run.ended", '{"status": "waiting"}'), (2000, "run.resumed", "{}"), (2005, "tool.finished", "{}")),
    )
    assert worked_seconds(db, run) == 2 + 3 + 1 + 10 + 4 + 5
    assert waited_seconds(db, run) == 98 + 397 + 389 + 1096
    Runs(db).update(run, status="done", spent={"steps": 1, "seconds": 25.0})
    assert Past.of(db, run).waited_seconds == 1980


@pytest.mark.asyncio
async def test_both_times_are_told_with_their_names(make_app: Make, db: sqlite3.Connection) -> None:
    run = past_runs.write_run(db, "tune it", past_runs.finetune(Path.cwd())).run.id
    asked = next_seq(db, run)
    told(db, run, (0, "approval.asked", '{"steps": ["s1"]}'), (240, "approval.given", '{"allow": ["s1"]}'))
    assert next_seq(db, run) == asked + 2
    app = make_app([])
    async with app.run_test(size=(120, 40)) as pilot:
        await app.action_open("runs")
        await until(pilot, shows(app, "1:15 min", "worked 1:15 min, waited 4:00 min for you"))


@pytest.mark.asyncio
async def test_going_on_with_the_run_that_waits_here_goes_to_its_card(
    make_app: Make, heard: Heard, db: sqlite3.Connection, workspace: Path
) -> None:
    run = past_runs.write_run(db, lines.REQUEST, STEP, status="waiting", asked=["s1"]).run.id
    teller = lines.Teller()
    begun = [{"event": {**line["event"], "run": run}} for line in lines.begin(teller)]
    app = make_app([*begun, lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await app.action_open("runs")
        await until(pilot, shows(app, run, "waiting for a yes"))
        await pilot.press("u")
        await until(pilot, lambda: app.screen is app.chat and app.chat.plan_card and app.chat.plan_card.has_focus_within)
        assert len(heard()) == 1, "nothing was asked of the worker"
        assert not app.turns.anything_waits


@pytest.mark.asyncio
async def test_going_on_with_a_run_that_another_process_has_is_refused_in_words(
    make_app: Make, heard: Heard, db: sqlite3.Connection, workspace: Path
) -> None:
    run = past_runs.write_run(db, "tune it", STEP, status="running", asked=["s1"]).run.id
    app = make_app([])
    with lease(Workspace(workspace).run_dir(run), f"run {run}"):
        async with app.run_test(notifications=True, size=(120, 50)) as pilot:
            await until(pilot, lambda: app.turns.ready)
            await app.action_open("runs")
            await until(pilot, shows(app, run, "waiting for a yes"))
            await pilot.press("u")
            await until(pilot, shows(app, f"{run} is at work in another process"))
            assert app.screen is not app.chat
            assert not app.turns.anything_waits
