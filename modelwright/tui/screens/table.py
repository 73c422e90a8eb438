"""A list that is filtered as one types, and below it what is known of the highlighted row. The other screens say what the rows are.

Rows are read in a thread, so a slow disk or server does not stop a key press. All cells are plain text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input

from modelwright.errors import ModelwrightError
from modelwright.text import clean
from modelwright.tui.texts import cell, plain
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright


@dataclass(frozen=True)
class Row:
    """`key` names the thing, `cells` are what the table shows, `thing` is the rest."""

    key: str
    cells: Sequence[str]
    thing: Any = field(default=None, compare=False)

    def holds(self, wanted: str) -> bool:
        return all(word in " ".join(self.cells).casefold() for word in wanted.casefold().split())


class TableScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("slash", "filter", "filter"),
        Binding("f6", "reload", "read again", show=False),
    ]
    HEAD: ClassVar[str] = ""
    COLUMNS: ClassVar[Sequence[str]] = ()
    EMPTY: ClassVar[str] = "nothing here yet"

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.rows: list[Row] = []
        self.shown: list[Row] = []

    def compose(self) -> ComposeResult:
        yield Plain(f" {self.head}", id="head")
        yield Input(placeholder="/ filters: type words that the row must hold", id="filter", compact=True)
        yield DataTable(cursor_type="row", zebra_stripes=False, id="rows")
        yield Plain("reading…", id="note")
        with VerticalScroll(id="detail"):
            yield Plain(id="told")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        for name in self.COLUMNS:
            self.table.add_column(name, key=name)
        self.table.focus()
        self.action_reload()

    @property
    def desk(self) -> Modelwright:
        """The app, for what only it can do."""
        return cast("Modelwright", self.app)

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#rows", DataTable)

    @property
    def head(self) -> str:
        return self.HEAD

    # what a screen says ------------------------------------------------------------------------------------------------------

    def read(self) -> list[Row]:
        """The rows; in a thread."""
        raise NotImplementedError

    def tell(self, row: Row) -> Content:
        """What stands below for this row; in a thread."""
        raise NotImplementedError

    # the rest ----------------------------------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="read")
    def action_reload(self) -> None:
        try:
            rows, note = self.read(), ""
        except (ModelwrightError, OSError, sqlite3.Error) as error:
            rows, note = [], f"✗ {error}"
        self.app.call_from_thread(self._take, rows, note or ("" if rows else self.EMPTY))

    def _take(self, rows: list[Row], note: str) -> None:
        if self.is_attached:
            self.rows = rows
            self.query_one("#note", Plain).say(str(clean(note)))
            self.query_one("#note").display = bool(note)
            self._fill()

    def _fill(self) -> None:
        at = self.current()
        wanted = self.query_one("#filter", Input).value
        self.shown = [row for row in self.rows if row.holds(wanted)]
        self.table.clear()
        for row in self.shown:
            self.table.add_row(*(cell(text) for text in row.cells), key=row.key)
        keys = [row.key for row in self.shown]
        if at and at.key in keys:
            self.table.move_cursor(row=keys.index(at.key))
        self._tell()

    def current(self) -> Row | None:
        at = self.table.cursor_row
        return self.shown[at] if 0 <= at < len(self.shown) else None

    def on_data_table_row_highlighted(self) -> None:
        self._tell()

    @work(thread=True, exclusive=True, group="tell")
    def _tell(self) -> None:
        row = self.current()
        try:
            told = self.tell(row) if row else plain("")
        except (ModelwrightError, OSError, sqlite3.Error) as error:
            told = plain(f"✗ {clean(str(error))}", "$text-error")
        self.app.call_from_thread(self._show_told, told)

    def _show_told(self, told: Content) -> None:
        if self.is_attached:
            self.query_one("#told", Plain).say(told)
            self.query_one("#detail", VerticalScroll).scroll_home(animate=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self._fill()

    def on_input_submitted(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_back(self) -> None:
        if self.query_one("#filter").has_focus:
            self.table.focus()
        else:
            self.app.pop_screen()

    def do(self, work: Any, said: str) -> None:
        """Do something that may be refused, say what came of it, read the rows again."""
        try:
            found = work()
        except (ModelwrightError, OSError, sqlite3.Error) as error:
            return self.notify(str(clean(str(error))), severity="error", markup=False)
        self.notify(f"{said}{f': {clean(str(found))}' if isinstance(found, str | Path) else ''}", markup=False)
        self.action_reload()
        return None


def json_text(value: Any) -> str:
    """A value as a person reads it."""
    import json

    return str(clean(json.dumps(value, indent=2, ensure_ascii=False, default=str)))
