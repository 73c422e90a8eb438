"""Conversations of this folder: search in what was said, go on with one, export one."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from modelwright.text import clean
from modelwright.tui.data import database, export, turns_of
from modelwright.tui.screens.table import Row, TableScreen
from modelwright.tui.texts import plain


class SessionsScreen(TableScreen):
    HEAD = "Sessions · Enter goes on with one · / searches all that was said"
    SPARE = ("turns", "last")
    OF_A_ROW = frozenset({"resume", "export"})
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
            found = Sessions(db).all() if db else []
        pages = [page(turns_of(self.root, one.session)) for one in found]
        return [
            Said(one.session, [*cells, str(clean(one.request))], said)
            for one, (*cells, _), said in zip(found, overview_rows(found)[1:], pages, strict=True)
        ]

    def tell(self, row: Row) -> Content:
        return plain(row.thing)

    def on_data_table_row_selected(self) -> None:
        self.action_resume()

    def action_resume(self) -> None:
        if row := self.current():
            self.app.pop_screen()
            if row.key != self.desk.session:
                self.desk.change_session(row.key)

    def action_export(self, as_json: bool = False) -> None:
        if row := self.current():
            self.do(lambda: export(self.root, row.key, as_json=as_json), "written")


class Said(Row):
    """A session is found by everything that was said in it."""

    def holds(self, wanted: str) -> bool:
        return all(word in f"{' '.join(self.cells)} {self.thing}".casefold() for word in wanted.casefold().split())
