"""What a person said stands where "? ask" stood: nothing is asked any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.state import RunView
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]


def decided(teller: lines.Teller, step: str) -> Json:
    return teller.event("policy.decision", step, decision="ask", rule="long", reason="it is long", estimate=None)


def view(*told: Json) -> RunView:
    made = RunView()
    for line in told:
        made.take(line["event"])
    return made


def answers(run: RunView) -> list[str]:
    return [step.answer for step in run.steps.values()]


def test_a_rejection_leaves_the_other_steps_that_were_asked_about() -> None:
    teller = lines.Teller()
    begun = [line for line in lines.begin(teller) if "event" in line]
    run = view(*begun, decided(teller, "s2"), teller.event("approval.given", by="user", reject={"s1": "too long"}))
    assert answers(run) == ["rejected", "left"]


def test_an_answer_holds_until_the_step_is_asked_about_again() -> None:
    """The gate tells its decisions again after a yes."""
    teller = lines.Teller()
    run = view(*lines.begin(teller), teller.event("approval.given", by="user", allow_for_run=["s1"]))
    assert answers(run) == ["allowed", ""]
    run.take(decided(teller, "s1")["event"])
    assert answers(run) == ["allowed", ""]
    run.take(teller.event("approval.asked", steps=["s1"])["event"])
    assert answers(run) == ["", ""]


@pytest.mark.asyncio
async def test_after_a_reject_no_step_of_the_plan_is_shown_as_asked(make_app: Make) -> None:
    teller = lines.Teller()
    begun = [*lines.begin(teller), lines.pending(), {"wait": True}]
    given = teller.event("approval.given", by="user", reject={"s1": ""})
    ended = {"error": {"type": "Denied", "message": "s1 was rejected", "fix": None}, "exit_code": 3}
    app = make_app([*begun, given, ended])
    async with app.run_test(notifications=True, size=(80, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "? ask", "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "x")
        await until(pilot, shows(app, "Why not s1?"))
        await pilot.press("enter")
        await until(pilot, shows(app, "s1 was rejected", "✗ rejected"))
        assert "? ask" not in text_of(app)
        assert "waits for your answer" not in text_of(app)


@pytest.mark.asyncio
async def test_what_cannot_be_shown_is_told_and_the_turn_is_over(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TypeError("a number was expected")

    teller = lines.Teller()
    app = make_app([*lines.begin(teller), *lines.finish(teller)])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        monkeypatch.setattr("modelwright.tui.widgets.results.ResultCard.__init__", broken)
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "this cannot be shown here (TypeError: a number was expected)", "the run is kept"))
        await until(pilot, lambda: not app.turns.busy)
