"""Words that are said while a plan waits: they change it, come back with a reason, or wait until their turn, where one sees them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.plan_card import PlanCard
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]
pytestmark = pytest.mark.asyncio
WORDS = "no, use rank 32"


def changed(teller: lines.Teller) -> list[Json]:
    """The run has taken the words for a change, and asks about it."""
    asked = copy.deepcopy(lines.pending())
    asked["pending"]["calls"][0]["args"]["lora_rank"] = 32
    return [
        teller.event("approval.given", by="user", edit={"s1": {"lora_rank": 32}}, said=WORDS),
        teller.event("policy.decision", "s1", decision="ask", rule="models-and-data-made", reason="it makes a model", estimate=None),
        teller.event("approval.asked", steps=["s1"]),
        asked,
    ]


def told_back(text: str, why: str, means: str = "") -> Json:
    asked = copy.deepcopy(lines.pending())
    asked["pending"]["said"] = {"text": text, "means": means or ("unclear" if why else "request"), "why": why}
    return asked


def answer(text: str) -> list[Json]:
    return [{"done": {"kind": "answer", "exit_code": 0, "answer": text, "result": None, "args": {}, "peaks": {}}}]


async def waits(pilot: Pilot[Any]) -> None:
    await ask(pilot, lines.REQUEST)
    await until(pilot, shows(pilot.app, "Allow s1 finetune?"))


async def say(pilot: Pilot[Any], text: str) -> None:
    app: Any = pilot.app
    app.chat.composer.put(text)
    await pilot.press("enter")


def order(app: Modelwright, *texts: str) -> bool:
    """Whether these stand under each other on the screen."""
    shown, at = text_of(app), 0
    for text in texts:
        at = shown.find(text, at) + 1
        if not at:
            return False
    return True


async def test_words_go_to_the_plan_and_what_it_is_now_is_asked_below_them(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, *changed(teller), {"wait": True}])
    async with app.run_test(notifications=True, size=(120, 70)) as pilot:
        await waits(pilot)
        await say(pilot, WORDS)
        await until(pilot, lambda: heard()[1:] == [{"reply": {"said": WORDS}}])
        await until(pilot, lambda: len(app.chat.query(PlanCard)) == 2)
        before, now = app.chat.query(PlanCard)
        assert (before.steps()[0].args["lora_rank"], now.steps()[0].args["lora_rank"]) == (8, 32)
        assert before.pending is None
        await until(pilot, lambda: order(app, "Plan · run", "changed below", f"> {WORDS}", "Plan · run", "Allow s1 finetune?"))
        assert "queued" not in text_of(app)
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, lambda: heard()[2:] == [{"reply": {"allow": ["s1"]}}])


async def test_words_that_change_nothing_say_why_and_the_plan_waits(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    why = "gone.jsonl does not exist. What should be used?"
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, told_back("no, with gone.jsonl", why), {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 50)) as pilot:
        await waits(pilot)
        await say(pilot, "no, with gone.jsonl")
        await until(pilot, shows(app, "> no, with gone.jsonl", "gone.jsonl does not exist", "waits for your answer"))
        assert len(app.chat.query(PlanCard)) == 1
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, lambda: heard()[2:] == [{"reply": {"allow": ["s1"]}}])


async def test_a_yes_in_words_is_told_the_key_and_a_question_is_answered(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    question = "how long will it take?"
    told = [told_back("yes", "", "yes"), {"wait": True}, told_back(question, "s1 finetune: about 2:15 min", "question"), {"wait": True}]
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, *told])
    async with app.run_test(notifications=True, size=(100, 60)) as pilot:
        await waits(pilot)
        await say(pilot, "yes")
        await until(pilot, shows(app, "> yes", "Words allow nothing", "Ctrl+G, then a and Enter, allows it"))
        await say(pilot, question)
        await until(pilot, shows(app, f"> {question}", "about 2:15 min", "waits for your answer"))
        assert "queued" not in text_of(app)
        assert heard()[1:] == [{"reply": {"said": "yes"}}, {"reply": {"said": question}}]


async def test_a_request_of_its_own_says_that_it_comes_after_the_plan_and_stands_below_its_result(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    later = "what is in eval.jsonl?"
    first = [*lines.begin(teller), lines.pending(), {"wait": True}, told_back(later, ""), {"wait": True}]
    app = make_app([*first, *lines.training(teller), *lines.finish(teller)], answer("four rows"))
    async with app.run_test(notifications=True, size=(100, 80)) as pilot:
        await waits(pilot)
        await say(pilot, later)
        await until(pilot, shows(app, "it comes after the plan that waits for your answer", f"> {later} · queued"))
        assert text_of(app).count(later) == 1
        assert "a run is at work" not in text_of(app)
        assert not app.chat.plan_card or app.chat.plan_card.pending, "the plan still asks"
        await pilot.press("ctrl+g", "a", "enter")
        await until(pilot, shows(app, "four rows"))
        assert heard()[1:] == [{"reply": {"said": later}}, {"reply": {"allow": ["s1"]}}, {"do": "say", "text": later}]
        assert order(app, "done and verified", f"> {later}", "four rows")
        assert "queued" not in text_of(app)


async def test_what_is_said_while_a_run_works_is_shown_below_it_until_its_turn(make_app: Make, script: Path) -> None:
    teller = lines.Teller()
    moving = [*lines.begin(teller), *lines.training(teller, upto=3)]
    app = make_app([*moving, {"wait": True}, *lines.finish(teller)], answer("one"), answer("two"))
    async with app.run_test(notifications=True, size=(100, 80)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▶ s1 finetune"))
        await say(pilot, "how long did it take?")
        await say(pilot, "and why?")
        await until(pilot, shows(app, "it comes next: a run is at work", "> how long did it take? · queued", "> and why? · queued"))
        assert order(app, "▶ s1 finetune", "> how long did it take?", "> and why?")
        app.turns.link.send({"go": True})
        await until(pilot, shows(app, "two"))
        assert order(app, "done and verified", "> how long did it take?", "one", "> and why?", "two")
        assert len(json.loads(script.read_text())) == 3


async def test_what_is_said_while_a_bound_is_spent_says_what_is_waited_for(make_app: Make) -> None:
    app = make_app([{"pending": {"kind": "budget", "reached": "steps 50 of 50"}}, {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 40)) as pilot:
        await ask(pilot, "go on")
        await until(pilot, shows(app, "A budget is spent"))
        await say(pilot, "why?")
        await until(pilot, shows(app, "it comes after the run, which waits for you to raise a bound", "> why? · queued"))


async def test_a_run_that_takes_the_place_of_a_refused_one_is_shown_from_its_beginning(make_app: Make) -> None:
    teller, other = lines.Teller(), lines.Teller()
    refused = [teller.event("approval.given", by="user", reject={"s1": "no, look at eval.jsonl"})]
    next_run = [copy.deepcopy(line) for line in lines.begin(other)]
    for line in next_run:
        line["event"]["run"] = "r261122-m3n4"
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, *refused, *next_run, lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(100, 80)) as pilot:
        await waits(pilot)
        await say(pilot, "no, look at eval.jsonl")
        await until(pilot, shows(app, "run r261122-m3n4"))
        await until(pilot, lambda: [card.pending is None for card in app.chat.query(PlanCard)] == [True, False])


async def test_nothing_is_asked_any_more_while_a_run_works(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), lines.pending(), {"wait": True}, *lines.training(teller, upto=3), {"wait": True}])
    async with app.run_test(notifications=True, size=(120, 70)) as pilot:
        await waits(pilot)
        await say(pilot, WORDS)
        await until(pilot, shows(app, "▶ s1 finetune", "at work"))
        assert "Allow s1 finetune?" not in text_of(app)
        assert "waits for you" not in text_of(app)
        assert app.chat.query_one(PlanCard).pending is None
