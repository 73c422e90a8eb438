"""How far a benchmark is: requests that are done, of all that are measured, over every load, repeat and side.

Warm-up requests are not counted. Said at most twice a second: it happens between two requests that are measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from modelwright.engines.child import Job
from modelwright.engines.load_types import clock

SECONDS = 0.5


@dataclass
class Progress:
    job: Job
    total: int
    """Requests."""
    done: int = 0
    _where: str = ""
    _said: float = 0.0
    _began: float = field(default_factory=clock)

    def at(self, where: str) -> None:
        """What comes next; told at once."""
        self._where = where
        self._say()

    def ended(self) -> None:
        """One more request, well or not."""
        self.done += 1
        if clock() - self._said >= SECONDS or self.done == self.total:
            self._say()

    def _say(self) -> None:
        self._said = clock()
        left = (self._said - self._began) / self.done * (self.total - self.done) if self.done else None
        self.job.progress(self._where, step=self.done, steps=self.total, **({} if left is None else {"eta_seconds": left}))
