"""The end of a log file that grows: each look reads only what is new."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 8_000_000
"""of a log that are read at first, from its end"""


class Tail:
    """`lines` is one list that only grows, until the file is another one or was cut."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._at = 0
        self._rest = b""
        self.lines: list[str] = []

    def look(self, path: Path) -> list[str]:
        """The lines of `path` so far; the last one may be half written and is not among them."""
        size = path.stat().st_size
        if path != self._path or size < self._at:
            self._path, self._at, self._rest, self.lines = path, max(0, size - MOST_BYTES), b"", []
        if size > self._at:
            with path.open("rb") as stream:
                stream.seek(self._at)
                found = self._rest + stream.read(size - self._at)
            *whole, self._rest = found.split(b"\n")
            self._at = size
            self.lines += [line.decode("utf-8", "replace").rpartition("\r")[2] for line in whole]
        return self.lines


def job_log(workspace: Path, since: float) -> Path | None:
    """The log of the child process that wrote last, if it did after `since` (seconds since the epoch)."""
    found = [(path.stat().st_mtime, path) for path in (workspace / ".modelwright" / "jobs").glob("*/**/log.txt")]
    newest = max(found, default=None)
    return newest[1] if newest and newest[0] >= since else None
