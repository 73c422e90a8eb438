"""The app at a pseudo-terminal of its own: one that is read slowly, and one that goes away while SIGHUP is ignored (nohup)."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tui import lines

Json = dict[str, Any]
ROOT, TALKING = Path(__file__).parents[2], Path(__file__).with_name("talking.py")
APP = """
import signal, sys
from modelwright.tui.app import Modelwright
if "nohup" in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
Modelwright("t", command=[sys.executable, "-S", sys.argv[1], sys.argv[2]]).run()
"""


class Terminal:
    """The app in a terminal of 80x24; what it draws is read when the test asks for it."""

    def __init__(self, script: Path, *words: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", PYTHONPATH=str(ROOT))
            os.execv(sys.executable, [sys.executable, "-c", APP, str(TALKING), str(script), *words])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.drawn = b""

    def until(self, *wanted: str, size: int = 65536, pause: float = 0.0) -> None:
        """Read in pieces of at most `size` bytes, with a pause after each, until all words were drawn."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.2)[0]:
                self.drawn += os.read(self.fd, size)
                time.sleep(pause)
            seen = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", self.drawn).decode("utf-8", "replace")
            if all(word in seen for word in wanted):
                return
        raise AssertionError(f"{wanted} was not drawn; the end is {self.drawn[-2000:]!r}")

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def ended(self) -> int:
        """The exit status, once it has ended."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError("the app still runs")

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@pytest.fixture
def opened(script: Path) -> Iterator[Any]:
    terminals: list[Terminal] = []

    def open_terminal(*words: str, turns: tuple[list[Json], ...] = ()) -> Terminal:
        script.write_text(json.dumps(turns), encoding="utf-8")
        terminals.append(Terminal(script, *words))
        return terminals[-1]

    yield open_terminal
    for terminal in terminals:
        terminal.close()


def test_an_app_whose_terminal_has_gone_ends_also_where_the_hangup_signal_is_ignored(opened: Any) -> None:
    terminal = opened("nohup")
    terminal.until("Say what you want", "ready")
    os.close(terminal.fd)
    assert terminal.ended() == 129


def test_a_terminal_that_is_read_slowly_shows_the_end_of_a_long_run_and_what_was_typed(opened: Any) -> None:
    teller = lines.Teller()
    terminal = opened(turns=([*lines.begin(teller), *lines.training(teller, 5000), *lines.finish(teller)],))
    terminal.until("Say what you want", "ready")
    terminal.type("go\r")
    terminal.until("s1 finetune")
    terminal.type("and so on")
    terminal.until("done and verified", "and so on", size=512, pause=0.01)  # 50 kB a second at most
    assert len(terminal.drawn) < 1_000_000, "what a run of 5,000 events draws does not grow with its events"
