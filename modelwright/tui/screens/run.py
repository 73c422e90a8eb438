"""The run as it moves, on a whole screen: steps, curves, and the log with search (its events, or what the child process wrote)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input

from modelwright.tui.widgets.linelog import LineLog
from modelwright.tui.widgets.live import LiveCard
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright

LOG_BYTES = 8_000_000
"""of a child's log that are read, from its end"""


class RunScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("p", "app.pause", "pause"),
        Binding("x", "app.cancel", "cancel"),
        Binding("b", "app.budget", "budget"),
        Binding("l", "log", "events or log"),
        Binding("slash", "search", "search"),
        Binding("n", "find(1)", "next"),
        Binding("N", "find(-1)", "last", show=False),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._of_child = False
        self._child_lines: list[str] = []

    @property
    def _app(self) -> Modelwright:
        return cast("Modelwright", self.app)

    def compose(self) -> ComposeResult:
        yield Plain(" Live run", id="head")
        yield LiveCard(self._app.view, charts=2)
        yield Input(placeholder="search the log, Enter goes to it", id="search", compact=True)
        yield LineLog(id="log")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.query_one(LineLog).focus()
        self.call_after_refresh(self.show_run)

    def show_run(self) -> None:
        card = self.query_one(LiveCard)
        card.view = self._app.view
        card.show()
        self.query_one(LineLog).show(self._lines())

    def _lines(self) -> Sequence[str]:
        return self._child_log() if self._of_child else self._app.view.log

    def _child_log(self) -> list[str]:
        """What the newest child process of this run wrote."""
        from modelwright.tui.link import job_log

        path = job_log(self._root, time.time() - 24 * 3600)
        if path is None:
            return ["no child process has written a log"]
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - LOG_BYTES))
            found = stream.read().decode("utf-8", "replace").splitlines()
        if len(found) != len(self._child_lines):
            self._child_lines = found
        return self._child_lines

    def action_log(self) -> None:
        self._of_child = not self._of_child
        self.show_run()

    def action_search(self) -> None:
        self.add_class("searching")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one(LineLog).wanted = event.value

    def on_input_submitted(self) -> None:
        self.query_one(LineLog).focus()
        self.action_find(1)

    def action_find(self, by: int) -> None:
        if not self.query_one(LineLog).find(by):
            self.notify("nothing like that in the log", markup=False)

    def action_back(self) -> None:
        if self.query_one(Input).has_focus:
            self.remove_class("searching")
            self.query_one(Input).value = ""
            self.query_one(LineLog).focus()
        else:
            self.app.pop_screen()
