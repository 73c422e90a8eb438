"""A text on a screen of its own, with search: a diff, a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.linelog import LineLog
from modelwright.tui.widgets.plain import Plain


class TextScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("slash", "search", "search"),
        Binding("n", "find(1)", "find next"),
        Binding("N", "find(-1)", "find before"),
    ]

    def __init__(self, head: str, text: str | Sequence[str]) -> None:
        super().__init__()
        self._head, self._lines = head, text.splitlines() if isinstance(text, str) else text

    def compose(self) -> ComposeResult:
        yield Plain(f" {self._head}", id="head")
        yield Input(placeholder="search", id="filter", compact=True)
        yield LineLog(id="text")
        yield Keys(compact=True)

    def on_mount(self) -> None:
        self.query_one(LineLog).focus()
        self.call_after_refresh(self.query_one(LineLog).show, self._lines, follow=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one(LineLog).wanted = event.value

    def on_input_submitted(self) -> None:
        self.query_one(LineLog).focus()
        self.action_find(1)

    def action_search(self) -> None:
        self.query_one(Input).focus()

    def action_find(self, by: int) -> None:
        if not self.query_one(LineLog).find(by):
            self.notify("nothing like that", markup=False)

    def action_back(self) -> None:
        if self.query_one(Input).has_focus:
            self.query_one(LineLog).focus()
        else:
            self.app.pop_screen()
