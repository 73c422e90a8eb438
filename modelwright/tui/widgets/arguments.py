"""The arguments of one step, each with where it came from, and what is not given and matters, all on one line; under them the
request, with the places that they came from in «».

One argument can be picked, with a key of the plan (`pick`) or by the mouse over it: then only its own place is marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.content import Content

from modelwright.tui.texts import MUTED, lines, plain, request_marked, source_text, value_text
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from modelwright.tui.steps import StepView

PICKED, OTHER = "› ", "  "
CHANGED = " ← changed"
"""Behind a value that the last change of the plan has put there."""


class Arguments(Plain):
    def __init__(self) -> None:
        super().__init__(classes="detail")
        self._step: StepView | None = None
        self._head = self._request = ""
        self._picked: str | None = None
        self._ends: list[int] = []
        """For each argument the line below its last one, for the mouse."""

    @property
    def picked(self) -> str | None:
        """The name of the argument whose source is shown alone."""
        return self._picked

    def tell(self, step: StepView, head: str, request: str) -> None:
        if self._step is None or step.id != self._step.id:
            self._picked = None
        self._step, self._head, self._request = step, head, request
        self._draw()

    def tell_text(self, text: str) -> None:
        self._step = self._picked = None
        self.say(text)

    def pick(self, by: int) -> None:
        """The next argument (or the last, by -1); after the last one none is picked."""
        names = [None, *(self._step.args if self._step else ())]
        at = names.index(self._picked) if self._picked in names else 0
        self._pick(names[(at + by) % len(names)])

    def _pick(self, name: str | None) -> None:
        if name != self._picked:
            self._picked = name
            self._draw()

    def _draw(self) -> None:
        step = self._step
        if step is None:
            return
        rows = [self._row(step, name) for name in step.args]
        self._measure(rows)
        sources = [step.sources.get(self._picked, "")] if self._picked else list(step.sources.values())
        defaults = [_defaults(step)] if step.by_default else []
        self.say(lines((self._head, "bold"), *rows, *defaults, Content.assemble("  ", request_marked(self._request, sources))))

    def _row(self, step: StepView, name: str) -> Content:
        source = source_text(step.sources.get(name, "no source"), self._request)
        sign = PICKED if name == self._picked else OTHER
        style = "bold" if name == self._picked else MUTED
        value = f" = {value_text(step.args[name])}"
        mark = (CHANGED, "bold") if name in step.changed else ""
        return Content.assemble(sign, (name, "bold"), (value, "bold" if mark else ""), mark, plain(f"   from {source}", style))

    def _measure(self, rows: list[Content]) -> None:
        width = max(1, self.content_size.width)
        at = len(plain(self._head).wrap(width))
        self._ends = [at := at + len(row.wrap(width)) for row in rows]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        names = list(self._step.args) if self._step else []
        first = self._ends[0] - 1 if self._ends else 0
        over = next((name for name, end in zip(names, self._ends, strict=False) if event.y < end), None)
        self._pick(over if event.y >= first else None)

    def on_leave(self) -> None:
        self._pick(None)


def _defaults(step: StepView) -> Content:
    """ "  types = Q8_0   (default)"."""
    pairs = [Content.assemble((name, "bold"), f" = {value_text(value)}") for name, value in step.by_default.items()]
    return Content.assemble(OTHER, Content(" · ").join(pairs), plain(f"   ({'default' if len(pairs) == 1 else 'defaults'})", MUTED))
