"""A log shows its end as long as nobody scrolled up, also when the part above it grows."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from modelwright.tui.widgets.linelog import LineLog
from modelwright.tui.widgets.plain import Plain
from tests.tui.waiting import shows, text_of, until

pytestmark = pytest.mark.asyncio
LINES = [f"line {n}." for n in range(200)]


class LogBelow(App[None]):
    CSS = "LineLog { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Plain("above")
        yield LineLog()

    def grow(self, rows: int = 10) -> None:
        self.query_one(Plain).say("\n".join(["above"] * rows))


async def test_the_end_stays_when_the_log_gets_smaller_and_more_lines_come() -> None:
    app, lines = LogBelow(), list(LINES)
    async with app.run_test(size=(40, 24)) as pilot:
        log = app.query_one(LineLog)
        log.show(lines)
        await until(pilot, shows(app, "line 199."))
        app.grow()
        await until(pilot, lambda: log.size.height == 14)
        await until(pilot, shows(app, "line 199."))
        lines.append("the last")
        log.show(lines)
        await until(pilot, shows(app, "the last"))


async def test_a_reader_who_scrolled_up_stays_there_when_the_log_gets_smaller() -> None:
    app = LogBelow()
    async with app.run_test(size=(40, 24)) as pilot:
        log = app.query_one(LineLog)
        log.show(LINES)
        await until(pilot, shows(app, "line 199."))
        log.scroll_to(y=50, animate=False)
        await until(pilot, shows(app, "line 50."))
        app.grow()
        await until(pilot, lambda: log.size.height == 14)
        assert "line 50." in text_of(app)


async def test_a_text_that_is_not_followed_stays_at_its_beginning() -> None:
    app = LogBelow()
    async with app.run_test(size=(40, 24)) as pilot:
        log = app.query_one(LineLog)
        log.show(LINES, follow=False)
        await until(pilot, shows(app, "line 0."))
        app.grow()
        await until(pilot, lambda: log.size.height == 14)
        assert "line 0." in text_of(app)
