"""The app's end of the worker: starts it, reads its lines in batches, sends commands, stops a run. Knows no widgets.

Two facts: the worker has a session (and signals) of its own, so a closed or crashed app never touches a run; and lines are
handed over in one list at most twenty times a second, so ten thousand events cost a few redraws.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.types import Json

BATCH_SECONDS = 0.05
LONGEST_LINE = 64 * 1024 * 1024
"""bytes; a result with its curves is one line"""
COMMAND = (sys.executable, "-m", "modelwright.tui.worker")


class Link:
    """One worker. `receive` is called with what it said since the last time; the last thing is {"gone": exit code}."""

    def __init__(self, receive: Callable[[list[Json]], None], command: Sequence[str] = COMMAND) -> None:
        self._receive, self._command = receive, command
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: asyncio.BaseTransport | None = None
        self._waiting: list[Json] = []
        self._handing_over: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stderr: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    async def start(self, session: str) -> None:
        """Not asyncio's own subprocess: closing its transport kills the child, and ours may outlive the app."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed in let_go
        process = subprocess.Popen(
            [*self._command, session], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, start_new_session=True
        )
        stream = asyncio.StreamReader(limit=LONGEST_LINE)
        self._pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), process.stdout)
        self._process = process
        self._reader = asyncio.create_task(self._read(process, stream))

    async def _read(self, process: subprocess.Popen[bytes], stream: asyncio.StreamReader) -> None:
        count = 0
        async for line in stream:
            self._take(line)
            count += 1
            if count % 50 == 0:  # a flood of lines must not keep a key press waiting
                await asyncio.sleep(0)
        code = await asyncio.to_thread(process.wait)
        self._waiting.append({"gone": code, "why": self._last_words()})
        self._hand_over()

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):  # a library's stray print is not for us
            said = json.loads(line)
            if isinstance(said, dict):
                self._waiting.append(said)
                if self._handing_over is None:
                    self._handing_over = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._hand_over)

    def _hand_over(self) -> None:
        self._handing_over = None
        batch, self._waiting = self._waiting, []
        if batch:
            self._receive(batch)

    def _last_words(self) -> str:
        """The end of what it wrote to stderr."""
        assert self._stderr is not None
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - 2000))
        return self._stderr.read().decode("utf-8", "replace").strip()

    def send(self, command: Json) -> bool:
        """False when there is no worker to hear it."""
        if self._process is None or self._process.stdin is None or self.pid is None:
            return False
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:  # it has just died; `gone` follows
            return False
        return True

    def stop_run(self) -> None:
        """As Ctrl-C does: the run stops where it is and can be resumed."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    async def let_go(self) -> None:
        """Close our ends; the worker finishes what it does and then ends by itself."""
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._pipe:
            self._pipe.close()
        if self._process:
            threading.Thread(target=self._process.wait, daemon=True).start()  # whenever it ends, no zombie stays
        if self._stderr:
            self._stderr.close()
        if self._handing_over:
            self._handing_over.cancel()


def holder(root: Path, session: str) -> int | None:
    """The pid of the other process that holds the session; None when it is not of this machine."""
    try:
        who = json.loads((root / ".modelwright" / "sessions" / session / "lease").read_text(encoding="utf-8"))
        return int(who["pid"]) if who["host"] == socket.gethostname() else None
    except (OSError, ValueError, KeyError):
        return None


def stop_holder(root: Path, session: str) -> bool:
    """Stop the run of the other process that holds the session, as Ctrl-C does there. False when it is not of this machine."""
    pid = holder(root, session)
    try:
        if pid is not None:
            os.kill(pid, signal.SIGINT)
    except OSError:
        return False
    return pid is not None
