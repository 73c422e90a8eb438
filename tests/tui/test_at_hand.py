"""What an error says to do on the command line, as the app says it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.at_hand import HERE, at_hand, key_of
from modelwright.tui.commands import COMMANDS
from tests.tui.waiting import ask, shows, text_of, until

WRONG = {"type": "BadRequest", "message": "quantize.types.0: 'Q8' is no quantization type; did you mean Q8_0?"}


@pytest.mark.parametrize(
    ("line", "here"),
    [
        ("see `modelwright tools quantize`", "see F4 (quantize)"),
        ("see `modelwright tools`", "see F4"),
        ("look at its arguments: modelwright tools quantize", "look at its arguments: F4 (quantize)"),
        ("is the server running? see `modelwright models`", "is the server running? see F9"),
        ("see `modelwright doctor`", "see F7"),
        ("modelwright doctor", "F7"),
        ("see `modelwright show r261122-k7f2`", "see F2 (r261122-k7f2)"),
        ("see `modelwright sessions`", "see Ctrl+O"),
        ("see `modelwright memory list`", "see F5"),
        ("modelwright resume r261122-k7f2 --max-seconds N", "/budget seconds N"),
        ("free some space, then modelwright resume r261122-k7f2", 'free some space, then say "go on"'),
        ("merge it first: modelwright call export_model format=hf", "merge it first: F4 (export_model format=hf)"),
        ("until `modelwright memory reindex notes`", "until `modelwright memory reindex notes`"),
        ("what `modelwright call benchmark … --json` printed", "what `modelwright call benchmark … --json` printed"),
        ("modelwright keeps its own records in .modelwright", "modelwright keeps its own records in .modelwright"),
    ],
)
def test_a_command_of_the_line_is_named_by_what_does_it_here(line: str, here: str) -> None:
    assert at_hand(line) == here


def test_every_place_that_is_named_is_there() -> None:
    names = {command.name for command in COMMANDS}
    assert set(HERE.values()) <= names
    assert all(re.fullmatch(r"F\d|Ctrl\+\w|/\w+", key_of(name)) for name in names)


@pytest.mark.asyncio
async def test_an_error_in_the_app_names_keys_and_joins_its_parts_by_one_mark(make_app: Callable[..., Modelwright]) -> None:
    app = make_app([{"error": {**WRONG, "fix": "see `modelwright tools quantize`"}, "exit_code": 2}])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await ask(pilot, "quantize it")
        await until(pilot, shows(app, "did you mean Q8_0?", "fix: see F4 (quantize)"))
        assert "modelwright tools" not in text_of(app)
        app.notify(f"{WRONG['message']} see `modelwright tools quantize`", severity="error", markup=False)
        await until(pilot, shows(app, "✗ quantize.types.0: 'Q8'", "Q8_0? see F4 (quantize)"))


@pytest.mark.asyncio
async def test_a_form_that_does_not_check_names_keys(make_app: Callable[..., Modelwright], workspace: Path) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("f4", "slash", *"quantize", "enter")
        await until(pilot, lambda: [row.key for row in app.screen.shown] == ["quantize"])  # type: ignore[attr-defined]
        await pilot.press("c")
        await until(pilot, lambda: app.screen.query("#f-types"))
        app.screen.query_one("#f-types").value = "Q8"  # type: ignore[attr-defined]
        await until(pilot, shows(app, "did you mean", "F4 (quantize)"))
        assert "?." not in text_of(app)
        assert "modelwright tools" not in text_of(app)
