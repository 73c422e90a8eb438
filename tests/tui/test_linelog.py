"""A log of 100,000 lines."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from modelwright.tui.widgets.linelog import LineLog
from tests.tui.waiting import text_of

pytestmark = pytest.mark.asyncio
LINES = [f"line {n} [red]{'needle' if n == 77_777 else ''}\x1b[31m" for n in range(100_000)]


class OneLog(App[None]):
    def compose(self) -> ComposeResult:
        yield LineLog()


async def test_it_follows_the_end_scrolls_and_finds_a_line() -> None:
    app = OneLog()
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.query_one(LineLog)
        log.show(LINES)
        await pilot.pause()
        await pilot.pause()
        assert "line 99999 [red]" in text_of(app)
        assert "\x1b" not in text_of(app)
        log.wanted = "NEEDLE"
        assert log.find()
        await pilot.pause()
        assert "line 77777" in text_of(app)
        log.wanted = "not there"
        assert not log.find()


async def test_a_reader_who_scrolled_up_is_left_there_when_lines_come() -> None:
    app = OneLog()
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.query_one(LineLog)
        lines = [f"line {n}" for n in range(1000)]
        log.show(lines)
        await pilot.pause()
        log.scroll_to(y=100, animate=False)
        await pilot.pause()
        lines.append("one more")
        log.show(lines)
        await pilot.pause()
        assert log.scroll_offset.y == 100
