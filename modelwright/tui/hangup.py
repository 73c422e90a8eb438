"""Ends the app when its terminal goes away and nobody else does: with SIGHUP ignored (nohup), its reader would spin on the dead terminal.

Two facts: a thread sleeps in poll(2), so waiting costs nothing; and the process ends at once, because drawing to a terminal that is
gone blocks for good. Nothing is lost: the worker is a process of its own, and a run goes on without the app.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

HANGUP_CODE = 129
"""128 and the number of SIGHUP, as a shell tells it."""


def watch(fd: int, gone: Callable[[], None] = lambda: os._exit(HANGUP_CODE)) -> None:
    """Call `gone`, in a thread, once the terminal behind `fd` has hung up."""
    poller = select.poll()
    poller.register(fd, 0)  # hang-ups and errors are always told

    def wait() -> None:
        poller.poll()
        gone()

    threading.Thread(target=wait, name="hangup", daemon=True).start()
