"""What was said and has to wait: it stands above the prompt until its turn begins.

Two facts: what a pause, a failure or an open question leaves behind is kept, and begins only when the person says so, as it was said for
after something that has not happened; and what only the app does (a raised bound) is never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.screen import Screen

from modelwright.text import one_line

if TYPE_CHECKING:
    from modelwright.tui.turns import Turns
    from modelwright.types import Json

DROPS = "/drop takes back what is queued"
KEPT = "kept, as the run did not come to its end: /send begins it, /drop drops it"

LONGEST = 180
"""characters of each"""


@dataclass(frozen=True)
class Queued:
    """`shown` is what the person said; empty for what only the app does."""

    command: Json
    shown: str = ""


class Backlog:
    """In order: what begins next, then what is kept."""

    def __init__(self) -> None:
        self._next: list[Queued] = []
        self._kept: list[Queued] = []

    def __bool__(self) -> bool:
        """Whether anything begins by itself."""
        return bool(self._next)

    def add(self, one: Queued, *, first: bool = False) -> None:
        self._next.insert(0 if first else len(self._next), one)

    def pop(self) -> Queued:
        return self._next.pop(0)

    def own_for(self, run: str) -> bool:
        """Whether the first thing is what only the app does with this run."""
        return bool(self._next) and not self._next[0].shown and self._next[0].command.get("run") == run

    def keep(self) -> None:
        """What was said begins no more by itself, unless the app has something to do before it."""
        if self._next and self._next[0].shown:
            self._kept += self._next
            self._next = []

    def release(self) -> int:
        """All begins again; how many of them were kept."""
        count, self._next, self._kept = len(self._kept), self._next + self._kept, []
        return count

    def drop(self) -> int:
        """Take back what was said; how many of them."""
        count = len(self._kept) + sum(1 for one in self._next if one.shown)
        self._next, self._kept = [one for one in self._next if not one.shown], []
        return count

    def lines(self) -> list[str]:
        """What stands above the prompt."""
        return [
            *(f"{one_line(one.shown, LONGEST)} · queued" for one in self._next if one.shown),
            *(f"{one_line(one.shown, LONGEST)} · kept" for one in self._kept),
        ]

    @property
    def way(self) -> str:
        """What can be done about it."""
        return KEPT if self._kept else DROPS


class QueueKeys(Screen[None]):
    """The commands of the queue, for the screen that shows it."""

    @property
    def _turns(self) -> Turns:
        from modelwright.tui.app import Modelwright

        assert isinstance(self.app, Modelwright)
        return self.app.turns

    def action_send_queue(self) -> None:
        if not self._turns.release():
            self.notify("nothing is kept: what is queued begins by itself", markup=False)

    def action_drop_queue(self) -> None:
        count = self._turns.drop_queue()
        self.notify(f"{count} taken back; Up at the prompt brings it again" if count else "nothing is queued", markup=False)
