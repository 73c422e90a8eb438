"""A run that was stopped in the middle of a step, and one that was tried twice: what their cards say of steps and seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.results import ResultCard
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


def stopped(**spent: float) -> Json:
    steps = [{**step, "status": "pending", "result": None, "seconds": 0.0} for step in lines.result()["steps"]]
    result = {**lines.result(), "status": "interrupted", "steps": steps, "report": None, "spent": {"steps": 0, "seconds": 0.0, **spent}}
    return {"done": {"kind": "request", "exit_code": 130, "answer": "", "result": result, "args": {}, "peaks": {}}}


async def test_a_step_that_was_cut_is_told_with_its_seconds_and_how_far_it_came(make_app: Make) -> None:
    teller = lines.Teller()
    moved = [*lines.begin(teller), *lines.training(teller, 40, upto=6)]
    ended = teller.event("run.ended", status="interrupted", exit_code=130, spent={}, error=None)
    app = make_app([*moved, ended, stopped()])
    async with app.run_test(size=(100, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "‖ stopped; it can go on", "1 step, 7.0 s", "‖ s1 finetune", "cut after 7.0 s, at 6 of 40"))
        assert "no step ran" not in text_of(app)


async def test_the_steps_of_a_plan_are_counted_and_not_how_often_they_were_tried(make_app: Make) -> None:
    app = make_app([])
    result = {**lines.result(), "status": "failed", "steps": [{**lines.result()["steps"][0], "status": "failed", "result": None}]}
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        app.chat.add_result(ResultCard({**result, "spent": {"steps": 2, "seconds": 9.0}}))
        await until(pilot, shows(app, "✗ failed", "1 step, 9.0 s"))
