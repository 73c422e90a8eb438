"""Lines that scroll: 100,000 of them cost no more than those that are seen. Text is shown as it is, a search marks what it finds.

Textual's own Log measures each line when it is written; here a line is looked at when it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from modelwright.text import safe_text

LONGEST = 2000
"""characters of a line that are drawn"""
MARK = Style(reverse=True, bold=True)


class LineLog(ScrollView, can_focus=True):
    """`show` gives it the list to draw; it is the caller's list and only grows (or is another one)."""

    wanted: reactive[str] = reactive("")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[str] = ()
        self._shown = 0
        self._longest = 0
        self._found: int | None = None
        self._may_follow = self._follows = True
        """The end is shown as lines come, until somebody scrolls up."""

    def show(self, lines: Sequence[str], *, follow: bool = True) -> None:
        self._may_follow = follow
        self._follows &= follow
        if lines is not self._lines or len(lines) < self._shown:
            self._shown = self._longest = 0
        self._lines = lines
        if len(lines) != self._shown or not lines:
            self._longest = min(LONGEST, max(self._longest, *map(len, lines[self._shown :]), 0))
            self._shown = len(lines)
            self.virtual_size = Size(self._longest, len(lines))
            self._stay_at_end()
        self.refresh()

    def _stay_at_end(self) -> None:
        if self._follows and self._lines:
            self.scroll_end(animate=False, immediate=False, force=True)

    def on_resize(self) -> None:
        """What stands above it may have grown."""
        self._stay_at_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._may_follow:
            self._follows = new_value >= self.max_scroll_y - 1

    def watch_show_vertical_scrollbar(self) -> None:
        """A bar that appears after its log was scrolled has not heard of it: it stood at the top of a log that showed its end."""
        self.vertical_scrollbar.position = self.scroll_y

    def watch_wanted(self) -> None:
        self._found = None
        self.refresh()

    def find(self, by: int = 1) -> bool:
        """Go to the next (or, by -1, the last) line that holds what is wanted."""
        wanted = self.wanted.casefold()
        count = len(self._lines)
        if not wanted or not count:
            return False
        start = self._found if self._found is not None else (self.scroll_offset.y - by)
        for step in range(1, count + 1):
            at = (start + by * step) % count
            if wanted in self._lines[at].casefold():
                self._found = at
                self.scroll_to(y=max(0, at - self.size.height // 2), animate=False)
                self.refresh()
                return True
        return False

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        style = self.rich_style
        if at >= len(self._lines):
            return Strip.blank(self.size.width, style)
        text = safe_text(self._lines[at][:LONGEST]).replace("\t", "    ").replace("\n", " ")
        strip = Strip(self._segments(text, style, at == self._found))
        return strip.crop_extend(self.scroll_offset.x, self.scroll_offset.x + self.size.width, style)

    def _segments(self, text: str, style: Style, found: bool) -> list[Segment]:
        wanted = self.wanted.casefold()
        if not wanted or wanted not in text.casefold():
            return [Segment(text, style)]
        made, start, folded = [], 0, text.casefold()
        base = style + Style(underline=True) if found else style
        while (at := folded.find(wanted, start)) >= 0:
            made += [Segment(text[start:at], base), Segment(text[at : at + len(wanted)], base + MARK)]
            start = at + len(wanted)
        return [*made, Segment(text[start:], base)]
