"""A card that is longer than the screen: what is asked tells its arguments too, and the highlighted row stays in view."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.asked import Asked
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


def both_ask() -> list[Json]:
    asked = copy.deepcopy(lines.pending())
    calls = asked["pending"]["calls"]
    calls.append({**lines.STEPS[1], "estimate": lines.SHORT, "decision": "ask", "rule": "r", "effects": ["computes"], "call": "d" * 32})
    return [*lines.begin(lines.Teller()), asked, {"wait": True}]


async def test_what_is_asked_tells_the_arguments_of_each_step_on_a_line(make_app: Make) -> None:
    app = make_app(both_ask())
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow 2 steps, s1 finetune and s2 compare?"))
        await until(pilot, lambda: "looking at what" not in text_of(app))
        told = str(app.chat.query_one(Asked).content).splitlines()
        assert told[1:3] == ["  s1 model=builtin, dataset=train.jsonl, lora_rank=8", "  s2 dataset=eval.jsonl, models=builtin, $s1.model"]


async def test_the_arguments_of_one_step_are_told_in_view_on_one_line(make_app: Make) -> None:
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}])
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?", "  model=builtin, dataset=train.jsonl, lora_rank=8"))


async def test_the_highlighted_row_is_in_view(make_app: Make) -> None:
    app = make_app(both_ask())
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Reject"))
        await until(pilot, lambda: "looking at what" not in text_of(app))
        await pilot.press("ctrl+g")
        await until(pilot, shows(app, "Reject [x]"))
        card = app.chat.plan_card
        assert card is not None
        for key in ("down", "down", "up", "up"):
            await pilot.press(key)
            row = 1 + card.table.cursor_row
            await until(pilot, lambda row=row: app.chat.talk.region.contains(card.table.region.x, card.table.region.y + row))


async def test_the_row_of_totals_is_no_step_to_remove(make_app: Make) -> None:
    app = make_app(both_ask())
    async with app.run_test(size=(120, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Reject"))
        await pilot.press("ctrl+g")
        card = app.chat.plan_card
        assert card is not None
        assert card.check_action("remove", ())
        card.table.move_cursor(row=2)
        await until(pilot, lambda: not card.check_action("remove", ()))


async def test_a_low_terminal_shows_the_plan_with_what_is_asked(make_app: Make) -> None:
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}])
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: "looking at what" not in text_of(app))
        await until(pilot, shows(app, "Plan · run", "s1    finetune", "lora_rank = 8", "Allow s1 finetune?", "Reject"))
