"""Forgetting for real, in three steps of strength: hide, forget, purge; each leaves a receipt without the text.

`hide`    no search finds it; it can be shown again
`forget`  text, vector and words are deleted, and what was made from it
`purge`   and its text is gone from every other place in `.modelwright/`: index files, free pages and the log of SQLite,
          checkpoints, traces, plans, reports, job folders; then a probe looks for it everywhere

A checkpoint that holds the text is deleted with its thread: that run cannot be resumed. A plan that held it no longer
matches its hash. Not here: artifacts that the user asked for elsewhere, copies outside the workspace, disks' own remains.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modelwright.canonical import sha256_of
from modelwright.memory.items import Item, now
from modelwright.memory.leak_probe import Leak, probe, secrets_of
from modelwright.memory.store import Store
from modelwright.types import Json
from modelwright.workspace import Workspace, open_sqlite

Level = Literal["hide", "forget", "purge"]
GONE = "[purged]"
TEXT_FILES_UP_TO = 50_000_000
OWN_TABLES = ("items", "vectors", "spaces", "collections", "changes", "generations", "item_parents", "receipts")


@dataclass
class Receipt:
    """What was done, without what it was about."""

    level: Level
    items: list[int]
    digest: str
    """Of what was forgotten: proves later that this was it, to whoever still has the text."""
    removed: dict[str, int] = field(default_factory=dict)
    """Place -> how many rows, files or threads were changed there."""
    probes: int = 0
    leaks: list[Leak] = field(default_factory=list)
    """What the probe still found; [] after a purge that worked."""

    def as_json(self) -> Json:
        return {
            "level": self.level,
            "items": self.items,
            "digest": self.digest,
            "removed": self.removed,
            "probes": self.probes,
            "hits": len(self.leaks),
            "leaks": [leak.as_json() for leak in self.leaks],
        }


def hide(store: Store, ids: Sequence[int]) -> Receipt:
    receipt = Receipt("hide", list(ids), _digest(store.get(ids)), {"items": store.hide(ids)})
    return _signed(store, receipt)


def forget(store: Store, ids: Sequence[int]) -> Receipt:
    """Delete the items and everything made from them."""
    family = store.with_descendants(ids)
    receipt = Receipt("forget", family, _digest(store.get(family)))
    receipt.removed["items"] = store.remove(ids)
    return _signed(store, receipt)


def purge(store: Store, workspace: Workspace, ids: Sequence[int]) -> Receipt:
    """Delete the items with their family, and their text wherever it lies in the workspace's `.modelwright/`; then look for it."""
    family = store.with_descendants(ids)
    items = store.get(family)
    collections = sorted({item.collection for item in items})
    vectors = {item.id: store.vector(item.id) for item in items}
    receipt = Receipt("purge", family, _digest(items))
    needles = secrets_of(items)
    receipt.removed["items"] = store.remove(ids)
    with store.transaction() as db:
        receipt.removed["database rows"] = _scrub_tables(db, needles)
        receipt.removed["index files"] = sum(store.drop_indexes(name) for name in collections)
    receipt.removed["checkpoint threads"] = _scrub_checkpoints(workspace.checkpoints, needles)
    receipt.removed["files"] = _scrub_files(workspace.home, needles)
    store.compact()
    for name in collections:
        store.save(name)
    receipt.probes, receipt.leaks = probe(store, workspace, items, vectors)
    return _signed(store, receipt)


def _signed(store: Store, receipt: Receipt) -> Receipt:
    with store.transaction() as db:
        db.execute(
            "insert into receipts (time, level, digest, report) values (?,?,?,?)",
            (now(), receipt.level, receipt.digest, json.dumps(receipt.as_json())),
        )
    return receipt


def _digest(items: Sequence[Item]) -> str:
    return sha256_of(sorted(item.text for item in items))


# the places ------------------------------------------------------------------------------------------------------


def _scrub_tables(db: sqlite3.Connection, needles: Sequence[str]) -> int:
    """Replace the text in every text column of every other table, the episodes and traces of runs among them."""
    count = 0
    for table, columns in _text_columns(db):
        for column in columns:
            for needle in _written(needles):
                sql = f'update "{table}" set "{column}" = replace("{column}", ?, ?) where instr("{column}", ?)'
                count += db.execute(sql, (needle, GONE, needle)).rowcount
    return count


def _text_columns(db: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    names = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' and sql not like 'create virtual%'")]
    for name in names:
        if name not in OWN_TABLES and not name.startswith(("items_fts", "sqlite_", "_sqlite")):
            yield name, [row["name"] for row in db.execute(f'pragma table_info("{name}")') if row["type"].lower() == "text"]


def _scrub_checkpoints(path: Path, needles: Sequence[str]) -> int:
    """Delete every thread that holds the text in a checkpoint or a pending write."""
    if not path.is_file():
        return 0
    db = open_sqlite(path, synced=True)
    try:
        db.execute("pragma secure_delete=on")
        threads: set[str] = set()
        for table, column in (("checkpoints", "checkpoint"), ("checkpoints", "metadata"), ("writes", "value")):
            if db.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone():
                for needle in _written(needles):
                    sql = f"select distinct thread_id from {table} where instr({column}, ?)"
                    threads.update(row[0] for row in db.execute(sql, (needle.encode("utf-8", "backslashreplace"),)))
        for thread in threads:
            for table in ("checkpoints", "writes"):
                db.execute(f"delete from {table} where thread_id = ?", (thread,))
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
        return len(threads)
    finally:
        db.close()


def _scrub_files(home: Path, needles: Sequence[str]) -> int:
    """Replace the text in what runs, jobs and sessions left as files; a large or binary one that holds it is deleted."""
    count = 0
    for path in files_of(home):
        data = path.read_bytes() if path.stat().st_size <= TEXT_FILES_UP_TO else b""
        new = data
        for needle in _written(needles):
            new = new.replace(needle.encode("utf-8", "backslashreplace"), GONE.encode())
        if new != data:
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            temporary.write_bytes(new)
            temporary.replace(path)
            count += 1
    return count


def files_of(home: Path) -> Iterator[Path]:
    """Files beside the databases and the indexes: what runs, jobs and sessions left."""
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if path.is_file() and not path.is_symlink() and inside.parts[0] != "indexes" and not re.search(r"\.db(-wal|-shm)?$", path.name):
            yield path


def _written(needles: Sequence[str]) -> list[str]:
    """Each text as it is, as JSON writes it (with and without escapes), and as HTML does; longest first."""
    import html

    forms = {form for n in needles for form in (n, json.dumps(n)[1:-1], json.dumps(n, ensure_ascii=False)[1:-1], html.escape(n))}
    return sorted(forms, key=len, reverse=True)
