"""How a card is reached. The prompt keeps the focus when a card appears, as letters that are typed then must not answer it.

So a card says how one goes there while the focus is elsewhere, and shows its keys once the focus is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.dom import DOMNode
from textual.layout import Layout
from textual.widget import Widget
from textual.widgets import Button

from modelwright.tui.widgets.rows import Rows

TO_ANSWER = "Ctrl+G to answer"
BACK = "Escape or Ctrl+G: back to the prompt"


def when_reached(card: DOMNode | None, then: Callable[[bool], None]) -> None:
    """Tell whether the focus is in the card: now, and each time that changes."""
    assert isinstance(card, Widget)
    told: list[bool] = []

    def look() -> None:
        if told != [card.has_focus_within]:
            told[:] = [card.has_focus_within]
            then(told[0])

    card.watch(card.screen, "focused", look)


class Answers(Container):
    """Buttons in a row, or in two where it is narrow.

    Each (id, label) may end with its key in brackets, which is shown while the key works.
    """

    def __init__(self, buttons: Sequence[tuple[str, str]]) -> None:
        super().__init__(classes="buttons")
        self._buttons, self._rows = buttons, Rows()

    @property
    def layout(self) -> Layout:
        return self._rows

    def compose(self) -> ComposeResult:
        for name, label in self._buttons:
            yield Button(Content(label), id=name, compact=True)

    def on_mount(self) -> None:
        when_reached(self.parent, self._label)

    def _label(self, reached: bool) -> None:
        for button, (_, label) in zip(self.query(Button), self._buttons, strict=True):
            button.label = Content(label if reached else label.partition(" [")[0])
            button.refresh(layout=True)  # its width is not changed by its label alone
