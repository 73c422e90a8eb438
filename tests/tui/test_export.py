"""/export with a word behind it, and /new with two: what is taken, what is refused, and that no file is written over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modelwright.agent.sessions import Sessions
from modelwright.tui.app import Modelwright
from modelwright.workspace import Workspace
from tests.tui.waiting import ask, shows, until

Make = Callable[..., Modelwright]
pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def talk(workspace: Path) -> Iterator[sqlite3.Connection]:
    with closing(Workspace(workspace).connect()) as db:
        kept = Sessions(db)
        kept.end("larkfield", kept.begin("larkfield", "what is in train.jsonl?", "answer", {}), "four rows", 0)
        yield db


@pytest.mark.parametrize(
    ("words", "name"),
    [("", "session-larkfield.md"), ("json", "session-larkfield.json"), ("notes.json", "notes.json"), ("notes.md", "notes.md")],
)
async def test_a_word_behind_export_is_the_format_or_the_file(make_app: Make, workspace: Path, words: str, name: str) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await ask(pilot, f"/export {words}".strip())
        await until(pilot, (workspace / name).is_file)
        written = (workspace / name).read_text()
        assert (json.loads(written)["turns"][0]["answer"] if name.endswith("json") else written.splitlines()[0]) in (
            "four rows",
            "# Session larkfield",
        )


@pytest.mark.parametrize("words", ["pdf", "notes.txt", "nowhere/notes.md"])
async def test_another_word_is_refused_with_what_can_be_said(make_app: Make, workspace: Path, words: str) -> None:
    before = sorted(workspace.iterdir())
    app = make_app([])
    async with app.run_test(notifications=True, size=(160, 40)) as pilot:
        await ask(pilot, f"/export {words}")
        await until(pilot, shows(app, "there is no folder" if "/" in words else "/export json, or a file"))
        assert [path for path in sorted(workspace.iterdir()) if path not in before] == []


async def test_a_file_that_is_there_stays_and_the_new_one_gets_a_number(make_app: Make, workspace: Path) -> None:
    (workspace / "notes.md").write_text("mine")
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await ask(pilot, "/export notes.md")
        await until(pilot, (workspace / "notes-2.md").is_file)
        assert (workspace / "notes.md").read_text() == "mine"


async def test_two_words_name_a_conversation(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await ask(pilot, "/new second try")
        await until(pilot, lambda: app.session == "second-try")
