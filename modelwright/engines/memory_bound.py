"""A bound on the memory of this process that turns too much into an exception, and a way to begin again after one.

Two facts to know. Linux kills a process that takes too much without a word, so the bound lies below that point and the
allocation fails instead. And glibc keeps what is freed in its heap: after a batch that did not fit, 4.4 of 6.4 GB were free
there and still counted by the bound, so that one row did not fit either where 64 rows had nearly.

Linux only; elsewhere nothing is bound, and `begin_again` only collects garbage.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
from pathlib import Path

import psutil

SHARE = 0.85
"""of what is free"""
M_MMAP_THRESHOLD = -3
"""of mallopt(3)"""
OWN_MAPPING = 1 << 20
"""Bytes from which an allocation gets a mapping of its own, which goes back to the system when it is freed."""


class MemoryBound:
    """At most 85% of what is free now (or of `limit`, bytes)."""

    def __init__(self, limit: int | None = None) -> None:
        free = psutil.virtual_memory().available + psutil.Process().memory_info().rss
        self.most = int(SHARE * min(free, limit or free))
        _let_map(self.most)

    def begin_again(self) -> None:
        """Give back what is free, and bound again what is really used: for after a failed allocation."""
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # another C library
            library = ctypes.CDLL(None)
            library.malloc_trim(0)
            library.mallopt(M_MMAP_THRESHOLD, OWN_MAPPING)
        with contextlib.suppress(OSError, KeyError):  # not Linux
            sizes = _status()
            _let_map(sizes["VmData"] + max(0, self.most - sizes["RssAnon"]))


def _let_map(most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # a lower hard limit is already in place
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _status() -> dict[str, int]:
    """Sizes of this process by their names in proc(5), bytes."""
    lines = (line.split() for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[-1] == "kB"}
