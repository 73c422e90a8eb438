"""The tables of the store, in the workspace's database, made and changed by named migrations of sqlite-utils.

`items` and `vectors` are the truth; `changes` numbers every change, so that an index knows what it has not seen;
`generations` says which index files are to be believed. The full-text index `items_fts` is kept by the store, not by triggers:
those need `trusted_schema`, and a workspace may come from somebody else. Ids are AUTOINCREMENT: an index that is behind must never find a
new item under the number of a deleted one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwright.files import clear_os_errors

NAME = "modelwright.memory"

TABLES = """
create table items (
    id integer primary key autoincrement, collection text not null, key text, kind text not null, text text not null, hash text not null,
    metadata text not null, trust integer not null, created real not null, live integer not null default 1, expires real);
create unique index items_key on items (collection, key) where key is not null;
create index items_collection on items (collection, live, kind);
create table item_parents (item integer not null, parent integer not null, primary key (item, parent)) without rowid;
create index item_children on item_parents (parent);
create table spaces (
    id integer primary key autoincrement, fingerprint text not null unique, name text not null, dim integer not null, canary blob not null,
    created real not null);
create table collections (name text primary key, space integer references spaces (id), created real not null);
create table vectors (item integer not null, space integer not null, data blob not null, crc integer not null, primary key (item, space));
create table changes (seq integer primary key autoincrement, collection text not null, item integer not null, op text not null);
create index changes_collection on changes (collection, seq);
create table generations (
    id integer primary key autoincrement, kind text not null, collection text not null, space integer not null, file text not null,
    bytes integer not null, sha256 text not null, rows integer not null, ids_sha256 text not null, last_seq integer not null,
    created real not null);
"""


def migrate(db: sqlite3.Connection, lock: Path) -> None:
    """Bring the tables up to date; one process at a time (flock on `lock`).

    Each step is one transaction. sqlite-utils (0.4 s to import) is loaded only when something is to be done.
    """
    if _applied(db) >= len(STEPS):
        return
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations(NAME)
    for step in STEPS:
        migrations()(step)
    with locked(lock):
        migrations.apply(Database(db))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file, waiting for whoever holds it. The kernel frees it when its holder dies."""
    with clear_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_current(path: Path) -> bool:
    """Whether the database has all tables; it is only read."""
    try:
        db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return False
    try:
        return _applied(db) >= len(STEPS)
    except sqlite3.Error:
        return False
    finally:
        db.close()


def _applied(db: sqlite3.Connection) -> int:
    try:
        return int(db.execute("select count(*) from _sqlite_migrations where migration_set = ?", (NAME,)).fetchone()[0])
    except sqlite3.OperationalError:  # no such table: a new file
        return 0


def m001_tables(db: Any) -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
    db["items"].enable_fts(["text"], tokenize="porter")


def m002_memory(db: Any) -> None:
    """What the write gate decided, what was recalled in which run, what was forgotten."""
    db["memory_log"].create(
        {"id": int, "time": float, "run": str, "kind": str, "action": str, "reason": str, "item": int, "digest": str}, pk="id"
    )
    db["memory_recalls"].create({"run": str, "item": int, "use": str, "time": float}, pk=("run", "item", "use"))
    db["receipts"].create({"id": int, "time": float, "level": str, "digest": str, "report": str}, pk="id")


STEPS = [m001_tables, m002_memory]
