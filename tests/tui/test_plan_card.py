"""The plan as a person changes it: sources of arguments, edits that are undone, steps that are moved and added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.arguments import Arguments
from modelwright.tui.widgets.plan_card import PlanCard
from tests.tui import lines
from tests.tui.waiting import add_step, ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


def planned() -> list[Json]:
    return [*lines.begin(lines.Teller()), lines.pending(), {"wait": True}]


def steps_of(app: Modelwright) -> list[str]:
    return [step.tool for step in app.chat.query_one(PlanCard).steps()]


async def test_a_key_shows_the_place_of_the_request_for_each_argument(make_app: Make) -> None:
    app = make_app(planned())
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Fine-tune «builtin» on «train.jsonl» with «rank 8» and", "from your words «train.jsonl»"))
        await pilot.press("ctrl+g", "s", "s")
        await until(pilot, shows(app, "› dataset = train.jsonl", "Fine-tune builtin on «train.jsonl» with rank 8 and"))
        await pilot.press("S", "S")
        await until(pilot, shows(app, "Fine-tune «builtin» on «train.jsonl» with «rank 8» and"))
        assert "› " not in text_of(app)


async def test_the_mouse_over_an_argument_shows_its_place(make_app: Make) -> None:
    app = make_app(planned())
    async with app.run_test(notifications=True, size=(80, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "from your words «rank 8»"))
        rows = text_of(app).splitlines()
        at = next(y for y, row in enumerate(rows) if "lora_rank = 8" in row)
        await pilot.hover(offset=(10, at))
        await until(pilot, lambda: app.query_one(Arguments).picked == "lora_rank")
        await until(pilot, shows(app, "› lora_rank = 8", "with «rank 8» and"))
        await pilot.hover(offset=(10, at - 3))  # the step's own line
        await until(pilot, lambda: app.query_one(Arguments).picked is None)


async def test_the_row_of_totals_tells_the_budgets(make_app: Make) -> None:
    app = make_app(planned())
    async with app.run_test(notifications=True, size=(80, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "4:23 min", "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "down", "down")
        await until(pilot, shows(app, "budgets of this run: 50 steps"))


async def test_what_each_yes_would_cover_stands_on_the_card(make_app: Make) -> None:
    app = make_app(planned())
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "writes  the folder of this run only", "train.jsonl (workspace)", f"till run {lines.RUN} ends"))
        await until(pilot, shows(app, "always  tools finetune; effects computes", "reads only what is", "takes at most "))


async def test_edits_are_undone_and_the_proposed_plan_can_still_be_allowed(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app(planned())
    async with app.run_test(notifications=True, size=(100, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g", "down", "d")
        await until(pilot, lambda: steps_of(app) == ["finetune"])
        await pilot.press("x")
        await until(pilot, lambda: steps_of(app) == ["finetune", "compare"])
        await pilot.press("a", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"allow": ["s1"]}}])


async def test_a_step_is_added_by_a_form_and_moved_to_the_front(make_app: Make) -> None:
    app = make_app(planned())
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        await pilot.press("ctrl+g")
        await add_step(pilot, "inspect_d", dataset="train.jsonl")
        await until(pilot, lambda: steps_of(app) == ["finetune", "compare", "inspect_dataset"])
        await pilot.press("down", "down", "K", "K")
        await until(pilot, lambda: steps_of(app)[0] == "inspect_dataset")


async def test_a_plan_comes_back_from_an_editor_and_is_checked(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(planned())
    monkeypatch.setenv("EDITOR", "an-editor")
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?"))
        card = app.chat.query_one(PlanCard)
        card.take_draft({"request": "x", "kind": "plan", "steps": [{"id": "s1", "tool": "finetunne", "args": {}}]})
        await until(pilot, shows(app, "the plan does not check", "finetune"))
        await pilot.press("ctrl+g", "o")  # a pilot's terminal cannot be lent to an editor
        await until(pilot, shows(app, "an-editor: "))
        assert card.draft is None


async def test_a_rule_that_was_written_holds_from_the_next_turn_on(make_app: Make, heard: Callable[[], list[Json]]) -> None:
    app = make_app([*planned(), {"done": {"kind": "request", "exit_code": 0, "answer": "so", "result": None}}])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "Allow s1 finetune?", "always"))
        first = app.turns.link.pid
        await pilot.press("ctrl+g", "A", "enter")
        await until(pilot, shows(app, "Always?"))
        await pilot.press("y")
        await until(pilot, lambda: app.turns.ready and app.turns.link.pid not in (None, first), "a worker that knows the rule")
