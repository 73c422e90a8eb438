"""Where the keys go: the prompt keeps them when a card appears, the person goes to a card and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, DataTable, Input

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets import held, plan_card
from modelwright.tui.widgets.plan_card import PlanCard
from modelwright.tui.widgets.question import QuestionCard
from modelwright.tui.widgets.results import ResultCard
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]
pytestmark = pytest.mark.asyncio
QUESTION = {"pending": {"kind": "question", "question": "Which data set?", "choices": ["train.jsonl", "eval.jsonl"]}}
BUDGET = {"pending": {"kind": "budget", "reached": "steps 5 of 5"}}


def asked() -> list[Json]:
    return [*lines.begin(lines.Teller()), lines.pending(), {"wait": True}]


def done() -> list[Json]:
    teller = lines.Teller()
    return [*lines.begin(teller), *lines.finish(teller)]


async def opened(pilot: Pilot[Any]) -> Modelwright:
    """The app with a plan that waits for a yes."""
    await ask(pilot, lines.REQUEST)
    await until(pilot, shows(pilot.app, "Allow s1 finetune?", "Reject"))
    found = pilot.app
    assert isinstance(found, Modelwright)
    return found


def at_prompt(app: Modelwright) -> bool:
    return app.focused is app.chat.composer.entry


async def test_keys_that_are_typed_at_any_time_after_a_card_appeared_go_to_the_prompt(make_app: Make, heard: Heard) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        assert at_prompt(app)
        await pilot.press(*"arA", "x")
        assert app.chat.composer.text == "arAx"
        assert len(heard()) == 1, "only the request went out"
        assert app.screen is app.chat, "nothing was opened either"


async def test_enter_on_an_empty_prompt_answers_nothing_and_tells_the_way_to_the_card(make_app: Make, heard: Heard) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("enter")
        await until(pilot, shows(app, "Enter answers nothing here"))
        assert at_prompt(app)
        assert app.screen is app.chat
        assert len(heard()) == 1


async def test_enter_on_an_empty_prompt_is_silent_when_nothing_is_asked(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("enter")
        assert "Enter answers nothing" not in text_of(app)


async def test_a_card_tells_how_it_is_reached_and_its_keys_once_one_is_there(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await until(pilot, shows(app, "Allow s1 finetune? · Ctrl+G to answer", "waits for your answer"))
        assert "[a]" not in text_of(app)
        await pilot.press("ctrl+g")
        await until(pilot, shows(app, "Allow [a]", "Reject [x]", "Escape or Ctrl+G: back to the prompt"))
        assert "Ctrl+G to answer" not in text_of(app)
        await pilot.press("escape")
        await until(pilot, shows(app, "Allow s1 finetune? · Ctrl+G to answer"))
        assert "[a]" not in text_of(app)


@pytest.mark.parametrize("key", ["ctrl+g", "tab"])
async def test_a_card_that_one_went_to_takes_its_keys(make_app: Make, heard: Heard, key: str) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press(key)
        assert app.focused is app.chat.query_one(PlanCard).query_one(DataTable)
        await pilot.press("a", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"allow": ["s1"]}}])
        await until(pilot, lambda: at_prompt(app))


async def test_the_mouse_answers_without_going_there_first(make_app: Make, heard: Heard) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.click(app.chat.query_one("#allow", Button))
        await until(pilot, lambda: heard()[1:] == [{"reply": {"allow": ["s1"]}}])


async def test_a_card_that_has_the_keys_already_is_deaf_right_after_it_asks(
    make_app: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_card, "GRACE_SECONDS", 3600.0)
    app = make_app([*lines.begin(lines.Teller()), {"wait": True}, lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.chat.query(PlanCard))
        await pilot.press("ctrl+g")
        app.turns.link.send({"go": "on"})
        await until(pilot, shows(app, "Allow [a]"))
        await pilot.press("x", "a", "enter")
        assert app.screen is app.chat
        assert len(heard()) == 2
        monkeypatch.setattr(plan_card, "GRACE_SECONDS", 0.0)
        await until(pilot, lambda: not app.query_one("#allow").has_class("-active"), "the button can be pressed again")
        await pilot.press("enter")
        await until(pilot, lambda: heard()[2:] == [{"reply": {"allow": ["s1"]}}])


async def test_tab_in_a_prompt_with_words_stays_there(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press(*"fine", "tab", *"arx")
        assert app.chat.composer.text == "finearx"


@pytest.mark.parametrize("back", ["escape", "ctrl+g"])
@pytest.mark.parametrize("turn", [asked(), done(), [QUESTION, {"wait": True}], [BUDGET, {"wait": True}]])
async def test_from_every_card_two_keys_go_back_to_the_prompt(make_app: Make, turn: list[Json], back: str) -> None:
    app = make_app(turn)
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.turns.pending or app.chat.query(ResultCard))
        for there in ("tab", "ctrl+g"):
            await pilot.press(there)
            await until(pilot, lambda: not at_prompt(app), "the card has the focus")
            await pilot.press(back)
            await until(pilot, lambda: at_prompt(app), f"{back} came back after {there}")


async def test_two_keys_go_back_from_every_part_of_a_card(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        for key in ("escape", "ctrl+g"):
            app.chat.query_one("#reject", Button).focus()
            await until(pilot, lambda: isinstance(app.focused, Button))
            await pilot.press(key)
            await until(pilot, lambda: at_prompt(app))


async def test_tab_goes_to_the_newest_card_first_and_on_from_there(make_app: Make) -> None:
    app = make_app(done(), done(), [QUESTION, {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        for turn in (1, 2):
            await ask(pilot, "again")
            await until(pilot, lambda turn=turn: len(app.chat.query(ResultCard)) == turn and not app.turns.busy)  # type: ignore[misc]
        await pilot.press("tab")
        assert app.focused is list(app.chat.query(ResultCard))[-1]
        await pilot.press("tab")
        assert not isinstance(app.focused, ResultCard)
        await pilot.press("escape")
        await ask(pilot, "which?")
        await until(pilot, lambda: app.turns.pending)
        await pilot.press("tab")
        card = app.chat.query_one(QuestionCard)
        assert app.focused in card.query("*")


async def test_what_is_asked_comes_before_a_newer_result(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        app.chat.add(ResultCard(lines.result()))
        await until(pilot, lambda: app.chat.query(ResultCard))
        await pilot.press("ctrl+g")
        assert app.focused is app.chat.query_one(PlanCard).query_one(DataTable)


async def test_a_spent_budget_tells_how_it_is_reached(make_app: Make) -> None:
    app = make_app([BUDGET, {"wait": True}])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await ask(pilot, "go")
        await until(pilot, shows(app, "A budget is spent: steps 5 of 5 · Ctrl+G to answer"))
        await pilot.press("b")
        assert app.chat.composer.text == "b"
        await pilot.press("ctrl+g")
        await until(pilot, shows(app, "A budget is spent: steps 5 of 5 · b raises it"))


async def test_notices_cover_neither_the_buttons_nor_the_prompt(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(80, 24)) as pilot:
        app = await opened(pilot)
        app.notify("it comes next: the other process still works on its run; Ctrl+T pauses that", markup=False)
        await until(pilot, lambda: app.screen.query("Toast"))
        await pilot.pause()
        toast = app.screen.query_one("Toast").region
        assert toast.area, "it is shown"
        kept = [*app.chat.query(".buttons Button"), app.chat.composer, app.chat.query_one("#head"), app.chat.query_one("#doing")]
        covered = [widget for widget in kept if widget.display and toast.overlaps(widget.region)]
        assert covered == []


def asked_twice() -> list[Json]:
    """A yes for the first step, which then runs; then the second one is asked about, on the same card above the live one."""
    teller = lines.Teller()
    again = {**lines.STEPS[1], "estimate": lines.SHORT, "decision": "ask", "rule": "long", "effects": ["computes"], "call": "d" * 32}
    first = [*lines.begin(teller), lines.pending(), {"wait": True}, *lines.training(teller)]
    return [*first, {"pending": {"kind": "approval", "calls": [again], "note": None}}, {"wait": True}]


async def test_what_is_asked_later_is_brought_into_view_and_leaves_the_focus(make_app: Make) -> None:
    app = make_app(asked_twice())
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, shows(app, "Allow s2 compare? · Ctrl+G to answer", "Reject"))
        assert at_prompt(app)
        await pilot.press("ctrl+g")
        await until(pilot, shows(app, "Allow s2 compare?", "Reject [x]"))


async def test_an_edited_step_is_asked_about_again_and_the_prompt_has_the_keys(make_app: Make, heard: Heard) -> None:
    app = make_app([*asked(), lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+g", "e")
        await until(pilot, shows(app, "this checks"))
        app.screen.query_one("#f-lora_rank", Input).value = "32"
        await until(pilot, lambda: not app.screen.query_one("#done", Button).disabled)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(heard()) == 2 and app.chat.query_one(PlanCard).pending)
        await until(pilot, lambda: at_prompt(app))
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, lambda: heard()[2:] == [{"reply": {"allow": ["s1"]}}])


@pytest.mark.parametrize("words", ["and Q8_0", "remember it", "Also my file"])
async def test_words_that_are_typed_at_a_card_approve_nothing_and_stand_at_the_prompt(make_app: Make, heard: Heard, words: str) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("ctrl+g", *words)
        assert app.chat.composer.text == words
        assert app.screen is app.chat
        assert len(heard()) == 1, "only the request went out"


async def test_words_that_come_all_at_once_are_whole_at_the_prompt(make_app: Make, heard: Heard) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("ctrl+g")
        table = app.chat.query_one(PlanCard).table
        for letter in "and d":  # all on their way before the first is heard
            table.post_message(events.Key("space" if letter == " " else letter, letter))
        await until(pilot, lambda: app.chat.composer.text == "and d")
        assert len(heard()) == 1
        assert app.chat.query_one(PlanCard).draft is None


async def test_the_letter_of_a_yes_goes_to_its_button_and_enter_gives_it(make_app: Make, heard: Heard) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("ctrl+g", "r")
        await until(pilot, shows(app, "For run [Enter]", "Allow [a]"))
        assert len(heard()) == 1
        await pilot.press("escape")
        await until(pilot, lambda: at_prompt(app) and "[Enter]" not in text_of(app))
        await pilot.press("ctrl+g", "r", "r", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"allow_for_run": ["s1"]}}])


@pytest.mark.parametrize("words", ["dont", "only the first", "never mind", "edit it", "x is wrong", "so be it", "no"])
async def test_words_typed_at_a_card_go_to_the_prompt_and_do_nothing_to_the_plan(
    make_app: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(held, "HOLD_SECONDS", 60.0)
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("ctrl+g", *words)
        assert at_prompt(app)
        assert app.chat.composer.text == words
        assert app.screen is app.chat
        assert app.chat.query_one(PlanCard).draft is None
        assert len(heard()) == 1


async def test_a_letter_at_a_card_acts_when_no_other_comes_behind_it(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "HOLD_SECONDS", 0.05)
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("ctrl+g", "down", "d")
        await until(pilot, lambda: app.chat.query_one(PlanCard).draft is not None)
        assert [step.id for step in app.chat.query_one(PlanCard).steps()] == ["s1"]
        assert app.chat.composer.text == ""


async def test_escape_takes_a_letter_back_that_has_done_nothing_yet(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "HOLD_SECONDS", 60.0)
    async with make_app(asked()).run_test(notifications=True, size=(100, 40)) as pilot:
        app = await opened(pilot)
        await pilot.press("ctrl+g", "x", "escape")
        assert at_prompt(app)
        assert app.screen is app.chat
        await pilot.press("y")
        assert app.chat.composer.text == "y"
