"""A turn whose end nobody wrote is told by its run: still at work, cut off, or how it ended after all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelwright.agent.conversation import Conversation
from modelwright.agent.lease import lease
from modelwright.agent.runs import Runs
from modelwright.agent.session import Agent
from modelwright.agent.session_text import outcome
from modelwright.agent.sessions import Sessions, Turn
from modelwright.agent.turn_ends import as_they_ended
from modelwright.cli.main import cli
from modelwright.workspace import Workspace
from tests.agent import past_runs


@pytest.fixture
def db(workspace: Path) -> Iterator[sqlite3.Connection]:
    with closing(Workspace(workspace).connect()) as opened:
        yield opened


def a_turn(db: sqlite3.Connection, run: str) -> None:
    """A turn that began this run, and whose process said nothing more."""
    kept = Sessions(db)
    kept.started("s", kept.begin("s", "tune it", "request", {}), run)


def ended(db: sqlite3.Connection, workspace: Path) -> Turn:
    return as_they_ended(db, Workspace(workspace), Sessions(db).turns("s"))[-1]


def test_a_run_that_ended_well_after_its_turn_was_cut_is_told_with_what_came_out(db: sqlite3.Connection, workspace: Path) -> None:
    run = past_runs.write_run(db, "tune it", past_runs.finetune(workspace)).run.id
    a_turn(db, run)
    assert outcome(Sessions(db).turns("s")[-1]) == "cut off", "all that the turn itself knows"
    turn = ended(db, workspace)
    assert outcome(turn).splitlines() == ["s1 finetune: finetune was run", f"run {run}: done and verified (1 step, 1:15 min, 120 tokens)"]
    assert turn.exit_code == 0


def test_a_run_that_a_living_process_holds_is_at_work_and_is_not_offered_to_go_on_with(db: sqlite3.Connection, workspace: Path) -> None:
    run = past_runs.write_run(db, "tune it", ("finetune", {"model": "builtin"}, None), status="running", started="s1").run.id
    a_turn(db, run)
    conversation = Conversation(Agent(workspace), db, "s")
    with lease(Workspace(workspace).run_dir(run), f"run {run}"):
        assert outcome(ended(db, workspace)) == f"run {run} is at work"
        assert conversation.unfinished() is None
    assert outcome(ended(db, workspace)) == f"run {run} was cut off at s1 finetune"
    left = conversation.unfinished()
    assert left is not None
    assert left.run.id == run


def test_what_a_turn_said_itself_stays_as_it_is(db: sqlite3.Connection, workspace: Path) -> None:
    run = past_runs.write_run(db, "tune it", past_runs.finetune(workspace)).run.id
    a_turn(db, run)
    Sessions(db).end("s", 1, "it was stopped", 130)
    assert ended(db, workspace) == Sessions(db).turns("s")[-1]


def test_a_run_whose_rows_are_gone_was_cut_off(db: sqlite3.Connection, workspace: Path) -> None:
    a_turn(db, Runs(db).create("tune it", {}))
    db.execute("delete from runs")
    assert outcome(ended(db, workspace)) == "cut off"


def test_the_command_that_shows_a_session_tells_the_real_end_too(db: sqlite3.Connection, workspace: Path) -> None:
    a_turn(db, past_runs.write_run(db, "tune it", past_runs.finetune(workspace)).run.id)
    for command in ("show", "export"):
        said = CliRunner().invoke(cli, ["sessions", command, "s"]).stdout
        assert "done and verified" in said
        assert "cut off" not in said
