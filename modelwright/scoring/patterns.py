"""Regular expressions that users bring: compiled with a clear error, and bounded when they run.

Only the first 20,000 characters of a text are searched. In the main thread, where engines score, a pattern gets 2 s a
text: `(a+)+$` on 40 letters would run for days. In another thread no signal can stop it, and only the cap holds.
"""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from modelwright.errors import BadRequest

MAX_CHARACTERS = 20_000
PATTERN_SECONDS = 2.0


def compile_pattern(text: str, where: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """A compiled pattern, or BadRequest that names `where` and what is wrong in it."""
    try:
        return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadRequest(f"{where}: {text!r:.80} is not a regular expression: {error}") from None


def matches(pattern: re.Pattern[str], text: str, where: str) -> bool:
    with time_limit(where):
        return pattern.search(text[:MAX_CHARACTERS]) is not None


@contextlib.contextmanager
def time_limit(where: str) -> Iterator[None]:
    """Raise BadRequest when the body takes more than 2 s; Python's matcher looks for signals as it backtracks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise BadRequest(f"{where}: the pattern took more than {PATTERN_SECONDS:g} s on one answer", fix="do not nest repeats, as in (a+)+")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATTERN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
