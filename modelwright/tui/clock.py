"""The time that is drawn. One place, so that a picture of a run can be made with a clock that stands still."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
