"""Commands are found by their names, by what they do, and by other words for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelwright.tui.app import Modelwright
from modelwright.tui.commands import COMMANDS, Palette, named

Make = Callable[..., Modelwright]
MEANT = {
    "theme": "/dark",
    "colour": "/dark",
    "exit": "/quit",
    "history": "/runs",
    "chats": "/sessions",
    "settings": "/models",
    "rules": "/policy",
    "shortcuts": "/help",
    "abort": "/cancel",
    "limits": "/budget",
    "health": "/doctor",
    "save": "/export",
    "theme light": "/dark",
    "export conversation": "/export",
}


@pytest.mark.asyncio
async def test_the_palette_finds_each_command_by_other_words_for_it(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(80, 24)):
        palette = Palette(app.screen)
        for words, name in MEANT.items():
            hits = sorted([hit async for hit in palette.search(words)], key=lambda hit: -hit.score)
            assert hits[0].text == name, words
        both = sorted([hit async for hit in palette.search("history")], key=lambda hit: -hit.score)
        assert {hit.text for hit in both[:2]} == {"/runs", "/sessions"}
        assert not [hit async for hit in palette.search("zzzz")]


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("/theme", "/dark", ""),
        ("/exit", "/quit", ""),
        ("/limits seconds 60", "/budget", "seconds 60"),
        ("/q", "/quit", ""),
        ("/run", "/run", ""),
    ],
)
def test_a_command_is_called_by_another_word_for_it_too(text: str, name: str, rest: str) -> None:
    found, words = named(text)
    assert found is not None
    assert (found.name, words) == (name, rest)


def test_what_is_no_word_for_anything_is_no_command() -> None:
    assert named("/sing")[0] is None


def test_a_beginning_means_the_same_as_before_other_words_for_it() -> None:
    for command in COMMANDS:
        assert named(command.name[:3])[0] is next(c for c in COMMANDS if c.name.startswith(command.name[:3]))


@pytest.mark.asyncio
async def test_each_key_that_is_shown_for_a_command_does_what_the_command_does(make_app: Make) -> None:
    app = make_app([])
    async with app.run_test(size=(80, 24)):
        bound = {key: active.binding.action for key, active in app.screen.active_bindings.items()}
        assert {c.key: bound.get(c.key) for c in COMMANDS if c.key} == {c.key: c.action for c in COMMANDS if c.key}
