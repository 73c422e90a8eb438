"""How a card is reached. The prompt keeps the focus when a card appears, as letters that are typed then must not answer it.

So a card says how one goes there while the focus is elsewhere, and shows its keys once the focus is in it. And where the focus is in
it already, the letter of a yes only goes to its button, where Enter gives it: letters behind it are words, and go to the prompt. Any other
letter does what it does once no other letter has come right behind it; else both are words (held.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.dom import DOMNode
from textual.layout import Layout
from textual.widget import Widget
from textual.widgets import Button

from modelwright.tui.widgets.held import Deed, Held
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
        self._begun = ""
        """The letter that went to a button, as often as it was typed."""
        self._held = Held(self)

    @property
    def layout(self) -> Layout:
        return self._rows

    def compose(self) -> ComposeResult:
        for name, label in self._buttons:
            yield Button(Content(label), id=name, compact=True)

    def on_mount(self) -> None:
        when_reached(self.parent, self._label)
        self.watch(self.screen, "focused", self._moved)

    def _moved(self, focused: Widget | None) -> None:
        if self._begun and focused not in list(self.query(Button)):
            self._begun = ""
            self._label(self._reached)

    @property
    def _reached(self) -> bool:
        return isinstance(self.parent, Widget) and self.parent.has_focus_within

    def _label(self, reached: bool) -> None:
        for button, (_, label) in zip(self.query(Button), self._buttons, strict=True):
            name = label.partition(" [")[0]
            waits = bool(self._begun) and button is self.screen.focused
            button.label = Content(f"{name} [Enter]" if waits else label if reached else name)
            button.refresh(layout=True)  # its width is not changed by its label alone

    # letters ---------------------------------------------------------------------------------------------------------

    def begin(self, letter: str, button: str) -> None:
        """To the button, where Enter gives its answer."""
        self._begun += letter
        self.screen.set_focus(self.query_one(f"#{button}", Button))
        self._label(True)

    def given(self) -> None:
        """A button was pressed: what its letter began is over."""
        self._begun = ""
        self._label(self._reached)

    def hear(self, event: events.Key, letters: Mapping[str, str], deeds: Mapping[str, Deed]) -> None:
        """A key that reaches the card; `letters` begin the answers of these buttons, others do `deeds`. Keys that came behind words
        belong to them."""
        typed = event.character if event.character and event.is_printable else ""
        if not typed:
            if self._held.ended_by(event.key):
                event.stop()
            return
        before = self._held.before(typed) or self._begun
        is_word = not self._reached or before.strip(typed) != ""
        if is_word:
            event.stop()
            self._write(before + typed)
        elif typed in letters:
            event.stop()
            self.begin(typed, letters[typed])
        elif typed in deeds:
            event.stop()
            self._held.take(typed, deeds[typed])

    def _write(self, words: str) -> None:
        self._held.forget()
        from modelwright.tui.screens.chat import Chat

        if isinstance(self.screen, Chat):
            self.screen.write(words)
