"""A run that is cancelled, or stopped for a higher bound: the stop on the way is not told, one card tells what became of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.agent.sessions import Sessions
from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.live import LiveCard
from modelwright.tui.widgets.plan_card import PlanCard
from modelwright.tui.widgets.results import ResultCard
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]
pytestmark = pytest.mark.asyncio
CANCELLED = {"type": "Rejected", "message": "s1 was rejected: cancelled", "fix": ""}


def moving(teller: lines.Teller) -> list[Json]:
    return [*lines.begin(teller), *lines.training(teller, upto=3), {"wait": True}]


def ended(teller: lines.Teller, status: str, error: Json | None = None) -> list[Json]:
    result = {**lines.result(), "status": status, "steps": [], "error": error}
    done = {"kind": "resume", "exit_code": 4, "answer": "", "result": result, "args": {}, "peaks": {}}
    return [teller.event("run.ended", status=status, exit_code=4, spent={}, error=error), {"done": done}]


def refused(teller: lines.Teller) -> list[Json]:
    """What a run says that is ended while it lies still."""
    return [
        teller.event("run.resumed", request=lines.REQUEST, options={"limits": {}}),
        teller.event("approval.given", by="user", reject={"s1": "cancelled"}),
        *ended(teller, "denied", CANCELLED),
    ]


async def at_work(pilot: Pilot[Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run moves, and this is said; the signal that would stop it lets the worker go on with its lines."""
    app: Any = pilot.app
    await ask(pilot, lines.REQUEST)
    await until(pilot, shows(app, "▶ s1 finetune"))
    link = app.turns.link
    monkeypatch.setattr(link, "stop_run", lambda: link.send({"go": True}))
    app.chat.composer.put(said)
    await pilot.press("enter")


async def test_a_cancel_is_told_by_one_card(make_app: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = lines.Teller()
    app = make_app([*moving(teller), *ended(teller, "interrupted")], refused(teller))
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await at_work(pilot, "/cancel", monkeypatch)
        await until(pilot, shows(app, "· cancelled by you · run", "s1 finetune", "cut after", "it cannot go on", '"again"', "✗ cancelled"))
        assert heard()[2] == {"do": "end", "run": lines.RUN, "step": "s1", "reason": "cancelled"}
        assert (len(app.chat.query(ResultCard)), len(app.chat.query(PlanCard)), len(app.chat.query(LiveCard))) == (1, 1, 0)
        assert "stopped; it can go on" not in text_of(app)
        assert "rejected" not in text_of(app)


async def test_a_run_that_ends_before_its_cancel_is_told_as_it_ended(make_app: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = lines.Teller()
    app = make_app([*moving(teller), *lines.finish(teller)], [])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await at_work(pilot, "/cancel", monkeypatch)
        await until(pilot, lambda: not app.turns.busy)
        await until(pilot, shows(app, "✓ done and verified"))
        assert [said.get("do") for said in heard()] == ["say", None], "there is nothing to end any more"


async def test_a_plan_that_waits_is_cancelled_and_not_called_rejected(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, *refused(teller)[1:]])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        app.chat.composer.put("/cancel")
        await pilot.press("enter")
        await until(pilot, shows(app, "· cancelled by you · run", "it cannot go on"))
        assert heard()[1:] == [{"reply": {"reject": {"s1": "cancelled"}}}]
        assert len(app.chat.query(ResultCard)) == 1


async def test_a_question_that_is_open_is_cancelled_with_its_run(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    question = {"pending": {"kind": "question", "question": "Which data set?", "choices": ["train.jsonl"]}}
    begun = teller.event("run.started", request=lines.REQUEST, options={"limits": {}})
    app = make_app([begun, question, {"wait": True}, *ended(teller, "denied", {**CANCELLED, "message": "it was rejected: cancelled"})])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Which data set?"))
        app.chat.composer.put("/cancel")
        await pilot.press("enter")
        await until(pilot, shows(app, "· cancelled by you"))
        assert heard()[1:] == [{"reply": {"reject": {"": "cancelled"}}}]


@pytest.mark.parametrize("status", ["interrupted", "waiting"])
async def test_a_run_that_lies_still_is_cancelled_also_after_other_turns(
    make_app: Make, heard: Heard, workspace: Path, status: str
) -> None:
    with closing(Workspace(workspace).connect()) as db:
        left = past_runs.write_run(db, "tune it", ("finetune", {"model": "builtin", "dataset": "train.jsonl"}, None), status=status).run.id
        later = past_runs.write_run(
            db, "what is it?", ("inspect_dataset", {"dataset": "train.jsonl"}, {"summary": "it"}), status="done"
        ).run.id
        for text, run in (("tune it", left), ("what is it?", later)):
            number = Sessions(db).begin("larkfield", text, "request", {})
            Sessions(db).started("larkfield", number, run)
            Sessions(db).end("larkfield", number, "", 0)
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, "/cancel")
        await until(pilot, heard)
        assert heard() == [{"do": "end", "run": left, "step": "s1", "reason": "cancelled"}]


async def test_where_no_run_is_left_that_is_said(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, "/cancel")
        await until(pilot, shows(app, "there is no run to cancel"))


async def test_a_raised_bound_goes_on_in_the_same_cards(make_app: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = lines.Teller()
    stopped = [*moving(teller), *ended(teller, "interrupted")]
    resumed = teller.event("run.resumed", request=lines.REQUEST, options={"limits": {}})
    app = make_app(stopped, [resumed, *lines.training(teller, upto=5)[1:], {"wait": True}, *lines.finish(teller)])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await at_work(pilot, "/budget seconds 7200", monkeypatch)
        await until(pilot, shows(app, "▶ s1 finetune", "5/40"))
        assert heard()[2] == {"do": "go_on", "run": lines.RUN, "limits": {"seconds": 7200.0}}
        assert (len(app.chat.query(ResultCard)), len(app.chat.query(PlanCard)), len(app.chat.query(LiveCard))) == (0, 1, 1)
        app.turns.link.send({"go": True})
        await until(pilot, shows(app, "✓ done and verified"))
