"""The row of keys at the bottom: whole words only, on a narrow terminal too, and nothing behind the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from modelwright.tui.app import Modelwright
from tests.tui import lines
from tests.tui.waiting import ask, text_of, until

Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


def bottom(app: Modelwright) -> str:
    return text_of(app).splitlines()[-1]


def words(app: Modelwright) -> list[str]:
    """The keys before the one of the palette, each with its words, as they are bound."""
    return [f"{app.get_key_display(b.binding)} {b.binding.description}" for b in app.screen.active_bindings.values() if b.binding.show]


async def settled(pilot: Pilot[Any]) -> str:
    app = pilot.app
    assert isinstance(app, Modelwright)
    await until(pilot, lambda: "▏^p" in bottom(app))
    return bottom(app)


@pytest.mark.parametrize("width", [50, 67, 80, 81, 100, 160])
async def test_keys_are_whole_in_every_width_and_nothing_follows_the_last(make_app: Make, width: int) -> None:
    app = make_app([*lines.begin(lines.Teller()), lines.pending(), {"wait": True}])
    async with app.run_test(notifications=True, size=(width, 24)) as pilot:
        await ask(pilot, lines.REQUEST)
        await until(pilot, lambda: app.chat.waiting)
        for key_to, there in (("escape", "send"), ("ctrl+g", "allow")):
            await pilot.press(key_to)
            await until(pilot, lambda there=there: there in bottom(app))  # type: ignore[misc]
            row = await settled(pilot)
            keys, _, palette = row.partition("▏")
            assert palette.rstrip() in ("^p palette", "^p")
            left = keys.rstrip()
            for key in words(app):
                left = left.removeprefix(key).lstrip() if left.startswith(key) else left
            assert left == "", f"cut: {row!r}"


async def test_a_wider_terminal_shows_more_keys(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(50, 24)) as pilot:
        few = await settled(pilot)
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: "f5 memory" in bottom(app))
        assert "f5 memory" not in few
