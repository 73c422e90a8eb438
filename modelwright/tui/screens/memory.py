"""What is remembered: where each row came from, which runs used it; approve, hide, forget, purge, add."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.remembered import told
from modelwright.tui.screens.table import Row, TableScreen, json_text
from modelwright.tui.texts import plain, when

if TYPE_CHECKING:
    from modelwright.agent.memory_view import MemoryView
    from modelwright.types import Json

MOST = 1000
GATE = {
    "accept": "it is remembered",
    "merge": "it was known already",
    "supersede": "it is remembered instead of what was said before",
    "quarantine": "it waits for your yes",
    "reject": "it is not remembered",
}


class MemoryScreen(TableScreen):
    HEAD = "Memory · what later plans may use · where it came from"
    COLUMNS = ("id", "kind", "trust", "since", "text")
    SPARE = ("trust", "since", "kind")
    EMPTY = "nothing is remembered yet: runs that end well are, and what + adds"
    OF_A_ROW = frozenset({"forget", "hide", "approve", "purge"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "forget", "forget"),
        Binding("h", "hide", "hide"),
        Binding("y", "approve", "approve"),
        Binding("plus", "add", "add"),
        Binding("r", "raw", "raw"),
        Binding("P", "purge", "purge", show=False),
    ]

    @contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[MemoryView | None]:
        """None where nothing was ever run, unless it is to be made."""
        from modelwright import config
        from modelwright.agent.memory_view import MemoryView
        from modelwright.workspace import Workspace

        workspace = Workspace(self.root)
        if not make and not workspace.database.is_file():
            yield None
            return
        with MemoryView.opened(workspace, config.load(self.root), lambda message: None) as view:
            yield view

    def read(self) -> list[Row]:
        with self._opened() as view:
            found = [*view.entries(limit=MOST, quarantined=True), *view.entries(limit=MOST)] if view else []
        return [Row(str(entry["id"]), _cells(entry), entry) for entry in found]

    def tell(self, row: Row) -> Content:
        with self._opened() as view:
            return told(view.show(int(row.key)), self.text_width) if view else plain("")

    def raw(self, row: Row) -> str:
        with self._opened() as view:
            return json_text(view.show(int(row.key))) if view else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current()
        if action == "approve":
            return bool(row and row.thing["quarantined"])
        return super().check_action(action, parameters)

    def _act(self, act: Callable[[MemoryView], Json], said: str = "") -> None:
        """Do something to the memory; where the write gate says no, or something else than was wanted, that is told."""

        def work() -> str:
            with self._opened(make=True) as view:
                assert view is not None
                return _gate_said(act(view))

        self.do(work, said)

    def action_forget(self) -> None:
        self._confirmed("forget", "It is taken out of memory and its traces are wiped.", lambda view, item: view.forget([item]))

    def action_purge(self) -> None:
        self._confirmed("purge", "It is taken out of memory, runs and checkpoints.", lambda view, item: view.purge([item]))

    def action_hide(self) -> None:
        if row := self.current():
            self._act(lambda view: view.hide([int(row.key)]), f"memory {row.key} is hidden")

    def action_approve(self) -> None:
        if row := self.current():
            self._act(lambda view: view.approve(int(row.key)), f"memory {row.key}")

    def _confirmed(self, verb: str, what: str, act: Callable[[Any, int], Any]) -> None:
        from modelwright.tui.screens.ask import Confirm

        row = self.current()
        if row is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(lambda view: act(view, int(row.key)), f"memory {row.key}: {verb} done")

        self.app.push_screen(Confirm(f"{verb.capitalize()} {row.key}?", f"{row.thing['text']}\n\n{what}", yes=verb.capitalize()), answered)

    def action_add(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def answered(text: str | None) -> None:
            if text and text.strip():
                self._act(lambda view: view.add(text.strip()))

        self.app.push_screen(AskLine("What shall be remembered?"), answered)


def _cells(entry: Any) -> list[str]:
    mark = "? " if entry["quarantined"] else ""
    return [str(entry["id"]), entry["kind"], entry["trust"], when(entry["created"]), mark + entry["text"].replace("\n", " · ")]


def _gate_said(found: Json) -> str:
    """What became of a proposal; empty for what is no decision of the gate."""
    if "action" not in found:
        return ""
    why = f": {found['reason']}" if found["action"] in ("quarantine", "reject") else ""
    return GATE[found["action"]] + why
