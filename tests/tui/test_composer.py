"""Where one writes: history, several lines, paste, completion of files and commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets.files import Files
from tests.tui.waiting import shows, until

Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


async def test_up_walks_through_what_was_said_and_down_comes_back_to_the_draft(make_app: Make) -> None:
    app = make_app([], [])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        composer = app.chat.composer
        composer.history = ["first", "second"]
        await pilot.press(*"draft", "up", "up")
        assert composer.text == "first"
        await pilot.press("down", "down")
        assert composer.text == "draft"


async def test_several_lines_are_written_and_pasted_and_sent_as_one(make_app: Make, heard: Callable[[], list[dict[str, str]]]) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press("a", "ctrl+j", "b")
        app.post_message(events.Paste("\nc\nd [red]"))
        await until(pilot, lambda: app.chat.composer.text == "a\nb\nc\nd [red]")
        await pilot.press("enter")
        await until(pilot, lambda: heard() == [{"do": "say", "text": "a\nb\nc\nd [red]"}])


async def test_an_at_completes_a_file_and_leaves_its_plain_path(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await pilot.press(*"look at @tra")
        await until(pilot, shows(app, "@train.jsonl"))
        await pilot.press("tab")
        assert app.chat.composer.text == "look at train.jsonl "


async def test_a_slash_completes_a_command_and_enter_does_it(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await pilot.press(*"/too")
        await until(pilot, shows(app, "/tools"))
        await pilot.press("tab", "enter")
        await until(pilot, shows(app, "inspect_dataset", "what it does"))


async def test_an_unknown_command_is_said_and_not_sent(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await pilot.press(*"/zzz", "enter")
        await until(pilot, shows(app, "there is no /zzz"))
        assert not app.turns.busy


async def test_files_that_begin_as_typed_come_first_and_hidden_ones_never(workspace: Path) -> None:
    for name in ("a_train.jsonl", "train.jsonl", ".train", "sub/train2.jsonl", ".git/train"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).touch()
    assert Files(workspace).like("train") == ["sub/train2.jsonl", "train.jsonl", "a_train.jsonl"]
