"""Saying and waiting in pilot tests: until something is so, and not for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from modelwright.tui.screens.ask import ChooseTool
from modelwright.tui.screens.step_form import StepForm


async def until(pilot: Pilot[Any], holds: Callable[[], Any], what: str = "") -> None:
    """Let the app work until this holds; a quarter of a minute at most."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        await pilot.pause(0.02)
        try:
            if holds():
                await pilot.pause()
                return
        except Exception:  # not there yet
            continue
    raise AssertionError(f"it did not happen: {what}\n{text_of(pilot.app)}")


async def ask(pilot: Pilot[Any], text: str) -> None:
    """Say something, as soon as somebody listens."""
    app = pilot.app
    await until(pilot, lambda: app.turns.ready, "the worker is ready")
    app.chat.composer.put(text)
    await pilot.press("enter")


async def add_step(pilot: Pilot[Any], tool: str, **fields: str) -> None:
    """Put a step at the end of the plan that has the focus: `n`, the tool, the form."""
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, ChooseTool))
    await pilot.press(*tool, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, StepForm))
    for name, value in fields.items():
        pilot.app.screen.query_one(f"#f-{name}", Input).value = value
    await until(pilot, shows(pilot.app, "this checks"))
    await pilot.press("ctrl+s")


def text_of(app: Any) -> str:
    """What stands on the screen, as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def shows(app: Any, *words: str) -> Callable[[], bool]:
    return lambda: all(word in text_of(app) for word in words)
