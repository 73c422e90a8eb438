"""The keys at the bottom of a screen: as many as are whole in its width, those of the focus first."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer

PALETTE_EDGE = 1
"""columns of the line before the key of the palette"""


class Keys(Footer):
    """Textual's own footer cuts the last key in its middle, which reads as stray letters."""

    def compose(self) -> ComposeResult:
        made = list(super().compose())
        room = self.app.size.width - sum(_width(key) + PALETTE_EDGE for key in made if key.has_class("-command-palette"))
        for key in made:
            room -= 0 if key.has_class("-command-palette") else _width(key)
            if room >= 0 or key.has_class("-command-palette"):
                yield key

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.recompose)


def _width(key: Widget) -> int:
    """Columns of a key and its words, with the one between them and the one behind. Its class is not public, its two texts are."""
    return cell_len(f"{getattr(key, 'key_display', '')} {getattr(key, 'description', '')} ")
