"""A curve in the terminal, drawn by plotext. The last value stands in its title, so the picture is not the only way to read it."""

from __future__ import annotations

from collections.abc import Sequence

from textual_plotext import PlotextPlot

from modelwright.text import safe_text

TICKS = 4


class Chart(PlotextPlot):
    def draw(self, name: str, points: Sequence[tuple[float, float]], *, ended: bool = False) -> None:
        plot = self.plt
        plot.clear_data()
        plot.clear_figure()
        plot.plot([x for x, _ in points], [y for _, y in points], marker="braille")
        first, last = int(points[0][0]), int(points[-1][0])
        plot.xticks(sorted({first + round((last - first) * n / TICKS) for n in range(TICKS + 1)}))  # steps are whole numbers
        plot.title(f"{safe_text(name)}: {points[0][1]:.4g} at first, {points[-1][1]:.4g} {'at last' if ended else 'now'}")
        self.refresh()
