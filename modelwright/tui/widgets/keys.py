"""The keys at the bottom of a screen: as many as are whole in its width, those of the focus first. A notice takes their place."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer

PALETTE = "-command-palette"
PALETTE_EDGE = 1
"""columns of the line before the key of the palette"""


class Keys(Footer):
    """Textual's own footer cuts the last key in its middle, which reads as stray letters."""

    def compose(self) -> ComposeResult:
        """Where not all have room, the key of the palette goes without its word."""
        made = list(super().compose())
        palette = [key for key in made if key.has_class(PALETTE)]
        keys = [key for key in made if key not in palette]
        if self._room(palette) < sum(map(_width, keys)):
            for key in palette:
                vars(key)["description"] = ""  # its class is not public
        room = self._room(palette)
        for key in keys:
            room -= _width(key)
            if room >= 0:
                yield key
        yield from palette

    def _room(self, palette: list[Widget]) -> int:
        return self.app.size.width - sum(_width(key) + PALETTE_EDGE for key in palette)

    def on_mount(self) -> None:
        """Drawn first, so that a notice, which is docked to the same row, is drawn over it."""
        self.screen.move_child(self, before=0)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.recompose)


def _width(key: Widget) -> int:
    """Columns of a key and its words, with the one between them and the one behind. Its class is not public, its two texts are."""
    return cell_len(f"{getattr(key, 'key_display', '')} {getattr(key, 'description', '')} ")
