"""The line where one writes: several lines, paste, history, `@` for files and `/` for commands, with what could follow shown above it.

Enter sends, Ctrl+J (or Alt+Enter) begins a new line, Up and Down at the edges walk through what was said before, Tab takes a completion.
Tab leaves an empty line only: where one writes, a slip of it must not bring the next letters to a card. What can follow an `@` is
found in files.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from modelwright.text import safe_text
from modelwright.tui.messages import Said
from modelwright.tui.texts import plain
from modelwright.tui.widgets.files import MOST_SHOWN, Files

WORD = re.compile(r"(?:^|\s)([@/]\S*)$")


class Entry(TextArea):
    """The text area itself; keys that mean something to the composer are taken first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "send", priority=False),
        Binding("ctrl+j,alt+enter,shift+enter", "new_line", "new line"),
    ]

    async def _on_key(self, event: events.Key) -> None:
        composer = self.composer
        if event.key in ("tab", "enter") and composer.is_choosing and composer.take_choice(enter=event.key == "enter"):
            event.prevent_default().stop()
        elif event.key == "tab" and composer.text:
            event.prevent_default().stop()
            composer.complete()
        elif event.key == "enter":
            event.prevent_default().stop()
            self.action_send()
        elif event.key in ("ctrl+j", "alt+enter", "shift+enter"):
            event.prevent_default().stop()
            self.action_new_line()
        elif event.key == "escape" and composer.is_choosing:
            event.prevent_default().stop()
            composer.hide_choices()
        elif event.key in ("up", "down") and composer.moved(event.key):
            event.prevent_default().stop()
        else:
            await super()._on_key(event)

    @property
    def composer(self) -> Composer:
        return next(node for node in self.ancestors if isinstance(node, Composer))

    def action_send(self) -> None:
        self.composer.send()

    def action_new_line(self) -> None:
        self.insert("\n")


class Composer(Vertical):
    class NothingSaid(Message):
        """Enter on an empty line."""

    def __init__(self, root: Path, commands: Callable[[], Sequence[tuple[str, str]]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._files, self._commands = Files(root), commands
        self.history: list[str] = []
        """What was said before, oldest first."""
        self._at: int | None = None
        self._draft = ""
        self._values: list[str] = []

    def compose(self) -> ComposeResult:
        choices = OptionList(id="choices", markup=False, compact=True)
        choices.can_focus = False
        yield choices
        yield Entry(
            id="entry", compact=True, placeholder="Say what you want. @ names a file, / a command, F1 helps", highlight_cursor_line=False
        )

    @property
    def entry(self) -> Entry:
        return self.query_one(Entry)

    @property
    def text(self) -> str:
        return self.entry.text

    @property
    def is_choosing(self) -> bool:
        return self.has_class("choosing")

    def send(self) -> None:
        text = self._files.named_plainly(self.text.strip())
        if not text:
            self.post_message(self.NothingSaid())
        else:
            if not self.history or self.history[-1] != text:
                self.history.append(text)
            self.put("")
            self.post_message(Said(text))

    def put(self, text: str) -> None:
        self._at = None
        self.entry.load_text(safe_text(text))
        self.entry.move_cursor(self.entry.document.end)
        self.hide_choices()

    # completion ------------------------------------------------------------------------------------------------------

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._offer()

    def complete(self) -> None:
        """Take the first of what could follow."""
        self._offer()
        if self.is_choosing:
            self.take_choice()

    def _offer(self) -> None:
        """Show what could follow the word at the cursor."""
        found = WORD.search(self._before_cursor())
        if found is None or (found[1].startswith("/") and self.text.strip() != found[1]):
            return self.hide_choices()
        return self._show(found[1])

    def _before_cursor(self) -> str:
        row, column = self.entry.cursor_location
        return self.entry.document.get_line(row)[:column]

    def _show(self, word: str) -> None:
        if word.startswith("/"):
            pairs = [(name, what) for name, what in self._commands() if name.startswith(word)][:MOST_SHOWN]
        else:
            pairs = [(f"@{path}", "") for path in self._files.like(word[1:])]
        if not pairs or (len(pairs) == 1 and pairs[0][0] == word):
            return self.hide_choices()
        self._values = [name for name, _ in pairs]
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options([Option(plain(f"{name:<14}{what}" if what else name)) for name, what in pairs])
        choices.highlighted = 0
        self.add_class("choosing")
        return None

    def hide_choices(self) -> None:
        self.remove_class("choosing")

    def take_choice(self, *, enter: bool = False) -> bool:
        """Put in what is highlighted. Enter on a command that is written out sends it instead."""
        at = self.query_one(OptionList).highlighted
        word = WORD.search(self._before_cursor())
        if at is None or word is None:
            return False
        value = self._values[at]
        if enter and value == word[1]:
            return False
        row, column = self.entry.cursor_location
        is_folder = value.endswith("/")  # it keeps its @, so that what is in it can follow
        self.entry.replace(value if is_folder else value.removeprefix("@") + " ", (row, column - len(word[1])), (row, column))
        self._offer()
        return True

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.take_choice()
        self.entry.focus()

    # history ---------------------------------------------------------------------------------------------------------

    def moved(self, key: str) -> bool:
        """Whether Up or Down was for the choices or the history."""
        if self.is_choosing:
            choices = self.query_one(OptionList)
            (choices.action_cursor_up if key == "up" else choices.action_cursor_down)()
            return True
        row = self.entry.cursor_location[0]
        if key == "up" and row == 0:
            return self._walk(-1)
        return key == "down" and row == self.entry.document.line_count - 1 and self._walk(1)

    def _walk(self, by: int) -> bool:
        if not self.history or (self._at is None and by > 0):
            return False
        if self._at is None:
            self._draft, at = self.text, len(self.history)
        else:
            at = self._at
        at = max(0, at + by)
        self.put(self.history[at] if at < len(self.history) else self._draft)
        self._at = at if at < len(self.history) else None
        return True
