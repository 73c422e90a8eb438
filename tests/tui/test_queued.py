"""What is said while a run works or a plan waits, and what becomes of it when that run does not come to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.tui.app import Modelwright
from modelwright.tui.queued import Backlog, Queued
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
Heard = Callable[[], list[Json]]


def one(text: str) -> Queued:
    return Queued({"do": "say", "text": text}, text)


def test_what_is_kept_begins_only_when_it_is_released() -> None:
    queue = Backlog()
    queue.add(one("why?"))
    queue.keep()
    assert not queue
    assert queue.lines() == ["why? · kept"]
    assert queue.release() == 1
    assert queue.pop() == one("why?")


def test_what_the_app_has_to_do_is_never_kept_or_dropped() -> None:
    queue = Backlog()
    queue.add(one("why?"))
    queue.add(Queued({"do": "go_on"}), first=True)
    queue.keep()
    assert queue.lines() == ["why? · queued"]
    assert queue.drop() == 1
    assert queue.pop().command == {"do": "go_on"}


async def say(pilot: Pilot[Any], text: str) -> None:
    app: Any = pilot.app
    app.chat.composer.put(text)
    await pilot.press("enter")


def stopped(teller: lines.Teller) -> list[Json]:
    result = {**lines.result(), "status": "interrupted", "steps": []}
    done = {"kind": "request", "exit_code": 130, "answer": "", "result": result, "args": {}, "peaks": {}}
    return [teller.event("run.ended", status="interrupted", exit_code=130, spent={}, error=None), {"done": done}]


def answer(text: str) -> list[Json]:
    return [{"done": {"kind": "answer", "exit_code": 0, "answer": text, "result": None, "args": {}, "peaks": {}}}]


def moving(teller: lines.Teller) -> list[Json]:
    return [*lines.begin(teller), *lines.training(teller, upto=3), {"wait": True}]


@pytest.mark.asyncio
async def test_a_pause_begins_nothing_of_what_was_queued(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    app = make_app([*moving(teller), *stopped(teller)], answer("an answer to this"), answer("an answer to that"))
    async with app.run_test(notifications=True, size=(100, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▶ s1 finetune"))
        await say(pilot, "what is in eval.jsonl?")
        await until(pilot, shows(app, "what is in eval.jsonl? · queued", "/drop takes back what is queued"))
        app.turns.link.send({"go": True})
        await until(pilot, shows(app, "what is in eval.jsonl? · kept", "/send begins it, /drop drops it"))
        assert [said.get("do") for said in heard()] == ["say", None]
        await say(pilot, "why?")
        await until(pilot, shows(app, "an answer to this", "what is in eval.jsonl? · kept"))
        await say(pilot, "/send")
        await until(pilot, shows(app, "> what is in eval.jsonl?", "an answer to that"))
        assert "kept" not in text_of(app)


@pytest.mark.asyncio
async def test_what_is_queued_can_be_dropped(make_app: Make, heard: Heard) -> None:
    teller = lines.Teller()
    app = make_app([*moving(teller), *lines.finish(teller)])
    async with app.run_test(notifications=True, size=(100, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▶ s1 finetune"))
        await say(pilot, "why?")
        await until(pilot, shows(app, "why? · queued"))
        await say(pilot, "/drop")
        await until(pilot, shows(app, "1 taken back"))
        assert "queued" not in text_of(app)
        app.turns.link.send({"go": True})
        await until(pilot, shows(app, "done and verified"))
        assert [said.get("do") for said in heard()] == ["say", None]


@pytest.mark.asyncio
async def test_stop_stops_the_run_and_go_on_does_not_wait_behind_it(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = lines.Teller()
    app = make_app([*moving(teller), *lines.finish(teller)])
    stops: list[int] = []
    async with app.run_test(notifications=True, size=(100, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▶ s1 finetune"))
        monkeypatch.setattr(app.turns.link, "stop_run", lambda: stops.append(1))
        await say(pilot, "go on")
        await until(pilot, shows(app, "the run is at work"))
        await say(pilot, "stop")
        await until(pilot, shows(app, "> stop", '"go on" goes on with it, /cancel ends it'))
        assert stops == [1]
        assert "queued" not in text_of(app)


def unverified(teller: lines.Teller, last: str) -> list[Json]:
    steps = [{"id": "s1", "tool": "finetune", "status": "done"}, {"id": "s2", "tool": "compare", "status": last}]
    full = [{**step, "seconds": 1.0, "checks": [], "result": None, "reused": False} for step in steps]
    result = {**lines.result(), "status": "unverified", "steps": full}
    done = {"kind": "request", "exit_code": 1, "answer": "", "result": result, "args": {}, "peaks": {}}
    return [teller.event("run.ended", status="unverified", exit_code=1, spent={}, error=None), {"done": done}]


@pytest.mark.parametrize(("last", "begins"), [("unverified", True), ("pending", False)])
@pytest.mark.asyncio
async def test_what_was_queued_begins_after_a_run_whose_steps_all_ran(make_app: Make, heard: Heard, last: str, begins: bool) -> None:
    teller = lines.Teller()
    moving = [*lines.begin(teller), *lines.training(teller, upto=3), {"wait": True}]
    app = make_app([*moving, *unverified(teller, last)], answer("three rows"))
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▶ s1 finetune"))
        await say(pilot, "how many rows has it?")
        await until(pilot, shows(app, "queued"))
        app.turns.link.send({"go": True})
        await until(pilot, shows(app, "three rows" if begins else "kept, as the run did not come to its end"))
        assert len(heard()) == (3 if begins else 2)
