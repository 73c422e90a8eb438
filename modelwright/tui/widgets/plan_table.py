"""The plan as a table: what each step will take, what decided about it, the totals; below it the arguments of the highlighted step.

It only draws. What is asked and what is changed is the card's (plan_card.py). From 100 columns on the arguments stand in the table too.
Columns are given their widths: those that Textual finds out itself never shrink, and what was drawn before it knew stays cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from textual import events
from textual.containers import Vertical
from textual.widgets import DataTable

from modelwright.text import human_bytes, human_seconds
from modelwright.tui.state import RunView, StepView
from modelwright.tui.texts import cell, estimate_texts, value_text
from modelwright.tui.widgets.arguments import Arguments
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Json

ROOM_FOR_ARGUMENTS = 100
EDGES = 6
"""columns beside a card"""
SHORTEST_ARGUMENTS = 16
COLUMNS = ("step", "tool", "arguments", "time", "memory", "disk", "decision")
WITHOUT_ARGUMENTS = tuple(name for name in COLUMNS if name != "arguments")
DECISIONS = {"allow": "✓ allow", "ask": "? ask", "deny": "✗ deny", "": ""}
ANSWERS = {"allowed": "✓ allowed", "rejected": "✗ rejected", "left": "· left"}
"""What a person said takes the place of "? ask": nothing is asked any more."""


class PlanTable(Vertical):
    """`view` is the run; `draft` an edited plan of it that is not run yet, and is shown instead."""

    def __init__(self, view: RunView) -> None:
        super().__init__()
        self.view = view
        self.draft: Json | None = None

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
        rows = self._rows(steps)
        self.table.clear(columns=True)
        for name, column in zip(COLUMNS if len(rows[0]) == len(COLUMNS) else WITHOUT_ARGUMENTS, zip(*rows, strict=True), strict=True):
            self.table.add_column(name, key=name, width=_width(name, column))
        for key, row in zip([*(step.id for step in steps), "total"], rows, strict=True):
            self.table.add_row(*row, key=key)
        self.table.move_cursor(row=min(at, len(steps)))
        count = f"{len(steps)} {'step' if len(steps) == 1 else 'steps'}"
        self.query_one(".title", Plain).say(" · ".join(["Plan", *self.standing(), f"run {self.view.run}", count]))
        self.show_detail()

    def standing(self) -> list[str]:
        """What the title says of the plan beside its run."""
        return ["edited, not run yet"] if self.draft is not None else []

    def _rows(self, steps: list[StepView]) -> list[list[Text]]:
        """The cells of every step and of the totals, as far as the width has room for them."""
        ends = [self._row(step) for step in steps]
        if self._across < ROOM_FOR_ARGUMENTS:
            return [*([*first, *last] for first, last in ends), self._total(steps, 0)]
        room = self._room(ends)
        given = [", ".join(f"{name}={value_text(value)}" for name, value in step.args.items()) for step in steps]
        rows = [[*first, cell(text, limit=room), *last] for (first, last), text in zip(ends, given, strict=True)]
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
        """Columns that are left for the arguments when every other cell is whole, padding of one on both sides included."""
        cells = [[*first, *last] for first, last in rows]
        taken = sum(_width("memory", column) + 2 for column in zip(*cells, strict=True))
        return max(SHORTEST_ARGUMENTS, (self.content_size.width or self._across) - taken - 3)

    def _total(self, steps: list[StepView], room: int) -> list[Text]:
        """Time and disk add up, memory is the largest; ≥ when not every step could be estimated."""
        known = [s.estimate for s in steps if s.estimate]
        more = "≥ " if len(known) < len(steps) else ""
        parts = [
            human_seconds(sum(e.get("seconds", 0) for e in known)),
            human_bytes(max((e.get("memory_bytes", 0) for e in known), default=0)),
            human_bytes(sum(e.get("disk_bytes", 0) for e in known)),
        ]
        gap = [cell(self._bounds("≤ "), "dim", limit=room)] if room else []
        return [cell(""), cell("total", "bold"), *gap, *(cell(more + part, "bold", right=True) for part in parts), cell("")]

    def _bounds(self, sign: str = "") -> str:
        return ", ".join(f"{sign}{value:g} {name}" for name, value in self.view.limits.items() if value is not None)

    def show_detail(self) -> None:
        """The highlighted step; at the row of totals the budgets."""
        step, detail = self.selected(), self.query_one(Arguments)
        if step is None:
            return detail.tell_text(f"budgets of this run: {self._bounds() or 'none'}")
        because = f": {step.reason}" if step.reason else ""
        why = f" · {step.decision} by rule {step.rule}{because}" if step.rule else ""
        return detail.tell(step, f"{step.id} {step.tool}{why}", self.view.request)


def _width(head: str, cells: Iterable[Text]) -> int:
    return max(len(head), *(one.cell_len for one in cells))


def _of_draft(step: Json) -> StepView:
    decided = (step.get("estimate"), step.get("decision") or "", step.get("rule") or "")
    return StepView(step["id"], step["tool"], step["args"], step.get("sources") or {}, *decided)
