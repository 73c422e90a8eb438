"""Widgets beside each other, and on further rows where one has no room for all: Textual's own layouts cut off what is too wide."""

from __future__ import annotations

from textual.geometry import Offset, Size
from textual.layout import ArrangeResult
from textual.layouts.horizontal import HorizontalLayout
from textual.widget import Widget


class Rows(HorizontalLayout):
    name = "rows"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """As Textual puts them beside each other, each that would go over the edge moved to the next row."""
        placed = list(super().arrange(parent, children, size, greedy))
        made, left, top, bottom = [], 0, 0, 0
        for one in placed:
            if one.region.right - left > size.width and one.region.x > left:
                left, top = one.region.x, bottom
            region = one.region.translate(Offset(-left, top))
            bottom = max(bottom, region.bottom + one.margin.bottom)
            made.append(one._replace(region=region))
        return made
