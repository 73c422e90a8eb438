"""How quick the terminal app is: first frame, a key's echo while two cores train, a log of 100,000 lines, 10,000 events, memory.

    python benchmarks/tui_speed.py

The first frame and the echo are taken from outside, at a pseudo-terminal: from the start of `modelwright` (from the byte written) to the
bytes that draw it. Beside the echo two processes keep a core each busy at the niceness of a training job. "Cold" is after the
compiled files of the packages were dropped from the page cache. Scrolling and events are timed in the app's own loop.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from machine import card

COLUMNS, ROWS = 80, 24
FRAME = b"Say what you want"
STARTS, KEYS = 7, 60


class Screen:
    """`modelwright chat` at a pseudo-terminal."""

    def __init__(self, folder: Path) -> None:
        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(ROWS))
            os.execv(sys.executable, [sys.executable, "-m", "modelwright", "chat", "--session", f"bench{os.getpid()}"])
        ioctl(self.fd, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def until(self, wanted: bytes, seconds: float = 60) -> float:
        """Seconds until these bytes were drawn."""
        began, seen = time.perf_counter(), b""
        while time.perf_counter() - began < seconds:
            if select.select([self.fd], [], [], 0.5)[0]:
                seen += os.read(self.fd, 65536)
                if wanted in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen):
                    return time.perf_counter()
        raise SystemExit(f"{wanted!r} was not drawn in {seconds} s")

    def drain(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                os.read(self.fd, 65536)

    def echo(self, key: str) -> float:
        """Milliseconds from a key to the first bytes that it draws."""
        self.drain(0.05)
        began = time.perf_counter()
        os.write(self.fd, key.encode())
        select.select([self.fd], [], [], 5)
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def drop_caches() -> None:
    """Take the files of our packages out of the page cache; nobody else's."""
    import textual

    for folder in (Path(textual.__file__).parents[1], Path(__file__).parents[1] / "modelwright", Path(os.__file__).parent):
        for path in folder.rglob("*.pyc"):
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def first_frame(folder: Path) -> float:
    screen = Screen(folder)
    taken = screen.until(FRAME) - screen.began
    screen.close()
    return taken


def burn() -> None:
    os.nice(5)
    while True:
        sum(range(100_000))


def echoes(folder: Path, busy: int) -> list[float]:
    screen = Screen(folder)
    screen.until(FRAME)
    screen.until(b"ready")
    screen.drain(4.0)
    burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(busy)]
    for burner in burners:
        burner.start()
    taken = [screen.echo("abcdefghij"[n % 10]) for n in range(KEYS)]
    for burner in burners:
        burner.terminate()
    screen.close()
    return taken


async def inside() -> dict[str, float]:
    """Scrolling, events and memory, in the app itself."""
    import psutil

    from modelwright.tui.app import Modelwright
    from modelwright.tui.state import RunView
    from modelwright.tui.widgets.linelog import LineLog

    app = Modelwright("bench", command=[sys.executable, "-S", "-c", "import sys; sys.stdin.read()"])
    found: dict[str, float] = {}
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        app.view = RunView("r1")
        app.view.log = [f"12:00:00  s1 tool.progress     train step {n} of 100000 loss {1 / (n + 1):.4f}" for n in range(100_000)]
        await app.action_open("run")
        await pilot.pause()
        log, pauses = app.screen.query_one(LineLog), []
        for n in range(100):
            began = time.perf_counter()
            log.scroll_to(y=(n * 7919) % 100_000, animate=False)
            await pilot.pause()
            pauses.append((time.perf_counter() - began) * 1000)
        found |= {"scroll, median ms": statistics.median(pauses), "scroll, longest ms": max(pauses)}
        await pilot.press("escape")
        found["10,000 events, longest lag ms"] = await _lag(app)
    found["memory MB"] = psutil.Process().memory_info().rss / 1e6
    return found


async def _lag(app: object) -> float:
    """The longest time that the app's loop was not free while 10,000 events come in, in batches as the link hands them over."""
    plan = {"request": "x", "steps": [{"id": "s1", "tool": "finetune", "args": {}, "sources": {}}]}
    lines = [("plan.proposed", None, {"plan": plan}), ("tool.started", "s1", {})]
    lines += [("tool.progress", "s1", {"message": "train", "step": n, "steps": 10_000, "loss": 1 / (n + 1)}) for n in range(10_000)]
    events = [
        {"event": {"type": kind, "run": "r1", "step": step, "data": data, "time": time.time(), "seq": n}}
        for n, (kind, step, data) in enumerate(lines, 1)
    ]
    longest = 0.0
    for start in range(0, len(events), 250):
        batch = [json.loads(json.dumps(event)) for event in events[start : start + 250]]
        began = time.perf_counter()
        app.hearing.receive(batch)  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        longest = max(longest, time.perf_counter() - began - 0.02)
    return longest * 1000


def main() -> None:
    print(card(), "", sep="\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warm = [first_frame(folder) for _ in range(STARTS)]
        drop_caches()
        cold = first_frame(folder)
        typed = echoes(folder, 2)
        os.chdir(folder)
        found = asyncio.run(inside())
    rows = [
        ("first frame, s (median; limit 0.7)", f"{statistics.median(warm):.2f}"),
        ("first frame, cold cache, s (limit 1.5)", f"{cold:.2f}"),
        (
            "key to echo, two cores busy, ms (median, 95th; limit 30)",
            f"{statistics.median(typed):.1f}, {sorted(typed)[int(0.95 * len(typed))]:.1f}",
        ),
        *((name, f"{value:.0f}") for name, value in found.items()),
    ]
    print("| what | figure |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), sep="\n")


if __name__ == "__main__":
    main()
