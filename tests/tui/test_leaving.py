"""Leaving and coming back: what the shell is told of the run, which session opens, and what is asked before anything is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from modelwright.agent.lease import lease
from modelwright.agent.sessions import Sessions
from modelwright.cli import main as command_line
from modelwright.tui import app as app_module
from modelwright.tui.app import Modelwright
from modelwright.tui.data import session_to_open
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
STEP = ("finetune", {"model": "builtin", "dataset": "train.jsonl"}, None)
LATER = "what is in eval.jsonl?"


def asked() -> list[Json]:
    return [*lines.begin(lines.Teller()), lines.pending(), {"wait": True}]


def said_in(workspace: Path, session: str, status: str) -> str:
    """A session with one run; the id of the run."""
    with closing(Workspace(workspace).connect()) as db:
        run = past_runs.write_run(db, "tune it", STEP, status=status).run.id
        kept = Sessions(db)
        kept.started(session, kept.begin(session, "tune it", "request", {}), run)
    return run


@pytest.mark.asyncio
async def test_a_run_that_waits_is_named_with_the_way_back(make_app: Make) -> None:
    app = make_app(asked())
    async with app.run_test(size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.left == f"run {lines.RUN} waits for you; `modelwright` or `modelwright chat --session larkfield` opens it again"


@pytest.mark.asyncio
@pytest.mark.parametrize(("keys", "told"), [(["enter"], "goes on; `modelwright` or"), (["p", "a", "u", "enter"], "was paused;")])
async def test_a_run_at_work_is_named_with_what_becomes_of_it(make_app: Make, keys: list[str], told: str) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), *lines.training(teller, 40, 5), {"wait": True}])
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.view.steps and app.view.steps["s1"].at == 5)
        await pilot.press("ctrl+q")
        await until(pilot, shows(app, "A run is at work", "the run goes on without the app"))
        await pilot.press(*keys)
        await until(pilot, lambda: not app.is_running)
    assert app.left.startswith(f"run {lines.RUN} {told}")


@pytest.mark.asyncio
async def test_nothing_is_told_where_no_run_is_left(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.left == ""


@pytest.mark.asyncio
async def test_what_is_queued_is_not_lost_without_a_warning(make_app: Make) -> None:
    app = make_app(asked())
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        app.turns.do({"do": "say", "text": LATER}, LATER)
        await pilot.press("ctrl+q")
        await until(pilot, shows(app, "Leave? what is queued is lost", "back to the app"))
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running
        app.action_new()
        await until(pilot, shows(app, "what is queued here would be lost"))
        assert app.session == "larkfield"


@pytest.mark.asyncio
async def test_a_session_whose_run_waits_can_be_left_for_another_one(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app(asked())
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        first = app.turns.link.pid
        app.change_session("other")
        await until(pilot, lambda: app.turns.ready and app.turns.link.pid not in (None, first))
        assert app.turns.pending is None
        assert app.chat.waiting is None
        assert "Allow s1" not in text_of(app)
        await until(pilot, lambda: heard()[1:2] == [None], "it hears the end of its input, and no answer")


@pytest.mark.parametrize(("status", "opens"), [("waiting", True), ("done", False), ("interrupted", False)])
def test_the_session_whose_run_waits_is_opened(workspace: Path, status: str, opens: bool) -> None:
    said_in(workspace, "first", status)
    said_in(workspace, "newest", "done")
    assert session_to_open(workspace) == ("first" if opens else None)


def test_the_session_whose_run_works_is_opened_and_one_whose_run_was_cut_off(workspace: Path) -> None:
    run = said_in(workspace, "first", "running")
    assert session_to_open(workspace) == "first"  # to be gone on with
    cut = said_in(workspace, "second", "running")
    assert session_to_open(workspace) == "second"  # the newest
    with lease(Workspace(workspace).run_dir(run), f"run {run}"):
        assert session_to_open(workspace) == "first"
    assert cut != run


def test_a_folder_where_nothing_was_said_opens_none(workspace: Path) -> None:
    assert session_to_open(workspace) is None
    assert not (workspace / ".modelwright").exists()


def test_the_shell_is_told_last(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    said_in(workspace, "first", "waiting")
    opened: list[str] = []

    def run(self: Modelwright) -> None:
        opened.append(self.session)
        self.left = "run r1 waits for you"

    monkeypatch.setattr(Modelwright, "run", run)
    app_module.main()
    assert opened == ["first"]
    assert capsys.readouterr().err == "run r1 waits for you\n"


def test_without_a_command_the_app_is_opened_and_no_help_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("modelwright.cli.chat.has_terminal_ui", lambda: True)
    monkeypatch.setattr(app_module, "main", opened.append)

    class Terminal:
        """Both ends are a terminal."""

        @staticmethod
        def isatty() -> bool:
            return True

    class Ends:
        stdin = stdout = Terminal
        argv = sys.argv

    monkeypatch.setattr(command_line, "sys", Ends)
    done = CliRunner().invoke(command_line.cli, [])
    assert opened == [""]
    assert done.output == ""
