"""The line at the top of a screen, in parts; where there is no room for all, the parts that matter least are left out whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events

from modelwright.text import one_line
from modelwright.tui.widgets.plain import Plain

BETWEEN = " · "
LONGEST = 300


class Head(Plain):
    """`order` names parts by their place (-1 is the last), the one that matters most first; the others follow as they stand."""

    def __init__(self, *parts: str, order: Sequence[int] = ()) -> None:
        super().__init__(id="head")
        self._parts, self._order = parts, order

    def tell(self, *parts: str) -> None:
        self._parts = parts
        self._draw()

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        self.say(f" {fitted(self._parts, self._order, (self.size.width or self.app.size.width) - 2)}")


def fitted(parts: Sequence[str], order: Sequence[int], room: int) -> str:
    """The parts that have room together, as they stand; at least the one that matters most."""
    flat = [one_line(part, LONGEST) for part in parts]
    kept: list[int] = []
    first = [at % len(flat) for at in order if at < len(flat)]
    for at in dict.fromkeys([*first, *range(len(flat))]):
        if not kept or cell_len(BETWEEN.join(flat[i] for i in sorted([*kept, at]))) <= room:
            kept.append(at)
    return BETWEEN.join(flat[at] for at in sorted(kept))
