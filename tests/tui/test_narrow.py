"""A small terminal: everything that answers can be reached, nothing that matters is cut, notices cover nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, DataTable

from modelwright.agent.memory_view import MemoryView
from modelwright.agent.sessions import Sessions
from modelwright.config import load
from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.head import fitted
from modelwright.tui.widgets.pairs import Pairs
from modelwright.tui.widgets.plan_card import PlanCard
from modelwright.workspace import Workspace
from tests.agent import past_runs
from tests.tui import lines
from tests.tui.waiting import ask, shows, text_of, until

Json = dict[str, Any]
Make = Callable[..., Modelwright]
SMALLEST = (60, 20)
ANSWERS = ("Allow [a]", "For run [r]", "Always [A]", "Reject [x]", "Edit [e]")
LONG = "Which of the files of this folder shall it be trained on? " + "They all hold conversations, and your words name none of them. " * 6
QUESTION: Json = {"pending": {"kind": "question", "question": LONG, "choices": [f"data/of/summer/{n}/support.jsonl" for n in range(12)]}}


def asked() -> list[Json]:
    return [*lines.begin(lines.Teller()), lines.pending(), {"wait": True}]


async def planned(pilot: Pilot[Any]) -> Modelwright:
    await ask(pilot, lines.REQUEST)
    await until(pilot, shows(pilot.app, "Reject"))
    await until(pilot, lambda: "looking at what" not in text_of(pilot.app))
    found = pilot.app
    assert isinstance(found, Modelwright)
    return found


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [SMALLEST, (50, 24), (80, 24)])
async def test_every_button_of_an_approval_is_whole(make_app: Make, size: tuple[int, int]) -> None:
    async with make_app(asked()).run_test(notifications=True, size=size) as pilot:
        app = await planned(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, shows(app, *ANSWERS))


@pytest.mark.asyncio
async def test_the_keys_of_an_approval_are_all_below_it(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=SMALLEST) as pilot:
        app = await planned(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, shows(app, "a allow r for run A always… e edit x reject… "))


@pytest.mark.asyncio
async def test_a_question_that_is_longer_than_the_screen_is_read_by_pages(make_app: Make) -> None:
    app = make_app([[QUESTION, {"wait": True}]][0])
    async with app.run_test(notifications=True, size=SMALLEST) as pilot:
        await ask(pilot, "fine-tune it")
        await until(pilot, shows(app, "type it here, or Ctrl+G to"))
        await until(pilot, lambda: app.chat.talk.max_scroll_y > 0)
        seen: list[str] = []
        for _ in range(6):
            seen.append(text_of(app))
            await pilot.press("pageup")
            await pilot.pause()
        words = " ".join(" ".join(page.replace("█", " ").split()) for page in reversed(seen))
        assert "? Which of the files of this folder shall it be trained on?" in words
        assert words.count("your words name none of them") >= 6
        assert app.focused is app.chat.composer.entry, "one can still answer"
        for _ in range(6):
            await pilot.press("pagedown")
        await until(pilot, shows(app, "or type the answer"))
        await pilot.press("ctrl+g", "end")
        await until(pilot, shows(app, "12. data/of/summer/11/support.jsonl"))


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [SMALLEST, (80, 24), (100, 30), (160, 45)])
async def test_a_notice_covers_no_more_than_the_keys(make_app: Make, size: tuple[int, int]) -> None:
    async with make_app(asked()).run_test(notifications=True, size=size) as pilot:
        app = await planned(pilot)
        before = text_of(app).splitlines()
        app.notify("the rule stands at the end of policy.toml; F8 shows all of them, and what each of them decides", markup=False)
        await until(pilot, lambda: app.screen.query("Toast"))
        await until(pilot, shows(app, "the rule stands at the end of policy.toml"))
        toast = app.screen.query_one("Toast").region
        kept = [*app.chat.query("Button, .title, #head, #doing, #composer")]
        assert [widget for widget in kept if widget.display and toast.overlaps(widget.region)] == []
        if toast.height == 1:
            assert text_of(app).splitlines()[:-1] == before[:-1], "nothing has moved"
        app.clear_notifications()
        await until(pilot, lambda: text_of(app).splitlines() == before)


@pytest.mark.asyncio
async def test_the_end_of_the_card_stays_in_view_under_a_long_notice(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=SMALLEST) as pilot:
        app = await planned(pilot)
        app.notify("it comes next: the other process still works on its run; Ctrl+T pauses that", markup=False)
        await until(pilot, shows(app, "Ctrl+T pauses that", "Reject", "Say what you want", "waits for your answer"))
        assert app.chat.query_one(PlanCard).query_one("#edit_step", Button).region.area


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (80, "modelwright · session larkfield · gpt-of-mine · waits for you"),
        (58, "session larkfield · gpt-of-mine · waits for you"),
        (40, "session larkfield · waits for you"),
        (20, "waits for you"),
        (5, "waits for you"),
    ],
)
def test_the_line_at_the_top_leaves_out_what_matters_least(room: int, shown: str) -> None:
    parts = ["modelwright", "session larkfield", "gpt-of-mine", "waits for you"]
    assert fitted(parts, (-1, 1, 2), room) == shown


@pytest.mark.asyncio
async def test_how_things_stand_is_at_the_top_of_a_narrow_terminal_too(make_app: Make) -> None:
    async with make_app(asked()).run_test(notifications=True, size=(40, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: text_of(pilot.app).splitlines()[0].strip() == "session larkfield · waits for you")


@pytest.mark.asyncio
@pytest.mark.parametrize("key", ["f1", "f2", "f4", "f5", "f7", "f8", "f9", "ctrl+o"])
async def test_the_heads_of_the_screens_are_whole(make_app: Make, key: str) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=SMALLEST) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: app.screen is not app.chat and text_of(app).splitlines()[0].strip())
        assert "…" not in text_of(app).splitlines()[0]


@pytest.mark.asyncio
@pytest.mark.parametrize("width", [60, 80, 100])
async def test_a_comparison_shows_every_figure(make_app: Make, width: int) -> None:
    teller = lines.Teller()
    app = make_app([*lines.begin(teller), *lines.finish(teller)])
    async with app.run_test(notifications=True, size=(width, 40)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, shows(app, "▲ better", "[+0.500, +0.586]", "0.4100", "cannot tell"))
        assert not app.query_one(Pairs).show_horizontal_scrollbar


@pytest.mark.asyncio
@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", ["runs", "memory", "policy", "models", "sessions", "doctor", "tools"])
async def test_a_list_never_reaches_over_the_edge(make_app: Make, workspace: Path, width: int, name: str) -> None:
    db = Workspace(workspace).connect()
    past_runs.write_run(db, lines.REQUEST, past_runs.finetune(workspace))
    kept = Sessions(db)
    kept.end("older", kept.begin("older", "what is in train.jsonl?", "request", {"things": []}), "four rows", 0)
    db.close()
    with MemoryView.opened(Workspace(workspace), load(workspace), print) as view:
        view.add("deliveries take two weeks, never promise less")
    app = make_app([])
    async with app.run_test(notifications=True, size=(width, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await app.action_open(name)
        await until(pilot, lambda: app.screen.rows)  # type: ignore[attr-defined]
        shown = app.screen.query_one("#rows", DataTable)
        await until(pilot, lambda: shown.row_count)
        assert shown.virtual_size.width <= shown.size.width
