"""The time of a training over all its tries: what was spent is kept in the job's folder, so that one that was paused or killed and
goes on tells the time of the whole work. A kill loses what passed since the last line of progress. Not here: the time between two tries.
"""

from __future__ import annotations

import time
from pathlib import Path

from modelwright.files import keep_seconds, kept_seconds

KEPT = "spent.json"
EVERY = 1.0
"""seconds between two writes: a kill does not announce itself"""


class Clock:
    """Runs from when it is made. `earlier` are the seconds of the tries before."""

    def __init__(self, folder: Path) -> None:
        self._file, self._started = folder / KEPT, time.monotonic()
        self.earlier = self._kept = kept_seconds(self._file)

    @property
    def seconds(self) -> float:
        """Of all tries up to now."""
        return self.earlier + time.monotonic() - self._started

    def keep(self) -> None:
        """Write it down, if the last time was EVERY seconds ago."""
        if self.seconds - self._kept >= EVERY:
            self._kept = self.seconds
            keep_seconds(self._file, self._kept)
