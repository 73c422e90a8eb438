"""The run as it moves, on a whole screen: steps, curves, and the log with search (its events, or what the child process wrote)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from modelwright.tui import clock
from modelwright.tui.tail import Tail, job_log
from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.linelog import LineLog
from modelwright.tui.widgets.live import LiveCard
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright


NO_LOG = ["no child process of this run has written anything yet; l shows the events"]


class RunScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("p", "app.pause", "pause"),
        Binding("x", "app.cancel", "cancel"),
        Binding("b", "app.budget", "budget"),
        Binding("l", "log", "events or log"),
        Binding("c", "curve", "next curve"),
        Binding("slash", "search", "search"),
        Binding("n", "find(1)", "find next"),
        Binding("N", "find(-1)", "find before", show=False),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._of_child = False
        self._tail = Tail()

    @property
    def _app(self) -> Modelwright:
        return cast("Modelwright", self.app)

    def compose(self) -> ComposeResult:
        yield Plain(" Live run", id="head")
        yield LiveCard(self._app.view, charts=2)
        yield Input(placeholder="search the log, Enter goes to it", id="search", compact=True)
        yield LineLog(id="log")
        yield Keys(compact=True)

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

    def _child_log(self) -> Sequence[str]:
        """What the newest child process of this run wrote."""
        began = min((step.started for step in self._app.view.steps.values() if step.started), default=clock.now())
        path = job_log(self._root, began)
        return (self._tail.look(path) if path else None) or NO_LOG

    def action_curve(self) -> None:
        if not self.query_one(LiveCard).turn():
            self.notify("there is no other curve", markup=False)

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
