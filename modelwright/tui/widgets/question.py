"""A question with its likely answers, each with a number. A number is an answer, be it typed here or at the prompt; so are words.

At the list a digit takes its answer at once, unless a further digit could follow; any other letter begins an answer in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from modelwright.tui.messages import Replied
from modelwright.tui.texts import lines, plain
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.reach import TO_ANSWER, when_reached

if TYPE_CHECKING:
    from modelwright.types import Json

DIGITS = "0123456789"
MOST_DIGITS = 4


class QuestionCard(Vertical):
    def __init__(self, pending: Json) -> None:
        super().__init__()
        self.pending = pending
        self._digits = ""
        """Typed at the list; a number that is not complete yet."""

    def compose(self) -> ComposeResult:
        yield Plain(plain(f"? {self.pending['question']}", "bold"), classes="title")
        choices = [Option(plain(f"{n}. {text}")) for n, text in enumerate(self._choices, 1)]
        yield OptionList(*choices, markup=False, compact=True)
        yield Input(placeholder="or type the answer", compact=True, select_on_focus=False)
        yield Plain(classes="hint")

    def on_mount(self) -> None:
        self.query_one(OptionList).display = bool(self._choices)
        when_reached(self, self._tell_way)

    @property
    def _choices(self) -> list[str]:
        return list(self.pending["choices"])

    @property
    def first(self) -> OptionList | Input:
        """The part that the focus goes to."""
        return self.query_one(OptionList) if self._choices else self.query_one(Input)

    def _tell_way(self, reached: bool) -> None:
        if not reached:
            listed = " or its number" if self._choices else ""
            self._hint(f"type the answer{listed} below, or {TO_ANSWER} here")
        else:
            self._hint("a number takes its answer, other letters write another one" if self._choices else "")

    def _hint(self, text: str, style: str = "") -> None:
        self.query_one(".hint", Plain).say(plain(text, style))

    # answers ---------------------------------------------------------------------------------------------------------

    def answer(self, text: str) -> None:
        """Words, the number of a listed answer, or one of them written out."""
        number = text.rstrip(".)")
        if text in self._choices:
            self._choose(self._choices.index(text))
        elif self._choices and number.isdecimal() and len(number) <= MOST_DIGITS:
            self._choose(int(number) - 1)
        else:
            self._give({"answer": text}, text)

    def _choose(self, at: int) -> None:
        self._digits = ""
        if 0 <= at < len(self._choices):
            self._give({"choice": at}, self._choices[at])
        else:
            self._hint(f"there is no answer {at + 1}: the numbers are 1 to {len(self._choices)}", "$text-error")

    def _give(self, reply: Json, shown: str) -> None:
        self.close(shown)
        self.post_message(Replied(reply))

    def close(self, shown: str = "not answered") -> None:
        """Nothing is asked any more."""
        for part in self.query("OptionList, Input, .hint"):
            part.display = False
        self.query_one(".title", Plain).say(lines((f"? {self.pending['question']}", "bold"), f"  {shown}"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_index)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.answer(event.value.strip())

    # letters at the list ---------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        if event.character is None or not event.is_printable or not self.query_one(OptionList).has_focus:
            return
        event.stop()
        if event.character in DIGITS:
            self._take_digit(event.character)
        else:
            field = self.query_one(Input).focus()
            field.insert_text_at_cursor(event.character)

    def _take_digit(self, digit: str) -> None:
        """Take the answer of this number, or show it when a further digit could follow."""
        shown = self.query_one(OptionList)
        begun = self._digits if self._digits == str((shown.highlighted or 0) + 1) else ""  # the arrows may have gone elsewhere
        number = int(begun + digit)
        if number > 0 and number * 10 <= len(self._choices):
            self._digits = str(number)
            shown.highlighted = number - 1
        else:
            self._choose(number - 1)
