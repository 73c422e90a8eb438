"""A trace, event by event: filter it, or replay it step by step and see the run as it stood then."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer

from modelwright.tui.data import database
from modelwright.tui.outlined import rows_of
from modelwright.tui.screens.table import Row, TableScreen, json_text
from modelwright.tui.state import RunView
from modelwright.tui.steps import SIGNS
from modelwright.tui.texts import labelled, lines
from modelwright.tui.told import told


class TraceScreen(TableScreen):
    COLUMNS = ("#", "time", "step", "type", "what")
    SPARE = ("time", "#")
    EMPTY = "this run left no events"
    OF_A_ROW = frozenset({"step", "play"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,right", "step(1)", "next event"),
        Binding("k,left", "step(-1)", "event before"),
        Binding("space", "play", "play"),
        Binding("r", "raw", "raw"),
    ]

    def __init__(self, root: Path, run: str) -> None:
        super().__init__(root)
        self.run = run
        self._playing: Timer | None = None

    @property
    def head(self) -> str:
        return f"Trace of {self.run} · each event · how the run stood then"

    def read(self) -> list[Row]:
        from modelwright.agent import trace

        with database(self.root) as db:
            found = list(trace.read(db, self.run)) if db else []
        rows = []
        for event in found:
            clock = time.strftime("%H:%M:%S", time.localtime(event.time))
            cells = [str(event.seq), clock, event.step or "-", event.type.value, told(event.type.value, event.data)]
            rows.append(Row(str(event.seq), cells, event.as_json()))
        return rows

    def tell(self, row: Row) -> Content:
        view = RunView()
        for other in self.rows:
            if other.thing["seq"] <= row.thing["seq"]:
                view.take(other.thing)
        stood = [f"  {SIGNS.get(s.status, '?')} {s.id} {s.tool} {s.status} {s.message}" for s in view.steps.values()]
        return lines((f"the run then: {view.status}", "bold"), *stood, *labelled(rows_of(row.thing["data"]), self.text_width))

    def raw(self, row: Row) -> str:
        return json_text(row.thing)

    def action_step(self, by: int) -> None:
        (self.table.action_cursor_down if by > 0 else self.table.action_cursor_up)()

    def action_play(self) -> None:
        """One event every third of a second, until the end or another space."""
        if self._playing is not None:
            self._playing.stop()
            self._playing = None
        else:
            self._playing = self.set_interval(0.33, self._next)

    def _next(self) -> None:
        if self.table.cursor_row >= len(self.shown) - 1:
            self.action_play()
        else:
            self.action_step(1)
