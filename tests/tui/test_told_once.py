"""What came of a run is told once: its result takes the place of the part that moved. And letters that no card takes are heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.chart import Chart
from modelwright.tui.widgets.live import LiveCard
from modelwright.tui.widgets.results import ResultCard
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


def a_run() -> list[Json]:
    teller = lines.Teller()
    said = [*lines.begin(teller), *lines.training(teller), *lines.finish(teller)]
    said[-1]["done"]["peaks"] = {"s1": 2_600_000_000}
    said[-1]["done"]["result"]["steps"][0]["checks"] = [{"name": "loss fell", "passed": True, "detail": ""}]
    return said


async def test_a_result_takes_the_place_of_the_live_part_with_all_that_it_told(make_app: Make) -> None:
    app = make_app(a_run())
    async with app.run_test(size=(110, 90)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "✓ done and verified", "finetune: loss: 2.428 at first"))
        assert len(app.chat.query(LiveCard)) == 0
        shown = text_of(app)
        for told in ("LoRA of builtin, 40 steps, loss 2.40 to 0.71", "tuned is better than builtin on rubric: +0.543", "3:06 min"):
            assert shown.count(told) == 1, told
        assert "3:06 min · peak 2.6 GB · 1 of 1 check" in shown
        assert len(app.chat.query_one(ResultCard).query(Chart)) == 1


async def test_letters_that_a_card_does_not_take_begin_a_line_at_the_prompt(make_app: Make) -> None:
    app = make_app(a_run())
    async with app.run_test(size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "✓ done and verified"))
        await pilot.press("ctrl+g")
        assert isinstance(app.focused, ResultCard)
        await pilot.press(*"why?")
        assert app.chat.composer.text == "why?"
        assert app.chat.at_prompt


async def test_keys_that_a_card_takes_are_still_its_own(make_app: Make) -> None:
    app = make_app(a_run())
    async with app.run_test(size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "✓ done and verified"))
        await pilot.press("ctrl+g", "g")
        await until(pilot, shows(app, "Do this again with"))
        await pilot.press("escape")
        assert app.chat.composer.text == ""


async def test_a_letter_that_a_waiting_plan_does_not_take_answers_nothing(make_app: Make) -> None:
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}])
    async with app.run_test(size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "y")
        assert app.chat.composer.text == "y"
        assert app.turns.pending is not None
