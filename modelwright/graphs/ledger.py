"""The ledger: one row a tool call, so that finished work is reused, and nothing runs twice.

A call's key is a hash of tool, version, resolved arguments, contents of what it reads, and seed. The intent is
written before the effect, the outcome after; both commits are synced to disk. A row that says `started` after a crash
is tried again in the same job folder, where the engine client joins a child that still runs.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import modelrefs
from modelwright.canonical import sha256_of, sha256_of_path
from modelwright.contract import Tool
from modelwright.errors import BadRequest, ModelRefError
from modelwright.files import clear_os_errors
from modelwright.graphs import references
from modelwright.types import Artifact, Json

LARGE = 500_000_000
"""bytes of a file from which it is told that it is read: 2 GB take 14 s on two cores"""
Told = Callable[[Path, int], None]
"""path, bytes"""
HashOf = Callable[[Path], str]
"""sha256 of a file"""


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of one call. `status` is started, done or failed."""

    key: str
    status: str
    run: str
    step: str
    attempts: int
    result: Json | None
    peak_memory_bytes: int | None
    seconds: float | None
    started: float
    """when the last try began, seconds since 1970"""


class Ledger:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, key: str) -> Entry | None:
        row = self._db.execute("select * from ledger where key = ?", (key,)).fetchone()
        if row is None:
            return None
        seconds = row["ended"] - row["started"] if row["ended"] else None
        result = json.loads(row["result"]) if row["result"] else None
        told = (row["status"], row["run"], row["step"], row["attempts"], result, row["peak_memory_bytes"], seconds, row["started"])
        return Entry(key, *told)

    def start(self, key: str, tool: Tool, args: Json, inputs: Json, run: str, step: str) -> None:
        """Write the intent. Counts an attempt when the call was begun before."""
        self._db.execute(
            "insert into ledger (key, tool, version, args, inputs, status, run, step, attempts, started) "
            "values (?,?,?,?,?,'started',?,?,1,?) "
            "on conflict (key) do update set status='started', run=excluded.run, step=excluded.step, attempts=attempts+1, "
            "started=excluded.started, ended=null, result=null, error=null",
            (key, tool.name, tool.version, json.dumps(args), json.dumps(inputs), run, step, time.time()),
        )

    def done(self, key: str, result: Json, peak_memory_bytes: int) -> None:
        self._db.execute(
            "update ledger set status='done', ended=?, result=?, peak_memory_bytes=? where key=?",
            (time.time(), json.dumps(result), peak_memory_bytes, key),
        )

    def failed(self, key: str, error: Json) -> None:
        self._db.execute("update ledger set status='failed', ended=?, error=? where key=?", (time.time(), json.dumps(error), key))


def call_key(tool: Tool, args: Json, inputs: Json, seed: int, *, once: str = "") -> str:
    """The idempotency key. `once` makes it unique (run and step of a volatile tool)."""
    return sha256_of([tool.name, tool.version, args, inputs, seed, once])


def artifacts_whole(result: Json) -> bool:
    """True when everything the call left behind is still there and unchanged."""
    for item in result.get("artifacts", []):
        artifact = Artifact.model_validate(item)
        path = Path(artifact.path)
        if not path.exists() or sha256_of_path(path) != artifact.sha256:
            return False
    return True


def input_hashes(tool: Tool, args: Json, workspace: Path, db: sqlite3.Connection, tell: Told = lambda path, size: None) -> Json:
    """{path: sha256} of every data set, model and file that the call reads, named or not; endpoints count by name.

    `tell` hears of a large file before it is read.
    """
    return _input_hashes(tool, args, workspace, lambda path: cached_hash(path, db, tell))


def remembered_input_hashes(tool: Tool, args: Json, workspace: Path, db: sqlite3.Connection) -> Json:
    """The same without reading a file. Raises KeyError for one that is not remembered as it is now."""
    return _input_hashes(tool, args, workspace, lambda path: remembered_hash(path, db))


def _input_hashes(tool: Tool, args: Json, workspace: Path, hash_of: HashOf) -> Json:
    validated = tool.validate(args)
    named = {value: _content_hash(role, value, workspace, hash_of) for role, value in values_with_role(tool, args) if role != "output"}
    return named | {str(path): _hash_of(path, hash_of) for path in tool.reads(validated, workspace)}


def values_with_role(tool: Tool, args: Json) -> Iterator[tuple[str, str]]:
    """(role, value) of every path-like argument, inside lists too."""
    schema = tool.args_schema
    for path, value in _strings(args):
        role = references.schema_at(schema, path).get("x-role")
        if role:
            yield role, value


def _strings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _content_hash(role: str, value: str, workspace: Path, hash_of: HashOf) -> str:
    if role == "model":
        try:
            model = modelrefs.resolve(value, workspace)
        except ModelRefError:  # the tool itself says so, or knows the model by its name alone
            return "missing"
        return "endpoint" if model.kind == "endpoint" else _hash_of(Path(model.path), hash_of)
    try:
        path = workspace / Path(value).expanduser()
    except RuntimeError:
        raise BadRequest(f"there is no home folder for {value!r:.80}", fix="write the whole path") from None
    return _hash_of(path, hash_of)


def _hash_of(path: Path, hash_of: HashOf) -> str:
    """sha256 of a file, or of a folder as `sha256_of_path` has it; `missing` when the tool itself is to say so."""
    with clear_os_errors(path):
        if not path.exists():
            return "missing"
        if not path.is_dir():
            return hash_of(path)
        return sha256_of([[str(p.relative_to(path)), hash_of(p)] for p in sorted(path.rglob("*")) if p.is_file()])


def cached_hash(path: Path, db: sqlite3.Connection, tell: Told = lambda path, size: None) -> str:
    """sha256 of a file, remembered while size, time and inode stay the same (a 10 GB model takes 20 s to read)."""
    with contextlib.suppress(KeyError):
        return remembered_hash(path, db)
    stat = path.stat()
    if stat.st_size >= LARGE:
        tell(path, stat.st_size)
    sha256 = sha256_of_path(path)
    db.execute("insert or replace into hashes values (?,?,?,?,?)", (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino, sha256))
    return sha256


def remembered_hash(path: Path, db: sqlite3.Connection) -> str:
    """Raises KeyError where the file is another one by now, or was never read."""
    stat = path.stat()
    known = db.execute("select * from hashes where path = ?", (str(path),)).fetchone()
    if known and (known["size"], known["mtime_ns"], known["inode"]) == (stat.st_size, stat.st_mtime_ns, stat.st_ino):
        return str(known["sha256"])
    raise KeyError(str(path))
