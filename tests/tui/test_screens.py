"""Runs, traces, memory, tools, policy, models, doctor and sessions, on real runs of the workspace's database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.widgets import Input

from modelwright.agent.memory_view import MemoryView
from modelwright.agent.runs import Runs
from modelwright.agent.sessions import Sessions
from modelwright.config import load
from modelwright.tui.app import Modelwright
from modelwright.tui.commands import COMMANDS
from modelwright.tui.screens.registry import SCREENS, make
from modelwright.tui.screens.table import TableScreen
from modelwright.tui.screens.trace import TraceScreen
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui.waiting import ask, shows, text_of, until

Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


@pytest.fixture
def runs(workspace: Path) -> list[str]:
    """Two runs and a session, as they are left behind."""
    db = Workspace(workspace).connect()
    made = [
        past_runs.write_run(db, "fine-tune [red]it", past_runs.finetune(workspace)).run.id,
        past_runs.write_run(db, "make it small", past_runs.quantize(workspace, model="builtin", types=["Q8_0"])).run.id,
    ]
    kept = Sessions(db)
    kept.end("older", kept.begin("older", "what is in train.jsonl?", "request", {"things": []}), "four rows", 0)
    db.close()
    return made


def table(app: Any) -> TableScreen:
    found = app.screen
    assert isinstance(found, TableScreen)
    return found


async def test_runs_are_filtered_looked_into_and_compared(make_app: Make, runs: list[str]) -> None:
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await pilot.press("f2")
        await until(pilot, shows(app, "fine-tune [red]it", "make it small"))
        await pilot.press("m", "down", "equals_sign")
        await until(pilot, shows(app, "(a) and", "request"))
        await pilot.press("escape", "slash", *"small")
        await until(pilot, lambda: len(table(app).shown) == 1)
        await until(pilot, shows(app, "s1 quantize", "types = Q8_0"))


async def test_a_trace_is_replayed_step_by_step(make_app: Make, runs: list[str]) -> None:
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await app.push_screen(TraceScreen(app.root, runs[0]))
        await until(pilot, shows(app, "plan.proposed", "tool.started"))
        await until(pilot, shows(app, "· s1 finetune pending"))
        await pilot.press("j", "j")
        await until(pilot, shows(app, "▶ s1 finetune running"))
        await pilot.press("k", "k")
        await until(pilot, shows(app, "· s1 finetune pending"))


async def test_a_memory_shows_where_it_came_from_and_is_forgotten_after_a_yes(make_app: Make, workspace: Path) -> None:
    Workspace(workspace).connect().close()
    with MemoryView.opened(Workspace(workspace), load(workspace), print) as view:
        view.state("model", "tuned.gguf")
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await pilot.press("f5")
        await until(pilot, shows(app, "tuned.gguf", "user"))
        await pilot.press("x")
        await until(pilot, shows(app, "Forget "))
        await pilot.press("y")
        await until(pilot, lambda: table(app).rows == [])


async def test_a_tool_is_called_by_a_form(make_app: Make, heard: Callable[[], list[dict[str, Any]]], workspace: Path) -> None:
    (workspace / "eval.jsonl").write_text("{}\n", encoding="utf-8")
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f4", "slash", *"inspect", "enter")
        await until(pilot, lambda: [row.key for row in table(app).shown] == ["inspect_dataset"])
        await until(pilot, shows(app, "effects: reads files"))
        await pilot.press("c")
        await until(pilot, shows(app, "no file data/train.jsonl"))
        app.screen.query_one("#f-dataset", Input).value = "eval.jsonl"
        await until(pilot, shows(app, "this checks"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: heard()[0]["tool"] == "inspect_dataset" and heard()[0]["args"]["dataset"] == "eval.jsonl")


async def test_a_policy_is_shown_and_past_calls_are_decided_again(make_app: Make, runs: list[str]) -> None:
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await pilot.press("f8")
        await until(pilot, shows(app, "models-and-data-made", "secrets-not-read"))
        await pilot.press("s")
        await until(pilot, shows(app, "Under which policy file?"))
        await pilot.press("enter")
        await until(pilot, shows(app, "2 calls: 2 ask", runs[0]))


async def test_models_and_doctor_say_what_is_there(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await pilot.press("f9")
        await until(pilot, shows(app, "builtin", "plans", "price"))
        await app.action_open("doctor")
        await until(pilot, shows(app, "python", "memory"))


async def test_a_session_is_found_by_what_was_said_resumed_and_exported(make_app: Make, runs: list[str], workspace: Path) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("ctrl+o")
        await until(pilot, shows(app, "older", "what is in train.jsonl?"))
        await pilot.press("slash", *"four rows", "enter")
        await until(pilot, lambda: [row.key for row in table(app).shown] == ["older"])
        await pilot.press("e")
        await until(pilot, (workspace / "session-older.md").is_file)
        await pilot.press("enter")
        await until(pilot, lambda: app.session == "older" and app.turns.ready)
        await until(pilot, shows(app, "> what is in train.jsonl?", "four rows"))


async def test_the_help_names_every_command_and_every_key_of_every_screen(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 140)) as pilot:
        await pilot.press("f1")
        await until(pilot, shows(app, "/runs", "/doctor", "for run"))
        page = text_of(app)
        for name in SCREENS:
            for binding in make(name, app).BINDINGS:
                assert not isinstance(binding, Binding) or binding.key == "escape" or binding.description in page, f"{name}: {binding}"
        assert all(command.name in page for command in COMMANDS)


async def test_the_result_of_a_past_run_is_opened_and_its_request_is_said_again_changed(make_app: Make, workspace: Path) -> None:
    db = Workspace(workspace).connect()
    samples = [{"prompt": "p?", "before": "no", "after": "yes"}]
    tool, args, result = past_runs.finetune(workspace)
    past_runs.write_run(db, "fine-tune it", (tool, args, {**result, "losses": [2.0, 1.5, 1.0], "samples": samples}))
    db.close()
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f2")
        await until(pilot, shows(app, "fine-tune it"))
        await pilot.press("enter")
        await until(pilot, shows(app, "done and verified", "‹no›", "‹yes›", "finetune: loss: 2 at first, 1 at last", "adapter, 9.8 MB"))
        await pilot.press("g")
        await until(pilot, lambda: app.chat.composer.text == "fine-tune it")


async def test_a_new_conversation_is_begun_by_name_and_a_wrong_name_is_told(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        app.chat.composer.put("/new a/b")
        await pilot.press("enter")
        await until(pilot, shows(app, "cannot name a session"))
        app.chat.composer.put("/new other")
        await pilot.press("enter")
        await until(pilot, lambda: app.session == "other" and app.turns.ready)
        await until(pilot, shows(app, "session other"))


async def test_a_log_without_a_line_says_so(make_app: Make, workspace: Path) -> None:
    log = workspace / ".modelwright" / "jobs" / "k" / "1-finetune" / "log.txt"
    log.parent.mkdir(parents=True)
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3", "l")
        await until(pilot, shows(app, "has written anything yet"))
        log.write_text("")
        await pilot.press("l", "l")
        await until(pilot, shows(app, "has written anything yet"))


async def test_a_run_that_a_person_ended_is_not_called_denied(make_app: Make, workspace: Path) -> None:
    db = Workspace(workspace).connect()
    run = past_runs.write_run(db, "make it small", ("quantize", {"model": "builtin"}, None), status="denied").run.id
    Runs(db).update(run, error={"type": "Rejected", "message": "s1 was rejected: cancelled", "fix": ""})
    db.close()
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        await until(pilot, shows(app, "make it small", "· cancelled"))
        assert "denied" not in text_of(app)


async def test_an_empty_conversation_says_what_one_can_say_until_something_is_said(make_app: Make) -> None:
    app = make_app([{"done": {"kind": "answer", "exit_code": 0, "answer": "this", "result": None, "args": {}, "peaks": {}}}])
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, shows(app, "Say what you want, for example", "what can you do?"))
        await ask(pilot, "help")
        await until(pilot, shows(app, "> help", "this"))
        assert "for example" not in text_of(app)
