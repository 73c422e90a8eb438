"""What is asked of a run at work is answered at once from what it has told; what is a request of its own is not taken for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.asked_of_run import answer
from modelwright.tui.state import RunView
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]


def moving(upto: int = 3) -> RunView:
    view, teller = RunView(), lines.Teller()
    for line in [*lines.begin(teller), *lines.training(teller, upto=upto)]:
        view.take(line["event"])
    return view


@pytest.mark.parametrize(
    "text",
    [
        "how is it going?",
        "How far is it?",
        "how far did it get",
        "how long will it take",
        "how much longer?",
        "what's the status",
        "is it done yet?",
        "ok, how far is the training now?",
        "when will it be done?",
        "progress?",
        "what is it doing?",
    ],
)
def test_how_it_stands_is_told_with_step_share_loss_and_time(text: str) -> None:
    told = answer(text, moving(), lines.START + 9)
    for words in (
        "s1 finetune is at work",
        "step 3 of 40",
        "8% done",
        "loss 2.428 at step 1, 2.19 at step 3",
        "1:52 min to go",
        "then s2 compare",
    ):
        assert words in told


@pytest.mark.parametrize("text", ["what is the loss now", "what's the loss?", "and what is the current loss?", "how high is the loss"])
def test_a_figure_is_told_as_it_was_last(text: str) -> None:
    assert answer(text, moving(), lines.START + 9) == "s1 finetune: loss 2.428 at step 1, 2.19 at step 3"


@pytest.mark.parametrize(
    "text",
    [
        "how long will quantizing builtin take?",
        "what is the perplexity of builtin",
        "how is it that Q4_K_M is smaller?",
        "compare builtin with the original",
        "what is the best rank",
        "status of qwen2.5-7b",
        "is it better than the original?",
    ],
)
def test_what_can_be_about_something_else_is_for_the_agent(text: str) -> None:
    assert answer(text, moving(), lines.START + 9) == ""


def test_nothing_is_told_where_nothing_runs() -> None:
    assert answer("how is it going?", RunView(), lines.START) == ""


@pytest.mark.asyncio
async def test_the_answer_stands_below_the_question_and_nothing_is_queued(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), *lines.training(teller, upto=3), {"wait": True}])
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▶ s1 finetune"))
        await ask(pilot, "what is the loss now?")
        await until(pilot, shows(app, "> what is the loss now?", "2.19 at step 3"))
        assert "queued" not in text_of(app)
        assert len(heard()) == 1
