"""One process works on a run, or on a session, at a time. The lease is a file lock: the kernel frees it when its holder dies.

LangGraph has none: two resumers of one thread both run the side effect.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.errors import LeaseHeld
from modelwright.files import clear_os_errors


@contextmanager
def lease(folder: Path, what: str) -> Iterator[None]:
    """Hold what `folder` stands for ("run r261122-k7f2"), or raise LeaseHeld naming who does."""
    with clear_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lease", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(handle):
            raise LeaseHeld(f"{what} is being worked on by {_holder(handle)}", fix="wait for it, or stop that process and resume")
        _sign(handle)
        yield
    finally:
        os.close(handle)


def held(folder: Path) -> bool:
    """Whether a living process works on what `folder` stands for."""
    try:
        handle = os.open(folder / "lease", os.O_RDONLY)
    except OSError:  # nobody ever did
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _locked(handle: int) -> bool:
    """Tried for a tenth of a second: whoever looks with `held` has the lock for microseconds."""
    for _ in range(10):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _sign(handle: int) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}).encode(), 0)


def _holder(handle: int) -> str:
    try:
        who = json.loads(os.pread(handle, 1000, 0))
        since = time.strftime("%H:%M:%S", time.localtime(who["since"]))
        return f"process {who['pid']} on {who['host']} since {since}"
    except (ValueError, KeyError):
        return "another process"
