"""Past runs: filter, look into one, compare two, replay the trace of one, do one again, go on with one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.text import clean
from modelwright.tui.data import database
from modelwright.tui.screens.table import SHORTEST_CELL, Row, TableScreen
from modelwright.tui.steps import run_state
from modelwright.tui.texts import plain
from modelwright.tui.widgets.results import CAN_GO_ON, NOTHING, WAITING

WAITS_FOR = {"approval": "for a yes", "question": "for an answer", "budget": "for a bound"}
NAMES = 20
"""columns for what is compared, beside the two values"""


class RunsScreen(TableScreen):
    HEAD = "Runs of this folder"
    COLUMNS = ("run", "when", "status", "took", "request")
    SPARE = ("took", "when")
    EMPTY = "no run here yet: say in the conversation what you want"
    OF_A_ROW = frozenset({"result", "trace", "mark", "compare", "report", "go_on"})
    MOST: ClassVar[int] = 500
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v,enter", "result", "result"),
        Binding("t", "trace", "trace"),
        Binding("m", "mark", "mark"),
        Binding("equals_sign", "compare", "compare"),
        Binding("o", "report", "report"),
        Binding("u", "go_on", "go on"),
    ]

    marked: str = ""

    def read(self) -> list[Row]:
        from modelwright.agent.ending import standing
        from modelwright.agent.listing import as_rows
        from modelwright.agent.runs import Runs, as_they_stand, waits_for
        from modelwright.workspace import Workspace

        with database(self.root) as db:
            found = as_they_stand(db, Workspace(self.root), Runs(db).all(self.MOST)) if db else []
            asks = {run.id: WAITS_FOR.get(waits_for(db, run.id), "") for run in found if run.status == WAITING} if db else {}
        return [
            Row(
                run.id,
                [
                    run.id,
                    when,
                    f"{run_state(standing(run.status, run.error))} {asks.get(run.id, '')}".strip(),
                    took,
                    str(clean(run.request)),
                ],
                run,
            )
            for run, (_, when, _, took, _) in zip(found, as_rows(found)[1:], strict=True)
        ]

    def tell(self, row: Row) -> Content:
        from modelwright.agent.past import Past
        from modelwright.tui.ran import told

        with database(self.root) as db:
            return told(Past(db, row.thing)) if db else plain("")

    @property
    def head(self) -> str:
        return f"{self.HEAD} · " + (f"{self.marked} is marked · = compares it" if self.marked else "m marks one to compare")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current()
        if row and action == "report":
            return row.thing.status != NOTHING and self._report(row.key).is_file()
        if row and action == "go_on":
            return row.thing.status in CAN_GO_ON
        return super().check_action(action, parameters)

    def _report(self, run: str) -> Path:
        return self.root.resolve() / ".modelwright" / "runs" / run / "report.html"

    def on_data_table_row_selected(self) -> None:
        self.action_result()

    def action_trace(self) -> None:
        from modelwright.tui.screens.trace import TraceScreen

        if row := self.current():
            self.app.push_screen(TraceScreen(self.root, row.key))

    def action_mark(self) -> None:
        """Of one run; on the same one again takes the mark away."""
        row = self.current()
        if row is None:
            return
        before, self.marked = self.marked, "" if row.key == self.marked else row.key
        if before and self.marked:
            self.notify(f"{before} is marked no more, {self.marked} is: go to another run, press =", markup=False)
        self.show_head()

    def action_compare(self) -> None:
        from modelwright.tui.screens.text import TextScreen

        row = self.current()
        if not row or not self.marked:
            return self.notify("mark one run with m, go to another, press =", markup=False)
        if row.key == self.marked:
            return self.notify(f"{row.key} is the one that is marked: go to another run, press =", markup=False)
        return self.do_compare(TextScreen, row.key)

    def do_compare(self, screen: type, other: str) -> None:
        from modelwright.agent.diff import diff
        from modelwright.errors import ModelwrightError

        with database(self.root) as db:
            if db is None:
                return
            try:
                text = diff(db, self.marked, other).text(max(SHORTEST_CELL, (self.size.width - NAMES) // 2))
            except ModelwrightError as error:
                self.notify(str(error), severity="error", markup=False)
                return
        self.app.push_screen(screen(f"{self.marked} (a) and {other} (b)", text))

    def action_report(self) -> None:
        from modelwright.tui.browser import open_file

        if row := self.current():
            open_file(self.app, self._report(row.key))

    def action_result(self) -> None:
        from modelwright.tui.data import result_of
        from modelwright.tui.screens.result import ResultScreen

        row = self.current()
        found = result_of(self.root, row.key) if row else None
        if found:
            self.app.push_screen(ResultScreen(found))

    async def action_go_on(self) -> None:
        row = self.current()
        if row is None:
            return
        if why := self.desk.turns.not_now(row.key):
            self.notify(why, severity="warning", markup=False)
        else:
            await self.desk.back_to_chat()
            self.desk.turns.go_on(row.key)
