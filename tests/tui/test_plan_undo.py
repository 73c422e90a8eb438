"""An edited plan goes back to the one that was proposed, whatever was edited; the card says what its key does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from modelwright.tui.app import Modelwright
from modelwright.tui.screens.step_form import StepForm
from modelwright.tui.steps import StepView
from modelwright.tui.widgets.plan_card import PlanCard
from tests.tui import lines
from tests.tui.waiting import add_step, ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]
pytestmark = pytest.mark.asyncio


def a_turn(*edits: Json) -> list[Json]:
    """A plan that is asked about, and asked about again after each of these edits of s1, as the real worker does it."""
    teller = lines.Teller()
    said = [*lines.begin(teller), lines.pending(), {"wait": True}]
    args, sources = dict(lines.STEPS[0]["args"]), dict(lines.STEPS[0]["sources"])
    for edit in edits:
        args = {name: value for name, value in {**args, **edit}.items() if value is not None}
        sources = {name: "edit" if name in edit else sources[name] for name in args}
        asked = copy.deepcopy(lines.pending())
        asked["pending"]["calls"][0].update(args=args, sources=sources)
        said += [teller.event("approval.given", by="user", edit={"s1": edit}), asked, {"wait": True}]
    return said


def card_of(app: Any) -> PlanCard:
    card: PlanCard = app.chat.query_one(PlanCard)
    return card


def first(app: Modelwright) -> StepView:
    return card_of(app).steps()[0]


def order(app: Modelwright) -> list[str]:
    return [step.tool for step in card_of(app).steps()]


async def asked(pilot: Pilot[Any]) -> None:
    """Wait for the question, and go to it."""
    app = pilot.app
    await until(pilot, lambda: card_of(app).pending and "Allow s1 finetune?" in text_of(app))
    card_of(app).table.focus()
    await until(pilot, shows(app, "[x]"))


async def edit(pilot: Pilot[Any], name: str, value: str) -> None:
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, StepForm))
    pilot.app.screen.query_one(f"#f-{name}", Input).value = value
    await until(pilot, shows(pilot.app, "this checks"))
    await pilot.press("ctrl+s")


async def test_changed_arguments_are_changed_back_in_the_run(make_app: Make, heard: Heard) -> None:
    app = make_app(a_turn({"lora_rank": 32}, {"batch_size": 2}, {"lora_rank": 8, "batch_size": None}))
    async with app.run_test(notifications=True, size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await asked(pilot)
        await edit(pilot, "lora_rank", "32")
        await until(pilot, lambda: len(heard()) == 2)
        await asked(pilot)
        await edit(pilot, "batch_size", "2")
        await until(pilot, lambda: len(heard()) == 3)
        await asked(pilot)
        assert (first(app).args["lora_rank"], first(app).args["batch_size"]) == (32, 2)
        await pilot.press("x")
        await until(pilot, lambda: heard()[3:] == [{"reply": {"edit": {"s1": {"batch_size": None, "lora_rank": 8}}}}])
        await asked(pilot)
        assert first(app).args == lines.STEPS[0]["args"]
        assert first(app).sources == lines.STEPS[0]["sources"], "they come from the request again, not from an edit"
        assert "changed" not in text_of(app)
        await pilot.press("x")
        await until(pilot, shows(app, "Why not s1?"))


async def test_everything_is_undone_at_once(make_app: Make, heard: Heard) -> None:
    app = make_app(a_turn({"lora_rank": 32}, {"lora_rank": 8}))
    async with app.run_test(notifications=True, size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await asked(pilot)
        await edit(pilot, "lora_rank", "32")
        await until(pilot, lambda: len(heard()) == 2)
        await asked(pilot)
        await add_step(pilot, "inspect_d", dataset="train.jsonl")
        await until(pilot, lambda: order(app) == ["finetune", "compare", "inspect_dataset"])
        card_of(app).table.move_cursor(row=2)
        await pilot.press("K", "K")
        await until(pilot, lambda: order(app) == ["inspect_dataset", "finetune", "compare"])
        card_of(app).table.move_cursor(row=2)
        await pilot.press("d")
        await until(pilot, lambda: order(app) == ["inspect_dataset", "finetune"])
        card_of(app).table.move_cursor(row=1)
        await edit(pilot, "batch_size", "2")
        await until(pilot, lambda: card_of(app).steps()[1].args.get("batch_size") == 2)
        await pilot.press("x")
        await until(pilot, lambda: heard()[2:] == [{"reply": {"edit": {"s1": {"lora_rank": 8}}}}])
        await asked(pilot)
        assert order(app) == ["finetune", "compare"]
        assert first(app).args == lines.STEPS[0]["args"]


async def test_an_edit_that_the_run_did_not_take_is_not_shown(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    said = [*lines.begin(teller), lines.pending(), {"wait": True}]
    said += [
        teller.event("approval.given", by="user", edit={"s1": {"lora_rank": 32}}),
        teller.event("notice", message="the edit was not taken: s1 needs more memory than there is"),
        teller.event("approval.asked", steps=["s1"]),
        lines.pending(),  # as it was
        {"wait": True},
    ]
    app = make_app(said)
    async with app.run_test(notifications=True, size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await asked(pilot)
        await edit(pilot, "lora_rank", "32")
        await until(pilot, lambda: len(heard()) == 2)
        await asked(pilot)
        assert first(app).args == lines.STEPS[0]["args"]
        assert not card_of(app).is_edited
        await until(pilot, shows(app, "✗ the edit was not taken: s1 needs more memory than there is"))
        assert "changed" not in text_of(app)


async def test_the_card_says_what_its_key_does_now(make_app: Make, heard: Heard) -> None:
    app = make_app(a_turn({"lora_rank": 32}))
    async with app.run_test(notifications=True, size=(140, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await asked(pilot)
        await until(pilot, shows(app, "Reject [x]", "x reject…"))
        assert "undo" not in text_of(app)
        await edit(pilot, "lora_rank", "32")
        await until(pilot, lambda: len(heard()) == 2)
        await asked(pilot)
        await until(pilot, shows(app, "Plan · edited · x undoes every edit", "Allow [a]", "Undo edits [x]", "x undo edits"))
        assert "eject" not in text_of(app)
        card_of(app).table.move_cursor(row=1)
        await pilot.press("d")
        await until(pilot, shows(app, "edited, not run yet · x undoes every edit", "Run edited plan [a]", "Undo edits [x]"))
        assert "eject" not in text_of(app)


async def test_after_a_rejection_the_card_says_how_to_plan_again(make_app: Make, heard: Heard) -> None:
    result = {**lines.result(), "status": "denied", "steps": [], "error": {"message": "s1 was rejected", "fix": ""}}
    ended = {"done": {"kind": "request", "exit_code": 4, "answer": "", "result": result, "args": {}, "peaks": {}}}
    answer = {"done": {"kind": "answer", "exit_code": 0, "answer": "so", "result": None}}
    app = make_app([*a_turn(), ended], [answer])
    async with app.run_test(notifications=True, size=(110, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await asked(pilot)
        await pilot.press("x")
        await until(pilot, shows(app, "Why not s1?"))
        await pilot.press("enter")
        await until(pilot, lambda: not app.turns.busy)
        await until(pilot, shows(app, "Plan · rejected · say what to change, or Ctrl+G and g plan it again"))
        await pilot.press("ctrl+g", "g")
        await until(pilot, shows(app, "Do this again with"))
        await pilot.press(*"rank 4", "enter")
        await until(pilot, lambda: heard()[2:3] == [{"do": "say", "text": "again with rank 4"}])
