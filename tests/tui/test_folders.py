"""Completion inside folders: a completed folder offers what is in it, until a file is named or the line is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from modelwright.tui.app import Modelwright
from modelwright.tui.widgets import files
from modelwright.tui.widgets.files import Files
from tests.tui.waiting import shows, text_of, until

Make = Callable[..., Modelwright]


@pytest.fixture
def examples(workspace: Path) -> Path:
    for name in (
        "examples/README.md",
        "examples/tone/train.jsonl",
        "examples/tone/deep/a.jsonl",
        "examples/zoo/b.jsonl",
        "an_examples.txt",
    ):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).touch()
    return workspace


def test_in_a_folder_what_stands_in_it_comes_before_what_is_deeper(examples: Path) -> None:
    found = Files(examples).like("examples/")
    assert found[:3] == ["examples/README.md", "examples/tone/", "examples/zoo/"]
    assert set(found[3:]) == {"examples/tone/deep/", "examples/tone/deep/a.jsonl", "examples/tone/train.jsonl", "examples/zoo/b.jsonl"}
    assert Files(examples).like("examples/to")[0] == "examples/tone/"
    assert Files(examples).like("Tone/tr") == ["examples/tone/train.jsonl"]


def test_a_folder_that_is_named_is_looked_into_when_a_full_look_ends_before_it(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 6)
    found = Files(examples)
    assert found.like("examples/zoo/") == ["examples/zoo/b.jsonl"]
    assert found.like("b.json") == [], "the look from the root ends before it"


def test_folders_outside_are_not_looked_into(examples: Path) -> None:
    (examples.parent / "beside.jsonl").touch()
    assert Files(examples).like("../") == []
    assert Files(examples).like(f"{examples.parent}/") == []


def test_names_of_files_lose_their_at_and_other_words_keep_it(examples: Path) -> None:
    plainly = Files(examples).named_plainly
    assert plainly("what is in @examples/tone/? and @an_examples.txt.") == "what is in examples/tone/? and an_examples.txt."
    assert plainly("mail me@examples or @nobody") == "mail me@examples or @nobody"


@pytest.mark.asyncio
@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_a_completed_folder_goes_on_inside_it_down_to_a_file(make_app: Make, examples: Path, key: str) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await pilot.press(*"look at @exam")
        await until(pilot, shows(app, "@examples/"))
        await pilot.press(key)
        assert app.chat.composer.text == "look at @examples/"
        await until(pilot, shows(app, "@examples/README.md", "@examples/zoo/"))
        await pilot.press("down", key)
        assert app.chat.composer.text == "look at @examples/tone/"
        await pilot.press(*"tr")
        await until(pilot, lambda: app.chat.query_one("#choices", OptionList).option_count == 1)
        await pilot.press(key)
        assert app.chat.composer.text == "look at examples/tone/train.jsonl "
        assert not app.chat.composer.is_choosing


@pytest.mark.asyncio
async def test_a_folder_itself_is_sent_without_its_at(make_app: Make, examples: Path, heard: Callable[[], list[Any]]) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: app.turns.ready)
        await pilot.press(*"look at @examples/", "escape", "enter")
        await until(pilot, lambda: heard() == [{"do": "say", "text": "look at examples/"}])


@pytest.mark.asyncio
async def test_tab_completes_also_after_the_list_was_closed_and_never_leaves_the_line(make_app: Make, examples: Path) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await pilot.press(*"@exam", "escape", "tab")
        assert app.chat.composer.text == "@examples/"
        await pilot.press(*"nothing", "tab", *"x")
        assert app.chat.composer.text == "@examples/nothingx"
        assert "@examples/README.md" not in text_of(app)
