"""A letter that does something waits a moment: another letter right behind it makes both words, which somebody types who looks elsewhere.

The same letter again is no word: the first has done its deed then. A deed that harms nothing (`now`) is done at once, and the letter is
kept for words all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from textual.actions import parse
from textual.binding import Binding
from textual.timer import Timer
from textual.widget import Widget

HOLD_SECONDS = 0.4
"""Between two letters of a word there are 0.1 to 0.3 s."""


@dataclass(frozen=True)
class Deed:
    do: Callable[[], None]
    now: bool = False


class Held:
    def __init__(self, card: Widget) -> None:
        self._card = card
        self._letter, self._deed = "", Deed(lambda: None)
        self._timer: Timer | None = None

    def take(self, letter: str, deed: Deed) -> None:
        if deed.now:
            deed.do()
        self._letter, self._deed = letter, deed
        self._timer = self._card.set_timer(HOLD_SECONDS, self._act)

    def before(self, typed: str) -> str:
        """The letter that stands before this one in a word; the same letter again ends its wait."""
        if typed == self._letter:
            self._act()
        return self._letter

    def ended_by(self, key: str) -> bool:
        """Whether a key that is no letter has only ended the wait: by the deed, or by Escape without it."""
        waits = bool(self._letter) and not self._deed.now
        if waits and key != "escape":
            self._act()
        self.forget()
        return waits and key != "escape"

    def forget(self) -> None:
        """It was the beginning of words."""
        self._letter = ""
        if self._timer is not None:
            self._timer.stop()

    def _act(self) -> None:
        deed, is_due = self._deed, bool(self._letter) and not self._deed.now
        self.forget()
        if is_due:
            deed.do()


def deeds_of(card: Widget, at_once: Collection[str]) -> dict[str, Deed]:
    """What the letters of a card do now, by their bindings; actions `at_once` harm nothing."""
    bound = [(one.key, *parse(one.action)[1:]) for one in card.BINDINGS if isinstance(one, Binding)]
    return {
        key: Deed(partial(getattr(card, f"action_{name}"), *given), now=name in at_once)
        for key, name, given in bound
        if card.check_action(name, given)
    }
