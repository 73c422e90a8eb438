"""A question with numbered answers: numbers and words answer it, typed at the list, in its field, or at the prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from modelwright.tui.app import Modelwright
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]
pytestmark = pytest.mark.asyncio
THREE = ["train.jsonl", "eval.jsonl", "[red]test.jsonl"]


def asking(choices: list[str]) -> list[Json]:
    return [{"pending": {"kind": "question", "question": "Which data set?", "choices": choices}}, {"wait": True}]


async def asked(pilot: Pilot[Any]) -> None:
    await ask(pilot, "look at something")
    await until(pilot, shows(pilot.app, "? Which data set?"))


async def test_a_number_and_enter_at_the_prompt_take_that_answer(make_app: Make, heard: Heard) -> None:
    app = make_app(asking(THREE))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press("3", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"choice": 2}}])
        await until(pilot, shows(app, "? Which data set?", "  [red]test.jsonl"))


@pytest.mark.parametrize("to_list", ["ctrl+g", "tab"])
async def test_a_digit_at_the_list_takes_that_answer(make_app: Make, heard: Heard, to_list: str) -> None:
    app = make_app(asking(THREE))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press(to_list)
        assert isinstance(app.focused, OptionList)
        await pilot.press("3", "enter")
        await until(pilot, lambda: len(heard()) > 1)
        assert heard()[1:] == [{"reply": {"choice": 2}}]


async def test_digits_at_a_long_list_make_one_number(make_app: Make, heard: Heard) -> None:
    app = make_app(asking([f"data{n}.jsonl" for n in range(1, 13)]))
    async with app.run_test(notifications=True, size=(80, 40)) as pilot:
        await asked(pilot)
        await pilot.press("ctrl+g", "1")
        assert app.chat.query_one("QuestionCard OptionList", OptionList).highlighted == 0
        assert len(heard()) == 1, "12 could still follow"
        await pilot.press("2")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"choice": 11}}])


async def test_a_digit_after_the_arrows_begins_a_number_of_its_own(make_app: Make, heard: Heard) -> None:
    app = make_app(asking([f"data{n}.jsonl" for n in range(1, 13)]))
    async with app.run_test(notifications=True, size=(80, 40)) as pilot:
        await asked(pilot)
        await pilot.press("ctrl+g", "1", "down", "2")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"choice": 1}}])


@pytest.mark.parametrize("keys", [("4", "enter"), ("ctrl+g", "4"), ("ctrl+g", "tab", "4", "enter"), ("ctrl+g", "0")])
async def test_a_number_that_is_not_listed_is_told_and_answers_nothing(make_app: Make, heard: Heard, keys: tuple[str, ...]) -> None:
    app = make_app(asking(THREE))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press(*keys)
        await until(pilot, shows(app, f"there is no answer {next(k for k in keys if k.isdigit())}: the numbers are 1 to 3"))
        await pilot.press("escape", "2", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"choice": 1}}])


async def test_words_at_the_prompt_and_a_path_answer_the_question(make_app: Make, heard: Heard) -> None:
    app = make_app([*asking(THREE), *asking([])])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press(*"other.jsonl", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"answer": "other.jsonl"}}])
        await until(pilot, lambda: app.turns.pending)
        await pilot.press(*"/data/x.jsonl", "enter")
        await until(pilot, lambda: heard()[2:] == [{"reply": {"answer": "/data/x.jsonl"}}])


async def test_a_number_is_an_answer_in_words_where_nothing_is_listed(make_app: Make, heard: Heard) -> None:
    app = make_app(asking([]))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press("ctrl+g", "8", "enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"answer": "8"}}])


async def test_letters_at_the_list_begin_an_answer_in_words(make_app: Make, heard: Heard) -> None:
    app = make_app(asking(THREE))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press("ctrl+g", *"mine.jsonl")
        assert app.chat.query_one("QuestionCard Input", Input).value == "mine.jsonl"
        await pilot.press("enter")
        await until(pilot, lambda: heard()[1:] == [{"reply": {"answer": "mine.jsonl"}}])


async def test_a_command_is_still_a_command_while_a_question_is_open(make_app: Make, heard: Heard) -> None:
    app = make_app(asking(THREE))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press(*"/tools", "enter")
        await until(pilot, shows(app, "inspect_dataset"))
        assert len(heard()) == 1


async def test_a_question_that_nobody_answered_is_closed_with_its_turn(make_app: Make) -> None:
    ended = {"done": {"kind": "request", "exit_code": 0, "answer": "left open", "result": None}}
    app = make_app([*asking(THREE), ended])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, shows(app, "left open", "not answered"))
        assert "1. train.jsonl" not in text_of(app)
        assert "waits for your answer" not in text_of(app)
