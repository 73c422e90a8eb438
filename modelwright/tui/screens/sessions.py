"""Conversations of this folder: search in what was said, go on with one, export one."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.tui.data import database, export
from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import plain


class SessionsScreen(TableScreen):
    HEAD = "Sessions · Enter goes on with one, e exports it; / searches all that was said"
    COLUMNS = ("session", "turns", "last", "first request")
    EMPTY = "nothing was said here yet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", "go on with it"),
        Binding("e", "export", "export"),
        Binding("E", "export(True)", "export JSON"),
    ]

    def read(self) -> list[Row]:
        from modelwright.agent.session_text import overview_rows, page
        from modelwright.agent.sessions import Sessions

        with database(self.root) as db:
            if db is None:
                return []
            kept = Sessions(db)
            found = kept.all()
            return [Said(o.session, cells, page(kept.turns(o.session))) for o, cells in zip(found, overview_rows(found)[1:], strict=True)]

    def tell(self, row: Row) -> Content:
        return plain(row.thing)

    def on_data_table_row_selected(self) -> None:
        self.action_resume()

    def action_resume(self) -> None:
        if row := self.current():
            self.app.pop_screen()
            self.desk.change_session(row.key)

    def action_export(self, as_json: bool = False) -> None:
        if row := self.current():
            self.do(lambda: export(self.root, row.key, as_json=as_json), "written")


class Said(Row):
    """A session is found by everything that was said in it."""

    def holds(self, wanted: str) -> bool:
        return all(word in f"{' '.join(self.cells)} {self.thing}".casefold() for word in wanted.casefold().split())
