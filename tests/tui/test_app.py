"""The whole path with a person's keys: ask, see the plan, approve, watch, read the result."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, DataTable, Input

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets import plan_card
from modelwright.tui.widgets.plan_card import PlanCard
from modelwright.tui.widgets.results import ResultCard
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


def a_run() -> list[Json]:
    teller = lines.Teller()
    return [*lines.begin(teller), lines.pending(), {"wait": True}, *lines.training(teller), *lines.finish(teller)]


async def test_a_request_becomes_a_plan_is_approved_runs_and_is_read(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(120, 70)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?", "models-and-data-made"))
        assert "«train.jsonl»" in text_of(app), "the span of the request that an argument came from"
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, lambda: app.query(ResultCard))
        await until(pilot, shows(app, "done and verified", "▲ better", "[+0.500, +0.586]"))
    assert heard()[:2] == [{"do": "say", "text": lines.REQUEST}, {"reply": {"allow": ["s1"]}}]


async def test_keys_of_the_first_half_second_answer_nothing(
    make_app: Make, heard: Callable[[], list[Json]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(a_run())
    monkeypatch.setattr(plan_card, "GRACE_SECONDS", 3600.0)
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "a", "enter")
        await pilot.pause(0.1)
        assert len(heard()) == 1, "only the request went out"
        monkeypatch.setattr(plan_card, "GRACE_SECONDS", 0.0)
        await until(pilot, lambda: not app.query_one("#allow").has_class("-active"), "the button can be pressed again")
        await pilot.press("enter")
        await until(pilot, lambda: len(heard()) == 2)


async def test_a_card_does_not_take_the_keys_of_someone_who_writes(make_app: Make) -> None:
    app = make_app([*lines.begin(lines.Teller()), {"wait": True}, lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.view.steps)
        app.chat.composer.put("and then ")
        app.turns.link.send({"go": "on"})
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("a", "x")
        assert app.chat.composer.text == "and then ax"
        await pilot.press("ctrl+g")
        assert app.focused is app.chat.query_one(PlanCard).query_one(DataTable)


async def test_a_rejection_carries_its_reason(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "x")
        await until(pilot, shows(app, "Why not s1?"))
        await pilot.press(*"too long", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"reject": {"s1": "too long"}}}])


async def test_an_argument_is_edited_in_a_form_that_checks_while_one_types(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "e")
        await until(pilot, shows(app, "this checks"))
        field = app.screen.query_one("#f-lora_rank", Input)
        field.value = "9999"
        await until(pilot, shows(app, "finetune.lora_rank", "less than or equal to 512"))
        assert app.screen.query_one("#done", Button).disabled
        field.value = "32"
        await until(pilot, shows(app, "this checks"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"edit": {"s1": {"lora_rank": 32}}}}])


async def test_always_shows_the_rule_and_writes_it_after_a_second_yes(
    make_app: Make, heard: Callable[[], list[Json]], workspace: Path
) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?", "always  "))
        await pilot.press("ctrl+g", "A", "enter")
        await until(pilot, shows(app, "Always?", 'tools = ["finetune"]'))
        await pilot.press("n")
        assert not (workspace / "policy.toml").exists()
        await pilot.press("A", "enter")
        await until(pilot, shows(app, "Always?"))
        await pilot.press("y")
        await until(pilot, lambda: heard()[1:2] == [{"reply": {"allow_for_run": ["s1"]}}])
    assert 'tools = ["finetune"]' in (workspace / "policy.toml").read_text()
    assert 'policy = "policy.toml"' in (workspace / "modelwright.toml").read_text()


async def test_a_removed_step_makes_another_plan_that_is_run_instead(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    teller = lines.Teller()
    ended = {"done": {"kind": "request", "exit_code": 4, "answer": "refused", "result": None}}
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, ended], [])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        app.chat.query_one(DataTable).move_cursor(row=1)
        await pilot.press("ctrl+g", "d")
        await until(pilot, shows(app, "edited, not run yet", "1 step"))
        await pilot.press("a", "enter")
        await until(pilot, lambda: len(heard()) == 3)
    assert heard()[1] == {"reply": {"reject": {"s1": "replaced by an edited plan"}}}
    assert heard()[2]["do"] == "plan"
    assert [step["tool"] for step in heard()[2]["plan"]["steps"]] == ["finetune"]


async def test_a_plan_that_does_not_check_is_not_taken(make_app: Make) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "d")  # the step that the other one refers to
        await until(pilot, shows(app, "s2 needs what s1 makes: remove s2 first"))
        await pilot.press("J")
        await until(pilot, shows(app, "s2 compare uses what s1 makes, so s1 has to stand before it"))
        assert app.chat.query_one(PlanCard).draft is None


async def test_a_question_is_answered_by_choice(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    asked = {"pending": {"kind": "question", "question": "Which data set?", "choices": ["train.jsonl", "[red]eval.jsonl"]}}
    app = make_app([asked, {"wait": True}])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await ask(pilot, "look at something")
        await until(pilot, shows(app, "? Which data set?", "2. [red]eval.jsonl"))
        await pilot.press("ctrl+g", "down", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"choice": 1}}])


async def test_a_spent_budget_is_raised(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app([{"pending": {"kind": "budget", "reached": "steps 5 of 5"}}, {"wait": True}])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await ask(pilot, "go")
        await until(pilot, shows(app, "A budget is spent: steps 5 of 5"))
        await pilot.press("ctrl+g", "b")
        await until(pilot, shows(app, "How many steps"))
        await pilot.press(*"20", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"limits": {"steps": 20}}}])


async def test_a_dead_worker_is_told_and_another_one_takes_its_place(make_app: Make, script: Path) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        first = app.turns.link.pid
        os.kill(first, signal.SIGKILL)
        await until(pilot, shows(app, "the agent's process ended", "the run is kept"))
        await until(pilot, lambda: app.turns.ready and app.turns.link.pid not in (None, first))


async def test_text_from_outside_is_never_markup(make_app: Make) -> None:
    nasty = "[bold red]x[/] [@click=app.quit]y[/] [/t/[x] \x1b[31mred \x1b]52;c;aGk=\x07 <script>"
    teller = lines.Teller()
    step = {**lines.STEPS[0], "args": {"dataset": nasty}, "sources": {"dataset": nasty}}
    plan = {"request": nasty, "kind": "plan", "steps": [step], "reason": nasty}
    said = [
        teller.event("plan.proposed", plan=plan),
        teller.event("policy.decision", "s1", decision="ask", rule=nasty, reason=nasty, estimate=None),
        {"pending": {"kind": "approval", "calls": [{**step, "rule": nasty, "effects": [], "estimate": None, "call": "c"}], "note": nasty}},
        {"wait": True},
        teller.event("tool.started", "s1", message=nasty),
        teller.event("tool.failed", "s1", error={"type": "ToolFailed", "message": nasty, "fix": nasty}),
        {"error": {"type": "ToolFailed", "message": nasty, "fix": nasty}, "exit_code": 1},
    ]
    app = make_app(said, [{"done": {"kind": "answer", "exit_code": 0, "answer": nasty, "result": None}}])
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await ask(pilot, nasty)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, lambda: not app.turns.busy)
        await ask(pilot, nasty)
        await until(pilot, lambda: not app.turns.busy and app.query("Answer"))
        await until(pilot, shows(app, "[bold red]x[/]", "<script>"))
        assert "\x1b" not in text_of(app)
        await pilot.press("f3")
        await until(pilot, shows(app, "Live run"))


async def test_ten_thousand_events_leave_the_app_quick(make_app: Make) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), *lines.training(teller, 10_000)])
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.view.steps["s1"].at == 10_000, "all events were taken in")
        assert len(app.view.steps["s1"].series["loss"].points) <= 600
        await pilot.press(*"still here")
        assert app.chat.composer.text == "still here"


async def test_a_terminal_that_is_made_smaller_and_larger_keeps_the_plan(make_app: Make) -> None:
    app = make_app(a_run())
    async with app.run_test(notifications=True, size=(140, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?", "arguments"))
        for size in ((40, 10), (20, 5), (200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await until(pilot, shows(app, "Allow s1 finetune?", "train.jsonl"))


async def test_leaving_in_the_middle_of_a_run_asks_what_becomes_of_it(make_app: Make) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), *lines.training(teller, 40, 5), {"wait": True}])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.view.steps and app.view.steps["s1"].at == 5)
        await pilot.press("ctrl+q")
        await until(pilot, shows(app, "A run is at work", "the run goes on without the app"))
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running
        pid = app.turns.link.pid
        await pilot.press("ctrl+q")
        await until(pilot, shows(app, "A run is at work"))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert pid is not None


async def crash(app: Modelwright) -> None:
    """Run into an error in the middle of a run."""
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        app.chat.call_later(lambda: 1 // 0)
        while app.is_running:
            await asyncio.sleep(0.02)


async def test_a_crash_of_a_widget_ends_the_app_and_not_the_worker(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    """The worker hears the end of its input, no signal; test_worker.py has what it does then."""
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}])
    with pytest.raises(ZeroDivisionError):
        await crash(app)
    deadline = time.monotonic() + 15
    while None not in heard() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert heard()[:2] == [{"do": "say", "text": lines.REQUEST}, None]
