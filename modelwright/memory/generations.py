"""Index files that prove which commit they mirror: written once, never changed, believed only if SQLite knows their hash.

A file is written under another name, synced, read back and hashed, renamed, and then entered in the table `generations`
with its size, sha256, ids and the last change that is in it. A file without such a row is a leftover. FAISS files have no
checksum of their own: a flipped bit loads silently. The newest two are kept, so that a reader finds its file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import faults
from modelwright.canonical import sha256_of_path
from modelwright.memory.items import now

KEPT = 2


@dataclass(frozen=True)
class Generation:
    """One file and what it claims."""

    id: int
    kind: str
    collection: str
    space: int
    path: Path
    bytes: int
    sha256: str
    rows: int
    ids_sha256: str
    last_seq: int


class Generations:
    """The index files of one store. `notice` is told of every file that does not prove itself."""

    def __init__(self, db: sqlite3.Connection, folder: Path, notice: Callable[[str], None]) -> None:
        self._db, self.folder, self._notice = db, folder, notice

    def proved(self, kind: str, collection: str, space: int) -> Iterator[Generation]:
        """Files whose bytes are what was written, newest first."""
        rows = self._db.execute(
            "select * from generations where kind = ? and collection = ? and space = ? order by id desc", (kind, collection, space)
        ).fetchall()
        for row in rows:
            found = self._of(row)
            if wrong := self.wrong(found):
                self._notice(f"the index file {found.path.name} is not used: {wrong}")
            else:
                yield found

    def all(self, collection: str) -> list[Generation]:
        return [self._of(row) for row in self._db.execute("select * from generations where collection = ? order by id desc", (collection,))]

    def wrong(self, found: Generation) -> str:
        """What is wrong with the file; "" when nothing is."""
        try:
            size = found.path.stat().st_size
            if size != found.bytes:
                return f"{size} bytes, {found.bytes} were written"
            return "" if sha256_of_path(found.path) == found.sha256 else "its bytes are not those that were written"
        except OSError as error:
            return error.strerror or "cannot be read"

    def _of(self, row: sqlite3.Row) -> Generation:
        return Generation(
            row["id"],
            row["kind"],
            row["collection"],
            row["space"],
            self.folder / row["file"],
            row["bytes"],
            row["sha256"],
            row["rows"],
            row["ids_sha256"],
            row["last_seq"],
        )

    def publish(self, kind: str, collection: str, space: int, ids: Any, last_seq: int, write: Callable[[Path], None]) -> bool:
        """Write a generation with `write(path)`; False when another process is at it or the disk refuses: indexes then live in memory."""
        with self._alone() as mine:
            if not mine:
                return False
            name = f"{kind}-{hashlib.sha256(collection.encode()).hexdigest()[:8]}-{last_seq}-{secrets.token_hex(3)}"
            temporary, final = self.folder / f".{name}.{os.getpid()}.tmp", self.folder / name
            try:
                write(temporary)
                faults.point("generation.written")
                _sync(temporary)
                digest, size = sha256_of_path(temporary), temporary.stat().st_size
                temporary.replace(final)
                _sync(self.folder)
            except (OSError, RuntimeError) as error:  # faiss says RuntimeError for a full disk
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
                self._notice(f"no index file was written: {_first_line(error)}")
                return False
            faults.point("generation.renamed")
            self._enter((kind, collection, space, name, size, digest, len(ids), ids_sha256(ids), last_seq, now()))
            faults.point("generation.entered")
            self._tidy(kind, collection)
            return True

    def _enter(self, row: tuple[object, ...]) -> None:
        self._db.execute(
            "insert into generations (kind, collection, space, file, bytes, sha256, rows, ids_sha256, last_seq, created) "
            "values (?,?,?,?,?,?,?,?,?,?)",
            row,
        )

    def _tidy(self, kind: str, collection: str) -> None:
        """Rows first, then files: a row without a file is damage, a file without a row a leftover."""
        old = self._db.execute(
            "select id, file from generations where kind = ? and collection = ? order by id desc limit -1 offset ?",
            (kind, collection, KEPT),
        ).fetchall()
        self._db.executemany("delete from generations where id = ?", [(row["id"],) for row in old])
        faults.point("generation.tidied")
        self._sweep()

    def drop(self, collection: str) -> int:
        """Forget all files of a collection and delete them; how many there were."""
        files = [row["file"] for row in self._db.execute("select file from generations where collection = ?", (collection,))]
        self._db.execute("delete from generations where collection = ?", (collection,))
        for name in files:
            (self.folder / name).unlink(missing_ok=True)
        return len(files)

    def _sweep(self) -> None:
        """Delete what no row names; only under the lock, so nobody is writing it."""
        known = {row["file"] for row in self._db.execute("select file from generations")}
        for path in self.folder.iterdir():
            if path.name not in known and path.suffix != ".lock" and path.name.lstrip(".").startswith(("dense-", "lexical-")):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this process may write index files now."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / "write.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self._notice(f"no index file was written: {_first_line(error)}")
            yield False
            return
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)


def ids_sha256(ids: Any) -> str:
    """Of the sorted ids as int64, little-endian."""
    import numpy as np

    return hashlib.sha256(np.sort(np.asarray(ids, dtype="<i8")).tobytes()).hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
