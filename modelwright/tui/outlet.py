"""The worker's lines to the app, written by a thread: an app that is stopped (Ctrl+Z) or drawn on a slow line keeps no run waiting.

Without it the pipe is full after 64 KiB, about 200 events, and the run stands still. What waits is bounded: beyond MOST lines a
progress event is left out, which costs a point of a curve; everything else is kept.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from typing import TYPE_CHECKING

from modelwright.text import clean

if TYPE_CHECKING:
    from modelwright.types import Json

MOST = 20_000
"""lines; about 10 MB"""
LAST_SECONDS = 5.0
"""that a process at its end waits for an app that does not read"""
PROGRESS = "tool.progress"


class Outlet:
    """`tell` never waits and never fails; once nobody listens, what is told is dropped."""

    def __init__(self, fd: int) -> None:
        self._fd, self._queue = fd, queue.SimpleQueue[bytes | None]()
        self._gone = False
        self._thread = threading.Thread(target=self._write, name="outlet", daemon=True)
        self._thread.start()

    def tell(self, value: Json) -> None:
        if self._gone or (self._queue.qsize() > MOST and (value.get("event") or {}).get("type") == PROGRESS):
            return
        self._queue.put(json.dumps(clean(value), ensure_ascii=False, default=str).encode() + b"\n")

    def _write(self) -> None:
        while (line := self._queue.get()) is not None:
            try:
                while line and not self._gone:
                    line = line[os.write(self._fd, line) :]
            except OSError:  # the app has gone; a library that prints must not fail over it
                self._gone = True
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._fd)

    def close(self) -> None:
        """Let what was told be written, as long as somebody reads it."""
        self._queue.put(None)
        self._thread.join(LAST_SECONDS)
