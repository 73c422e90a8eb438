"""Past runs: filter, look into one, compare two, replay the trace of one, do one again, go on with one."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.data import database
from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import lines, plain, value_text
from modelwright.tui.widgets.results import CAN_GO_ON


class RunsScreen(TableScreen):
    HEAD = "Runs of this folder · m marks one, = compares it with the highlighted one"
    COLUMNS = ("run", "when", "status", "took", "request")
    EMPTY = "no run here yet"
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
        from modelwright.agent.listing import as_rows
        from modelwright.agent.runs import Runs, as_they_stand
        from modelwright.workspace import Workspace

        with database(self.root) as db:
            found = as_they_stand(db, Workspace(self.root), Runs(db).all(self.MOST)) if db else []
        return [Row(run.id, cells, run) for run, cells in zip(found, as_rows(found)[1:], strict=True)]

    def tell(self, row: Row) -> Content:
        from modelwright.agent.past import Past

        with database(self.root) as db:
            if db is None:
                return plain("")
            past = Past(db, row.thing)
            made: list[Content | str | tuple[str, str]] = [(row.thing.request, "bold")]
            for step in past.steps:
                made.append((f"{step.id} {step.tool}: {step.status}" + (f", {step.seconds:.1f} s" if step.seconds else ""), "bold"))
                made += [
                    f"    {name} = {value_text(value)}   from {step.sources.get(name, 'no source')}" for name, value in step.args.items()
                ]
                made += [f"    → {step.result['summary']}"] if step.result.get("summary") else []
                made += [f"    ✗ {step.error['message']}"] if step.error else []
                made += [f"    ✗ {c['name']}: {c['detail']}" for c in step.checks if not c["passed"]]
        return lines(*made)

    def on_data_table_row_selected(self) -> None:
        self.action_result()

    def action_trace(self) -> None:
        from modelwright.tui.screens.trace import TraceScreen

        if row := self.current():
            self.app.push_screen(TraceScreen(self.root, row.key))

    def action_mark(self) -> None:
        if row := self.current():
            self.marked = row.key
            self.notify(f"{row.key} is marked; go to another and press =", markup=False)

    def action_compare(self) -> None:
        from modelwright.tui.screens.text import TextScreen

        row = self.current()
        if not row or not self.marked or row.key == self.marked:
            return self.notify("mark one run with m, go to another, press =", markup=False)
        return self.do_compare(TextScreen, row.key)

    def do_compare(self, screen: type, other: str) -> None:
        from modelwright.agent.diff import diff
        from modelwright.errors import ModelwrightError

        with database(self.root) as db:
            if db is None:
                return
            try:
                text = diff(db, self.marked, other).text()
            except ModelwrightError as error:
                self.notify(str(error), severity="error", markup=False)
                return
        self.app.push_screen(screen(f"{self.marked} (a) and {other} (b)", text))

    def action_report(self) -> None:
        from modelwright.tui.browser import open_file

        if row := self.current():
            open_file(self.app, self.root.resolve() / ".modelwright" / "runs" / row.key / "report.html")

    def action_result(self) -> None:
        from modelwright.tui.data import result_of
        from modelwright.tui.screens.result import ResultScreen

        row = self.current()
        found = result_of(self.root, row.key) if row else None
        if found:
            self.app.push_screen(ResultScreen(found))

    async def action_go_on(self) -> None:
        row = self.current()
        if row and row.thing.status in CAN_GO_ON:
            await self.desk.back_to_chat()
            self.desk.turns.do({"do": "go_on", "run": row.key, "limits": None}, f"go on with {row.key}")
        elif row:
            self.notify(f"run {row.key} is over ({row.thing.status})", markup=False)
