"""How it looks: the screens that a person sees most, at 80x24 and wide, dark and light.

`pytest tests/tui/test_snapshots.py --snapshot-update` draws them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from modelwright.tui.app import DARK, LIGHT, Modelwright
from modelwright.tui.widgets.linelog import LineLog
from modelwright.tui.widgets.results import ResultCard
from tests.tui import lines
from tests.tui.waiting import shows, text_of, until

Make = Callable[..., Modelwright]
Json = dict[str, Any]
SMALL, WIDE = (80, 24), (140, 40)


def turn(upto: int | None = None, *, ended: bool = False) -> list[Json]:
    teller = lines.Teller()
    said = [*lines.begin(teller), lines.pending(), {"wait": True}, *lines.training(teller, 40, upto)]
    return [*said, *(lines.finish(teller) if ended else [{"wait": True}])]


async def plan(pilot: Pilot[Any], theme: str = DARK) -> None:
    app = pilot.app
    app.theme = theme
    await until(pilot, lambda: app.turns.ready)
    app.chat.composer.entry.cursor_blink = False
    app.chat.composer.put(lines.REQUEST)
    await pilot.press("enter")
    await until(pilot, shows(app, "Allow s1 finetune?", "Reject"))
    await until(pilot, lambda: "looking at what" not in text_of(app))


async def live(pilot: Pilot[Any], theme: str = DARK) -> None:
    await plan(pilot, theme)
    await pilot.press("ctrl+g", "a", "enter")
    await until(pilot, lambda: pilot.app.view.steps["s1"].at == 25 and pilot.app.chat.live_card)
    pilot.app.view.memory_in_use = 2_100_000_000
    pilot.app.show_run()
    await until(pilot, shows(pilot.app, "25/40", "loss:", "2.1 GB in use"))


async def result(pilot: Pilot[Any], theme: str = DARK) -> None:
    await plan(pilot, theme)
    await pilot.press("ctrl+g", "a", "enter")
    await until(pilot, lambda: pilot.app.chat.query(ResultCard))
    await until(pilot, shows(pilot.app, "done and verified", "biggest gain"), "the card from its beginning")


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["small", "wide"])
def test_empty(make_app: Make, snap_compare: Any, size: tuple[int, int]) -> None:
    async def opened(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: pilot.app.turns.ready)
        pilot.app.chat.composer.entry.cursor_blink = False

    assert snap_compare(make_app([]), terminal_size=size, run_before=opened)


@pytest.mark.parametrize(("size", "theme"), [(SMALL, DARK), (WIDE, LIGHT)], ids=["small-dark", "wide-light"])
def test_plan(make_app: Make, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(make_app(turn()), terminal_size=size, run_before=lambda pilot: plan(pilot, theme))


@pytest.mark.parametrize(("size", "theme"), [(SMALL, LIGHT), (WIDE, DARK)], ids=["small-light", "wide-dark"])
def test_live(make_app: Make, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(make_app(turn(25)), terminal_size=size, run_before=lambda pilot: live(pilot, theme))


def test_live_screen(make_app: Make, snap_compare: Any) -> None:
    async def whole_screen(pilot: Pilot[Any]) -> None:
        await live(pilot)
        await pilot.press("f3")
        await until(pilot, shows(pilot.app, "Live run", "train step 25 of 40 · loss", "tokens per second:"))
        log = pilot.app.screen.query_one(LineLog)
        await until(pilot, lambda: log.vertical_scrollbar.position == log.max_scroll_y > 0, "the end of the log is shown")

    assert snap_compare(make_app(turn(25)), terminal_size=WIDE, run_before=whole_screen)


def test_source(make_app: Make, snap_compare: Any) -> None:
    async def source(pilot: Pilot[Any]) -> None:
        await plan(pilot)
        await pilot.press("ctrl+g", "s", "s", "s")
        await until(pilot, shows(pilot.app, "› lora_rank = 8", "«rank 8»"))

    assert snap_compare(make_app(turn()), terminal_size=WIDE, run_before=source)


@pytest.mark.parametrize(("size", "theme"), [(SMALL, DARK), (WIDE, LIGHT)], ids=["small-dark", "wide-light"])
def test_result(make_app: Make, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(make_app(turn(ended=True)), terminal_size=size, run_before=lambda pilot: result(pilot, theme))


def test_form(make_app: Make, snap_compare: Any) -> None:
    async def form(pilot: Pilot[Any]) -> None:
        await plan(pilot)
        await pilot.press("ctrl+g", "e")
        await until(pilot, shows(pilot.app, "this checks"))
        pilot.app.screen.query_one("#f-model", Input).cursor_blink = False

    assert snap_compare(make_app(turn()), terminal_size=SMALL, run_before=form)


def test_always(make_app: Make, snap_compare: Any) -> None:
    async def always(pilot: Pilot[Any]) -> None:
        await plan(pilot)
        for button in pilot.app.chat.query(Button):
            button.active_effect_duration = 0  # else it may stay drawn as pressed below the question
        await pilot.press("ctrl+g", "A", "enter")
        await until(pilot, shows(pilot.app, "Always?"))
        await until(pilot, lambda: " leave" in text_of(pilot.app), "the keys at the foot are those of the question")

    assert snap_compare(make_app(turn()), terminal_size=WIDE, run_before=always)


def test_help(make_app: Make, snap_compare: Any) -> None:
    async def help_page(pilot: Pilot[Any]) -> None:
        await pilot.press("f1")
        await until(pilot, shows(pilot.app, "/runs"))

    assert snap_compare(make_app([]), terminal_size=SMALL, run_before=help_page)
