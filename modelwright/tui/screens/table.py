"""A list that is filtered as one types, and below it what is known of the highlighted row. The other screens say what the rows are.

Rows are read in a thread, so a slow disk or server does not stop a key press. All cells are plain text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import DataTable, Input

from modelwright.errors import ModelwrightError
from modelwright.text import clean, one_line
from modelwright.tui.at_hand import at_hand
from modelwright.tui.texts import cell, plain
from modelwright.tui.widgets.head import BETWEEN, Head
from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright


PADDING, SCROLLBAR = 2, 2
"""columns: on both sides of a cell together, and at the right edge"""
EDGES = 4
"""columns beside the text below the list, with its scrollbar"""
READABLE = 20
"""columns that a longer cell needs, before a spare column beside it is left out"""
SHORTEST_CELL, LONGEST_CELL = 12, 400


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
        Binding("slash", "filter", "filter", show=False),
        Binding("f6", "reload", "read again", show=False),
    ]
    HEAD: ClassVar[str] = ""
    COLUMNS: ClassVar[Sequence[str]] = ()
    EMPTY: ClassVar[str] = "nothing here yet"
    SPARE: ClassVar[Sequence[str]] = ()
    """Columns that are left out where there is no room, the first one first: below the list all is told."""
    OF_A_ROW: ClassVar[frozenset[str]] = frozenset()
    """Actions that there are only while a row is highlighted."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.rows: list[Row] = []
        self.shown: list[Row] = []
        self._note = ""
        """Why there are no rows, where there are none."""
        self._is_raw = False
        self._natural: list[int] = []
        """Widths of the columns, as their cells are."""
        self._drawn: tuple[tuple[int, int], ...] = ()
        """(place, width) of the columns that are drawn."""
        self._can: dict[str, bool | None] = {}
        """Which actions there are for the highlighted row."""

    def compose(self) -> ComposeResult:
        yield Head(*self.head.split(BETWEEN))
        yield Input(placeholder="/ filters: type words that the row must hold", id="filter", compact=True)
        yield DataTable(cursor_type="row", zebra_stripes=False, id="rows")
        yield Plain("reading…", id="note")
        with VerticalScroll(id="detail"):
            yield Plain(id="told")
        yield Keys(compact=True)

    def on_mount(self) -> None:
        self.table.focus()
        self.action_reload()

    @property
    def desk(self) -> Modelwright:
        """The app, for what only it can do."""
        return cast("Modelwright", self.app)

    @property
    def text_width(self) -> int:
        """Columns for what is told of a row."""
        return self.size.width - EDGES

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#rows", DataTable)

    @property
    def head(self) -> str:
        """What is shown, then hints; a narrow terminal shows as many of these as have room."""
        return self.HEAD

    def show_head(self) -> None:
        """Draw it again: it has changed."""
        self.query_one(Head).tell(*self.head.split(BETWEEN))

    # what a screen says ------------------------------------------------------------------------------------------------------

    def read(self) -> list[Row]:
        """The rows; in a thread."""
        raise NotImplementedError

    def tell(self, row: Row) -> Content:
        """What stands below for this row; in a thread."""
        raise NotImplementedError

    def raw(self, row: Row) -> str:
        """The same as it is kept: JSON, TOML. For a screen that binds `action_raw`; in a thread."""
        raise NotImplementedError

    # the rest ----------------------------------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="read")
    def action_reload(self) -> None:
        try:
            rows, note = self.read(), ""
        except (ModelwrightError, OSError, sqlite3.Error) as error:
            rows, note = [], at_hand(f"✗ {error}")
        self.app.call_from_thread(self._take, rows, note or ("" if rows else self.EMPTY))

    def _take(self, rows: list[Row], note: str) -> None:
        if self.is_attached:
            self.rows, self._note = rows, str(clean(note))
            cells = [self.COLUMNS, *(row.cells for row in rows)]
            self._natural = [max(cell_len(one_line(text, LONGEST_CELL)) for text in column) for column in zip(*cells, strict=True)]
            self._drawn = ()
            self._fill()

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    def _fill(self) -> None:
        at = self.current()
        self.shown = [row for row in self.rows if row.holds(self._filter.value)]
        keys = [row.key for row in self.shown]
        self._draw_rows()
        if at and at.key in keys:
            self.table.move_cursor(row=keys.index(at.key))
        self._say_why_empty()
        self._tell()

    def _draw_rows(self) -> None:
        """Columns as wide as the screen has room for, whatever the filter leaves over; longer cells end in an ellipsis."""
        places, widths = self._with_room()
        drawn = tuple(zip(places, widths, strict=True))
        self.table.clear(columns=drawn != self._drawn)
        if drawn != self._drawn:
            self._drawn = drawn
            for at, width in drawn:
                self.table.add_column(self.COLUMNS[at], key=f"{at}", width=width)
        for row in self.shown:
            self.table.add_row(*(cell(row.cells[at], limit=width) for at, width in drawn), key=row.key)

    def _with_room(self) -> tuple[list[int], list[int]]:
        """Which columns are drawn, and how wide: spare ones go until the others can be read."""
        places = list(range(len(self.COLUMNS)))
        for name in [*self.SPARE, ""]:
            natural = [self._natural[at] for at in places]
            room = self.size.width - PADDING * len(places) - SCROLLBAR
            widths = fitted(natural, room)
            if not name or (sum(widths) <= room and all(w >= min(n, READABLE) for w, n in zip(widths, natural, strict=True))):
                break
            places.remove(self.COLUMNS.index(name))
        return places, widths

    def _say_why_empty(self) -> None:
        wanted = self._filter.value.strip()
        note = f"no rows match “{wanted}” · Escape clears the filter" if self.rows and not self.shown else self._note
        self.query_one("#note", Plain).say(note)
        self.query_one("#note").display = bool(note)

    def on_resize(self) -> None:
        if self.rows:
            self._fill()

    def current(self) -> Row | None:
        at = self.table.cursor_row
        return self.shown[at] if 0 <= at < len(self.shown) else None

    def on_data_table_row_highlighted(self) -> None:
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.current() is not None if action in self.OF_A_ROW else True

    def _tell(self) -> None:
        can = {action: self.check_action(action, ()) for action in self.OF_A_ROW}
        if can != self._can:  # the footer is made anew for it, which is slow
            self._can = can
            self.refresh_bindings()
        self._tell_of_row()

    @work(thread=True, exclusive=True, group="tell")
    def _tell_of_row(self) -> None:
        row = self.current()
        try:
            told = plain("") if row is None else plain(self.raw(row)) if self._is_raw else self.tell(row)
        except (ModelwrightError, OSError, sqlite3.Error) as error:
            told = plain(f"✗ {at_hand(str(clean(str(error))))}", "$text-error")
        self.app.call_from_thread(self._show_told, told)

    def _show_told(self, told: Content) -> None:
        if self.is_attached:
            self.query_one("#told", Plain).say(told)
            self.query_one("#detail", VerticalScroll).scroll_home(animate=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter" and self.rows:
            self._fill()

    def on_input_submitted(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        self._filter.focus()

    def action_back(self) -> None:
        """What is filtered is shown again first; then the screen is left."""
        if self._filter.value or self._filter.has_focus:
            self._filter.value = ""
            self.table.focus()
        else:
            self.app.pop_screen()

    def action_raw(self) -> None:
        """As it is kept, or as a person reads it."""
        self._is_raw = not self._is_raw
        self._tell()

    def do(self, work: Any, said: str) -> None:
        """Do something that may be refused, say what came of it, read the rows again."""
        try:
            found = work()
        except (ModelwrightError, OSError, sqlite3.Error) as error:
            return self.notify(str(clean(str(error))), severity="error", markup=False)
        came = str(clean(str(found))) if isinstance(found, str | Path) else ""
        self.notify(": ".join(filter(None, (said, came))), markup=False)
        self.action_reload()
        return None


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Made narrower until all fit, or as far as they can be read: the last first, as the least is lost there, then the widest."""
    made = list(widths)
    made[-1] = max(min(SHORTEST_CELL, made[-1]), made[-1] - max(0, sum(made) - room))
    while sum(made) > room and max(made) > SHORTEST_CELL:
        made[made.index(max(made))] -= 1
    return made


def json_text(value: Any) -> str:
    """A value as a person reads it."""
    import json

    return str(clean(json.dumps(value, indent=2, ensure_ascii=False, default=str)))
