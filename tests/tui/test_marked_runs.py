"""The list of runs: which one is marked is said; and a question that nobody wanted is not told as both dropped and open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.screens.runs import RunsScreen
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


async def test_a_mark_says_where_it_goes_and_why_the_marked_run_is_not_compared_with_itself(make_app: Make, workspace: Path) -> None:
    with closing(Workspace(workspace).connect()) as db:
        for _ in range(2):
            past_runs.write_run(db, "tune it", past_runs.finetune(workspace))
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f2")
        await until(pilot, shows(app, "tune it", "m marks one to compare"))
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        await pilot.press("m", "equals_sign")
        await until(pilot, shows(app, "is the one that is marked: go to another run"))
        first = screen.marked
        await pilot.press("down", "m")
        await until(pilot, shows(app, f"{first} is marked no more"))
        assert screen.marked not in (first, "")
        await pilot.press("m")
        await until(pilot, lambda: screen.marked == "")


async def test_a_question_that_was_not_wanted_is_left_and_not_dropped(make_app: Make) -> None:
    told = "the question is dropped; it can still be answered: modelwright resume r261122-k7f2 --answer …"
    left = {**lines.result(), "status": "denied", "steps": [], "error": {"type": "Rejected", "message": told, "fix": ""}}
    app = make_app([{"done": {"kind": "request", "exit_code": 4, "answer": "", "result": left}}])
    async with app.run_test(size=(120, 30)) as pilot:
        await ask(pilot, "never mind")
        await until(pilot, shows(app, "· left without an answer", "nothing was done; the question can still be answered"))
        assert "rejected by you" not in text_of(app)
        assert "dropped" not in text_of(app)
