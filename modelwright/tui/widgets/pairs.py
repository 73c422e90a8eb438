"""Paired comparisons as a table: verdict, difference, its 95% interval in numbers and as a drawing, p and n.

In the drawing all intervals of one metric share a scale: │ is zero (no difference), ● the difference, ├ and ┤ the ends of the interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.widgets import DataTable

from modelwright.tui.texts import cell

if TYPE_CHECKING:
    from modelwright.types import Json

VERDICTS = {"better": "▲ better", "worse": "▼ worse", "cannot tell": "≈ cannot tell"}
ROOM_FOR_DRAWING = 110
"""columns from which the drawing stands beside the numbers"""
ROOM_FOR_P, ROOM_FOR_NAMES = 70, 110
"""columns from which p and n have columns of their own, and where each row names its two; below, they stand under the interval"""
DRAWN = 25
SMALLEST_P = 0.0001


class Pairs(DataTable[Text]):
    def __init__(self, pairs: list[Json]) -> None:
        super().__init__(cursor_type="none", id="pairs")
        self._pairs, self._drawn, self._narrow = pairs, False, False
        self.can_focus = False

    @property
    def names(self) -> str:
        """ "tuned against builtin" when all pairs are of the same two, else empty: then each row names its own."""
        found = {f"{pair['b']} against {pair['a']}" for pair in self._pairs}
        return found.pop() if len(found) == 1 else ""

    def on_mount(self) -> None:
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        now = event.size.width >= ROOM_FOR_DRAWING, event.size.width < (ROOM_FOR_P if self.names else ROOM_FOR_NAMES)
        if now != (self._drawn, self._narrow):
            self._drawn, self._narrow = now
            self._fill()

    def _fill(self) -> None:
        self.clear(columns=True)
        drawing = (f"{'−':<{DRAWN // 2}}│{'+':>{DRAWN // 2}}",) if self._drawn else ()
        names = () if self.names else ("b", "against a")
        difference, *ends = ("change",) if self._narrow else ("difference", "p", "n")
        for name in ("metric", *names, "verdict", difference, "95% interval", *drawing, *ends):
            self.add_column(name)
        for pair in self._pairs:
            self.add_row(*self._row(pair), height=2 if self._narrow else 1)

    def _row(self, pair: Json) -> list[Text]:
        interval = "-" if pair["low"] is None else f"[{pair['low']:+.3f}, {pair['high']:+.3f}]"
        verdict = VERDICTS.get(pair["verdict"], str(pair["verdict"]))
        p = f"{pair['p_value']:.4f}" if round(pair["p_value"], 4) >= SMALLEST_P else f"<{SMALLEST_P}"
        drawing = [cell(drawn(pair, self._scale(pair["metric"])), limit=DRAWN)] if self._drawn else []
        return [
            cell(pair["metric"]),
            *([] if self.names else [cell(str(pair["b"]), limit=24), cell(str(pair["a"]), limit=24)]),
            cell(verdict, "bold"),
            cell(f"{pair['difference']:+.3f}", right=True),
            Text(f"{interval}\np {p}, n {pair['n']}", justify="right", end="") if self._narrow else cell(interval, right=True),
            *drawing,
            *([] if self._narrow else [cell(p, right=True), cell(str(pair["n"]), right=True)]),
        ]

    def _scale(self, metric: str) -> float:
        """The farthest that any interval of the metric reaches from zero."""
        ends = [abs(p[name]) for p in self._pairs if p["metric"] == metric for name in ("low", "high", "difference") if p[name] is not None]
        return max(ends, default=0.0) or 1.0


def drawn(pair: Json, scale: float) -> str:
    """The interval on a line of DRAWN characters with zero in the middle. Dots, not spaces, as cells of a table lose those."""
    half = DRAWN // 2
    place = {name: half + round(half * pair[name] / scale) for name in ("low", "high", "difference") if pair[name] is not None}
    line = ["·"] * DRAWN
    if "low" in place:
        line[place["low"] : place["high"] + 1] = "─" * (place["high"] - place["low"] + 1)
        line[place["low"]], line[place["high"]] = "├", "┤"
    if line[half] in "·─":
        line[half] = "│" if line[half] == "·" else "┼"
    line[place["difference"]] = "●"
    return "".join(line)
