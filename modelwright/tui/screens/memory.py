"""What is remembered: where each row came from, which runs used it; approve, hide, forget, purge, add."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.screens.table import Row, TableScreen, json_text
from modelwright.tui.texts import lines, plain

if TYPE_CHECKING:
    from modelwright.agent.memory_view import MemoryView

MOST = 1000


class MemoryScreen(TableScreen):
    HEAD = "Memory · x forgets the highlighted row, h hides it, y approves what waits, + adds"
    COLUMNS = ("id", "kind", "trust", "since", "text")
    EMPTY = "nothing is remembered yet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "forget", "forget"),
        Binding("h", "hide", "hide"),
        Binding("y", "approve", "approve"),
        Binding("plus", "add", "add"),
        Binding("P", "purge", "purge", show=False),
    ]

    @contextmanager
    def _opened(self) -> Iterator[MemoryView | None]:
        from modelwright import config
        from modelwright.agent.memory_view import MemoryView
        from modelwright.workspace import Workspace

        workspace = Workspace(self.root)
        if not workspace.database.is_file():
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
            found = view.show(int(row.key)) if view else {}
        waits = [(f"waits for you: {row.thing['quarantined']}", "bold")] if row.thing["quarantined"] else []
        return lines(*waits, *(Content.assemble((f"{name}  ", "bold"), plain(_value(value))) for name, value in found.items()))

    def _act(self, act: Callable[[Any], Any], said: str) -> None:
        def work() -> None:
            with self._opened() as view:
                act(view)

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
            self._act(lambda view: view.approve(int(row.key)), f"memory {row.key} is approved")

    def _confirmed(self, verb: str, what: str, act: Callable[[Any, int], Any]) -> None:
        from modelwright.tui.screens.ask import Confirm

        row = self.current()
        if row is None:
            return

        def told(yes: bool | None) -> None:
            if yes:
                self._act(lambda view: act(view, int(row.key)), f"memory {row.key}: {verb} done")

        self.app.push_screen(Confirm(f"{verb.capitalize()} {row.key}?", f"{row.thing['text']}\n\n{what}", yes=verb.capitalize()), told)

    def action_add(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def told(text: str | None) -> None:
            if text and text.strip():
                self._act(lambda view: view.add(text.strip()), "remembered")

        self.app.push_screen(AskLine("What shall be remembered?"), told)


def _cells(entry: Any) -> list[str]:
    mark = "? " if entry["quarantined"] else ""
    since = time.strftime("%Y-%m-%d", time.localtime(entry["created"]))
    return [str(entry["id"]), entry["kind"], entry["trust"], since, mark + entry["text"]]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
