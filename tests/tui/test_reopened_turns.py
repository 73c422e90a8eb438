"""The older turns of a session that is opened again: each with its plan, how it ended, and what came out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.runs import Runs
from modelwright.agent.sessions import Sessions
from modelwright.agent.trace import TraceWriter, next_seq
from modelwright.events import Emitter, EventType
from modelwright.tui import data
from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.plan_card import PlanCard
from modelwright.tui.widgets.results import ResultCard
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui.waiting import shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
SESSION = "larkfield"
STEP = ("finetune", {"model": "builtin", "dataset": "train.jsonl"}, None)


@pytest.fixture
def db(workspace: Path) -> Iterator[sqlite3.Connection]:
    with closing(Workspace(workspace).connect()) as opened:
        yield opened


def a_turn(db: sqlite3.Connection, request: str, run: str | None, answer: str = "") -> None:
    kept = Sessions(db)
    number = kept.begin(SESSION, request, "request", {"things": []})
    if run:
        kept.started(SESSION, number, run)
    kept.end(SESSION, number, answer, 0)


def rejected(db: sqlite3.Connection, reason: str) -> str:
    error = {"type": "Rejected", "message": f"s1 was rejected: {reason}", "fix": ""}
    run = past_runs.write_run(db, "tune it", STEP, status="denied", asked=["s1"], rejected="s1").run.id
    Runs(db).update(run, error=error, spent={"steps": 0, "seconds": 0.2})
    return run


def measured() -> tuple[str, Json, Json]:
    return past_runs.compare("a.gguf", "b.gguf", (past_runs.score(0.3, 0.2, 0.4), past_runs.score(0.8, 0.7, 0.9)), "better")


@pytest.mark.asyncio
async def test_older_turns_have_their_plan_their_state_and_their_result(make_app: Make, db: sqlite3.Connection) -> None:
    first = past_runs.write_run(db, "compare a.gguf with b.gguf on eval.jsonl", measured()).run.id
    a_turn(db, "compare a.gguf with b.gguf on eval.jsonl", first, "s1 compare: b is better")
    a_turn(db, "why?", None, "because it scored more")
    a_turn(db, "tune it", rejected(db, "too long"), "error: s1 was rejected: too long")
    last = past_runs.write_run(db, "tune it", past_runs.finetune(Path.cwd())).run.id
    a_turn(db, "tune it", last, "s1 finetune: done")
    app = make_app([])
    async with app.run_test(size=(110, 120)) as pilot:
        await until(pilot, lambda: len(app.chat.query(ResultCard)) == 3)
        await until(pilot, shows(app, f"Plan · run {first}", "above zero is better", "because it scored more", f"Plan · run {last}"))
        shown = text_of(app)
        assert shown.index(f"Plan · run {first}") < shown.index("because it scored more") < shown.index(f"Plan · run {last}")
        assert "s1 compare: b is better" not in shown, "told by its card, and not again in words"
        cards = app.chat.query(PlanCard)
        assert len(cards) == 3
        assert not any(card.check_action(action, ()) for card in cards for action in ("allow", "reject", "edit_step", "remove"))


@pytest.mark.asyncio
async def test_a_rejection_is_shown_as_one_and_not_as_an_error(make_app: Make, db: sqlite3.Connection) -> None:
    a_turn(db, "tune it", rejected(db, "too long"), "error: s1 was rejected: too long")
    a_turn(db, "help", None, "say what you want")
    app = make_app([])
    async with app.run_test(size=(110, 60)) as pilot:
        await until(pilot, shows(app, "· rejected by you", "s1 was rejected: too long", "✗ rejected", "say what you want"))
        assert "error" not in text_of(app)
        assert "✗ s1 was rejected" not in text_of(app)
        assert "not allowed" not in text_of(app)


@pytest.mark.asyncio
async def test_a_run_of_several_turns_has_one_plan_and_one_result(make_app: Make, db: sqlite3.Connection) -> None:
    run = past_runs.write_run(db, "compare a.gguf with b.gguf on eval.jsonl", measured()).run.id
    a_turn(db, "compare a.gguf with b.gguf on eval.jsonl", run, "stopped")
    a_turn(db, "go on", run, "s1 compare: b is better")
    a_turn(db, "help", None, "say what you want")
    app = make_app([])
    async with app.run_test(size=(110, 80)) as pilot:
        await until(pilot, shows(app, "> go on", "✓ done and verified", "say what you want"))
        assert (len(app.chat.query(PlanCard)), len(app.chat.query(ResultCard))) == (1, 1)
        shown = text_of(app)
        assert shown.index("Plan · run") < shown.index("> go on") < shown.index("✓ done and verified")


def test_very_old_turns_are_told_in_words(workspace: Path, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MOST_WHOLE", 1)
    for n in range(2):
        a_turn(db, f"compare {n}", past_runs.write_run(db, f"compare {n}", measured()).run.id, f"answer {n}")
    old, new = data.past_turns(workspace, SESSION)
    assert (old.outcome, old.view, old.result) == ("answer 0", None, None)
    assert new.view is not None
    assert new.result is not None


@pytest.mark.asyncio
async def test_words_that_changed_the_plan_stand_between_it_and_its_result(make_app: Make, db: sqlite3.Connection) -> None:
    run = past_runs.write_run(db, "compare a.gguf with b.gguf on eval.jsonl", measured()).run.id
    told = {"by": "user", "edit": {"s1": {"dataset": "dev.jsonl"}}, "said": "no, on dev.jsonl"}
    emitter = Emitter(run, [TraceWriter(db)], first_seq=next_seq(db, run))
    emitter.emit(EventType.APPROVAL_GIVEN, None, **told)
    a_turn(db, "compare a.gguf with b.gguf on eval.jsonl", run, "s1 compare: b is better")
    app = make_app([])
    async with app.run_test(size=(110, 80)) as pilot:
        await until(pilot, shows(app, "> no, on dev.jsonl", "✓ done and verified"))
        shown = text_of(app)
        assert shown.index("Plan · run") < shown.index("> no, on dev.jsonl") < shown.index("✓ done and verified")
        assert len(app.chat.query(ResultCard)) == 1


def test_words_stand_where_they_were_said_also_in_turns_that_are_told_in_words(
    workspace: Path, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = past_runs.write_run(db, "tune it", STEP, status="done").run.id
    emitter = Emitter(run, [TraceWriter(db)], first_seq=next_seq(db, run))
    for request, words in (("tune it", "no, rank 32"), ("go on", "only 2 epochs")):
        a_turn(db, request, run, "approval needed")
        emitter.emit(EventType.APPROVAL_GIVEN, None, by="user", edit={"s1": {"lora_rank": 32}}, said=words)
    a_turn(db, "help", None, "say what you want")
    for whole in (8, 1):
        monkeypatch.setattr(data, "MOST_WHOLE", whole)
        assert [turn.request for turn in data.past_turns(workspace, SESSION)] == [
            "tune it",
            "no, rank 32",
            "go on",
            "only 2 epochs",
            "help",
        ]


def test_what_a_waiting_run_asks_is_not_told_above_its_card(workspace: Path, db: sqlite3.Connection) -> None:
    run = past_runs.write_run(db, "tune it", STEP, status="waiting", asked=["s1"]).run.id
    a_turn(db, "tune it", run, "approval needed: s1 finetune")
    [turn] = data.past_turns(workspace, SESSION)
    assert (turn.request, turn.outcome, turn.view) == ("tune it", "", None)
