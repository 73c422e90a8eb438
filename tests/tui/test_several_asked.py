"""A plan of which two steps ask: the card counts them, lists them, and a yes is for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.asked import Asked
from modelwright.tui.widgets.plan_card import PlanCard
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio
RULE = "models-and-data-made"


def two_ask() -> list[Json]:
    """The plan of the other tests, where s2 asks as well."""
    begin, asked = lines.begin(lines.Teller()), lines.pending()
    begin[3]["event"]["data"].update(decision="ask", rule=RULE)
    begin[4]["event"]["data"]["steps"] = ["s1", "s2"]
    effects = ["computes", "reads_files", "writes_files"]
    second = {**lines.STEPS[1], "estimate": lines.SHORT, "decision": "ask", "rule": RULE, "effects": effects, "call": "d" * 32}
    asked["pending"]["calls"].append(second)
    return [*begin, asked, {"wait": True}]


def told(app: Modelwright) -> str:
    """What the card asks, as it stands on the screen."""
    region = app.chat.query_one(Asked).region
    return "\n".join(text_of(app).splitlines()[region.y : region.bottom])


@pytest.mark.parametrize("width", [80, 140])
async def test_every_step_that_asks_is_listed_and_counted(make_app: Make, width: int) -> None:
    app = make_app(two_ask())
    async with app.run_test(notifications=True, size=(width, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: "Allow 2 steps, s1 finetune and s2 compare?" in told(app))
        await until(pilot, lambda: "looking at what" not in told(app))
        assert "› s1 finetune" in told(app)
        assert "  reads   train.jsonl (workspace)" in told(app)
        assert "  s2 compare · reads eval.jsonl (workspace)" in told(app)
        assert "allow   both calls as they stand, once" in told(app)
        assert "every call of finetune and compare" in " ".join(told(app).split())


async def test_the_highlighted_one_is_told_in_full_and_the_others_stay_listed(make_app: Make) -> None:
    app = make_app(two_ask())
    async with app.run_test(notifications=True, size=(140, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: "s2 compare · reads" in told(app))
        table = app.chat.query_one(PlanCard).table
        table.move_cursor(row=1)
        await until(pilot, lambda: "› s2 compare" in told(app) and "  s1 finetune · reads train.jsonl (workspace)" in told(app))
        table.move_cursor(row=2)  # the totals
        await until(pilot, lambda: "›" not in told(app) and "s1 finetune · reads" in told(app) and "s2 compare · reads" in told(app))


async def test_one_yes_is_for_both(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app(two_ask())
    async with app.run_test(notifications=True, size=(140, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow 2 steps"))
        app.chat.query_one(PlanCard).table.focus()
        await pilot.press("a", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"allow": ["s1", "s2"]}}])
