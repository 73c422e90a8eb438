"""The plan as a table: what each step will take, what decided about it, the totals; below it the arguments of the highlighted step.

It only draws. What is asked and what is changed is the card's (plan_card.py). From 100 columns on the arguments stand in the table too;
where it is narrower, those of the other steps stand below it, each on a line.
Columns are given their widths: those that Textual finds out itself never shrink, and what was drawn before it knew stays cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.text import Text
from textual import events
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Region
from textual.widgets import DataTable

from modelwright.plantable import default_text
from modelwright.text import one_line
from modelwright.totals import total
from modelwright.tui.state import RunView
from modelwright.tui.steps import StepView
from modelwright.tui.texts import ROUGHLY, cell, estimate_texts, lines, value_text
from modelwright.tui.widgets.arguments import CHANGED, Arguments
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Estimate, Json

ROOM_FOR_ARGUMENTS = 100
EDGES = 6
"""columns beside a card"""
SHORTEST_ARGUMENTS = 16
HEADING = 1
"""lines of the table above its first row"""
REFERENCE = re.compile(r"\$s\d+\.")
PADDING = 2
"""columns of a cell, one on both sides"""
COLUMNS = ("step", "tool", "arguments", "time", "memory", "disk", "decision")
WITHOUT_ARGUMENTS = tuple(name for name in COLUMNS if name != "arguments")
SPARE = ("disk", "memory")
"""Left out, in this order, where the columns are wider than the card: what decides stands at the right and may not be cut."""
DECISIONS = {"allow": "✓ allow", "ask": "? ask", "deny": "✗ deny", "": ""}
ANSWERS = {"allowed": "✓ allowed", "rejected": "✗ rejected", "cancelled": "✗ cancelled", "left": "· left"}
"""What a person said takes the place of "? ask": nothing is asked any more."""
GUESSED = f"{ROUGHLY} is a first guess: no such call was measured here yet"
DONE_BEFORE = "this very call was done before: its result is reused"


class Others(Plain):
    """The arguments of the steps that are not highlighted."""

    def __init__(self) -> None:
        super().__init__(classes="others")

    def tell(self, steps: Sequence[StepView], width: int) -> None:
        told = [f"{step.id}  {_given(step)}" for step in steps if step.args or step.by_default]
        self.display = bool(told)
        self.say(lines(*(one_line(text, max(width, SHORTEST_ARGUMENTS)) for text in told)))


class PlanTable(Vertical):
    """`view` is the run; `draft` an edited plan of it that is not run yet, and is shown instead."""

    def __init__(self, view: RunView) -> None:
        super().__init__()
        self.view = view
        self.draft: Json | None = None
        self._highlighted: int | None = None

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    def on_mount(self) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    @property
    def _across(self) -> int:
        """Columns; before it has any, about those that it will get, so that it comes filled."""
        return self.size.width or self.app.size.width - EDGES

    def steps(self) -> list[StepView]:
        return [_of_draft(step) for step in self.draft["steps"]] if self.draft is not None else list(self.view.steps.values())

    def selected(self) -> StepView | None:
        at, steps = self.table.cursor_row, self.steps()
        return steps[at] if 0 <= at < len(steps) else None

    def show(self) -> None:
        """Draw what is known now."""
        if not self.children:
            return
        steps = self.steps()
        at = self.table.cursor_row
        columns = self._columns(steps)
        self.table.clear(columns=True)
        for name, column in columns.items():
            self.table.add_column(name, key=name, width=_width(name, column))
        for key, row in zip([*(step.id for step in steps), "total"], zip(*columns.values(), strict=True), strict=True):
            self.table.add_row(*row, key=key)
        self.table.move_cursor(row=min(at, len(steps)))
        count = f"{len(steps)} {'step' if len(steps) == 1 else 'steps'}"
        self.query_one(".title", Plain).say(" · ".join(["Plan", *self.standing(), f"run {self.view.run}", count]))
        self.show_detail()

    def standing(self) -> list[str]:
        """What the title says of the plan beside its run."""
        return ["edited, not run yet"] if self.draft is not None else []

    def _columns(self, steps: list[StepView]) -> dict[str, tuple[Text, ...]]:
        """Name -> cells, of as many as stand beside each other."""
        rows = self._rows(steps)
        names = COLUMNS if len(rows[0]) == len(COLUMNS) else WITHOUT_ARGUMENTS
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        for name in SPARE:
            if sum(_width(head, column) + PADDING for head, column in columns.items()) > self._across:
                del columns[name]
        return columns

    def _rows(self, steps: list[StepView]) -> list[list[Text]]:
        """The cells of every step and of the totals, as far as the width has room for them."""
        ends = [self._row(step) for step in steps]
        if self._across < ROOM_FOR_ARGUMENTS:
            return [*([*first, *last] for first, last in ends), self._total(steps, 0)]
        room = self._room(ends)
        rows = [[*first, cell(_given(step), limit=room), *last] for (first, last), step in zip(ends, steps, strict=True)]
        return [*rows, self._total(steps, room)]

    def _row(self, step: StepView) -> tuple[list[Text], list[Text]]:
        """The cells before the arguments and after them."""
        decided = ANSWERS.get(step.answer) or DECISIONS.get(step.decision, step.decision)
        if self._across >= ROOM_FOR_ARGUMENTS and step.rule:
            decided = f"{decided} ({step.rule})"
        style = "bold" if step.decision != "allow" else ""
        return [cell(step.id), cell(step.tool, "bold")], [
            *(cell(t, right=True) for t in estimate_texts(step.estimate)),
            cell(decided, style),
        ]

    def _room(self, rows: list[tuple[list[Text], list[Text]]]) -> int:
        """Columns that are left for the arguments when every other cell is whole."""
        cells = [[*first, *last] for first, last in rows]
        taken = sum(_width("memory", column) + PADDING for column in zip(*cells, strict=True))
        return max(SHORTEST_ARGUMENTS, (self.content_size.width or self._across) - taken - 3)

    def _total(self, steps: list[StepView], room: int) -> list[Text]:
        """What all take together (modelwright/totals.py); ≥ when not every step could be estimated."""
        estimates = [Estimate.model_validate(s.estimate) if s.estimate else None for s in steps]
        more = "≥ " if None in estimates else ""
        parts = estimate_texts(total(estimates).model_dump())
        gap = [cell(self._bounds("≤ "), "dim", limit=room)] if room else []
        return [cell(""), cell("total", "bold"), *gap, *(cell(more + part, "bold", right=True) for part in parts), cell("")]

    def _bounds(self, sign: str = "") -> str:
        return ", ".join(f"{sign}{value:g} {name}" for name, value in self.view.limits.items() if value is not None)

    def go_to(self, wanted: Sequence[str]) -> None:
        """Highlight the first of these steps that there is."""
        ids = [step.id for step in self.steps()]
        at = next((ids.index(name) for name in wanted if name in ids), None)
        if at is not None:
            self.table.move_cursor(row=at)
            self.show_detail()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.show_detail()
        before, self._highlighted = self._highlighted, event.cursor_row
        if self.table.has_focus and before not in (None, event.cursor_row):
            self.call_after_refresh(self._show_row)

    def _show_row(self) -> None:
        """The highlighted row, where the card is longer than the screen."""
        talk = self.parent
        if isinstance(talk, VerticalScroll) and self.table.has_focus:
            row = HEADING + self.table.cursor_row - round(self.table.scroll_y)
            region = Region(0, self.virtual_region.y + self.table.virtual_region.y + row, 1, 1)
            talk.scroll_to_region(region, animate=False, force=True, immediate=True)

    def action_source(self, by: int) -> None:
        self.query_one(Arguments).pick(by)

    def show_detail(self) -> None:
        """The highlighted step; at the row of totals the budgets."""
        step, detail = self.selected(), self.query_one(Arguments)
        others = [] if self._across >= ROOM_FOR_ARGUMENTS else [one for one in self.steps() if step is None or one.id != step.id]
        self.query_one(Others).tell(others, self._across - PADDING)
        if step is None:
            guess = f"; {GUESSED}" if any((s.estimate or {}).get("first_guess") for s in self.steps()) else ""
            return detail.tell_text(f"budgets of this run: {self._bounds() or 'none'}{guess}")
        because = f": {step.reason}" if step.reason else ""
        why = f" · {step.decision} by rule {step.rule}{because}" if step.rule else ""
        guess = f" · {GUESSED}" if (step.estimate or {}).get("first_guess") else ""
        reused = f" · {DONE_BEFORE}" if (step.estimate or {}).get("reused") else ""
        return detail.tell(step, f"{step.id} {step.tool}{why}{guess}{reused}", self.view.request)


def in_short(step: StepView) -> str:
    """What decides stands before what another step makes."""
    made = {name: value for name, value in step.args.items() if REFERENCE.search(value_text(value))}
    return _given(replace(step, args={**{name: value for name, value in step.args.items() if name not in made}, **made}))


def _given(step: StepView) -> str:
    """The arguments on a line, those first that were changed last, and what is not given and matters."""
    first = sorted(step.args, key=lambda name: name not in step.changed)
    given = [f"{name}={value_text(step.args[name])}{CHANGED if name in step.changed else ''}" for name in first]
    return ", ".join([*given, *([default_text(step.by_default, value_text)] if step.by_default else [])])


def _width(head: str, cells: Iterable[Text]) -> int:
    return max(len(head), *(one.cell_len for one in cells))


def _of_draft(step: Json) -> StepView:
    decided = (step.get("estimate"), step.get("decision") or "", step.get("rule") or "")
    return StepView(step["id"], step["tool"], step["args"], step.get("sources") or {}, *decided, defaults=step.get("defaults") or {})
