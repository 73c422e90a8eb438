"""What was looked at stays in view when the terminal gets another size, and the end of what is written comes into view."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.agent.sessions import Sessions
from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.results import ResultCard
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio
LONG = "what shall it say of the delivery, of the returns, and of all that is written on the other pages of the shop? " * 3


@pytest.fixture
def long_past(workspace: Path) -> Iterator[sqlite3.Connection]:
    """A conversation of six runs, whose cards need far more lines where it is narrow."""
    tool, args, result = past_runs.finetune(workspace)
    pair = lines.result()["steps"][1]["result"]["samples"][0]
    samples = [{"prompt": pair["prompt"], "before": pair["answers"]["builtin"], "after": pair["answers"]["tuned"]}]
    with closing(Workspace(workspace).connect()) as db:
        kept = Sessions(db)
        for n in range(6):
            words = f"tune it, time {n}, {LONG}"
            run = past_runs.write_run(db, words, (tool, args, {**result, "losses": [2.0, 1.0], "samples": samples})).run.id
            number = kept.begin("larkfield", words, "request", {})
            kept.started("larkfield", number, run)
            kept.end("larkfield", number, "s1 finetune: done", 0)
        yield db


async def resized(pilot: Pilot[Any], app: Modelwright, size: tuple[int, int]) -> None:
    await pilot.resize_terminal(*size)
    await until(pilot, lambda: app.chat.talk.size.width <= size[0] and app.chat.talk._settling is None)


@pytest.mark.parametrize("sizes", [((200, 50), (100, 30)), ((100, 30), (60, 20)), ((100, 30), (200, 50))])
async def test_at_the_end_a_terminal_of_another_size_still_shows_the_end(
    make_app: Make, long_past: sqlite3.Connection, sizes: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    app = make_app([{"done": {"kind": "answer", "exit_code": 0, "answer": "that is all of it", "result": None}}])
    async with app.run_test(size=sizes[0]) as pilot:
        await until(pilot, lambda: len(app.chat.query(ResultCard)) == 6)
        await ask(pilot, "is that all?")
        await until(pilot, shows(app, "> is that all?", "that is all of it"))
        await resized(pilot, app, sizes[1])
        await until(pilot, shows(app, "> is that all?", "that is all of it"))
        assert app.chat.talk.scroll_y >= app.chat.talk.max_scroll_y


async def test_the_newest_result_that_was_shown_from_its_beginning_stays_so(make_app: Make, long_past: sqlite3.Connection) -> None:
    app = make_app([])
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: len(app.chat.query(ResultCard)) == 6)
        talk = app.chat.talk
        await until(pilot, lambda: round(talk.scroll_y) == talk.children[-1].virtual_region.y)
        await resized(pilot, app, (80, 20))
        assert round(talk.scroll_y) == talk.children[-1].virtual_region.y


async def test_what_is_read_stays_in_view_when_a_card_above_it_gets_longer(make_app: Make, long_past: sqlite3.Connection) -> None:
    """Samples find out their heights one after the other, those of the newest not always last."""
    app = make_app([])
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: len(app.chat.query(ResultCard)) == 6)
        talk = app.chat.talk
        newest = talk.children[-1]
        await until(pilot, lambda: round(talk.scroll_y) == newest.virtual_region.y)
        before, above = newest.virtual_region.y, talk.query(ResultCard)[1]
        above.styles.height = above.outer_size.height + 7
        await until(pilot, lambda: newest.virtual_region.y == before + 7 and round(talk.scroll_y) == before + 7)


async def test_who_reads_above_still_reads_there(make_app: Make, long_past: sqlite3.Connection) -> None:
    app = make_app([])
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: len(app.chat.query(ResultCard)) == 6)
        talk = app.chat.talk
        third = talk.query(ResultCard)[2]
        talk.scroll_to(y=third.virtual_region.y, animate=False, immediate=True, force=True)
        await pilot.pause()
        await resized(pilot, app, (80, 24))
        assert round(talk.scroll_y) == third.virtual_region.y


@pytest.mark.parametrize("size", [(80, 24), (100, 30)])
async def test_the_end_of_an_answer_about_a_plan_is_in_view(make_app: Make, size: tuple[int, int]) -> None:
    said = copy.deepcopy(lines.pending())
    why = "s1 finetune asks because of rule models-and-data-made\n" + "\n".join(
        f"  value {n} is from the session: it was so" for n in range(9)
    )
    said["pending"]["said"] = {"text": "why rank 8?", "means": "question", "why": f"{why}\n  and that is the last of it"}
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}, said, {"wait": True}])
    async with app.run_test(notifications=True, size=size) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "waits for your answer"))
        await until(pilot, lambda: "looking at what" not in text_of(app))
        app.chat.composer.put("why rank 8?")
        await pilot.press("enter")
        await until(pilot, shows(app, "and that is the last of it"))
        await pilot.pause(0.3)
        assert "and that is the last of it" in text_of(app)
