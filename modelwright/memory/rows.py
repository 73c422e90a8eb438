"""Rows of the store's tables, written inside a transaction of whoever calls: items, their words, parents and changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from modelwright.memory.items import NewItem, marks, now, text_hash

AT_ONCE = 500
"""Ids in one statement; SQLite's limit of values is 999 in old builds."""


def put(db: sqlite3.Connection, collection: str, item: NewItem) -> int:
    metadata, digest = json.dumps(item.metadata, ensure_ascii=False), text_hash(item.text)
    if item.key is not None:
        same = db.execute(
            "select id, live, hash, kind, metadata, trust, expires from items where collection = ? and key = ?", (collection, item.key)
        ).fetchone()
        if same and tuple(same)[1:] == (1, digest, item.kind, metadata, item.trust, item.expires):
            return int(same["id"])
        if same:
            delete(db, [same["id"]])
    cursor = db.execute(
        "insert into items (collection, key, kind, text, hash, metadata, trust, created, expires) values (?,?,?,?,?,?,?,?,?)",
        (collection, item.key, item.kind, item.text, digest, metadata, item.trust, now(), item.expires),
    )
    new = int(cursor.lastrowid or 0)
    db.execute("insert into items_fts (rowid, text) values (?, ?)", (new, item.text))
    db.executemany("insert or ignore into item_parents values (?, ?)", [(new, parent) for parent in item.parents])
    changed(db, collection, new, "add")
    return new


def delete(db: sqlite3.Connection, ids: Iterable[int]) -> int:
    count = 0
    for part in parts(with_descendants(db, ids)):
        found = db.execute(f"select id, collection, text from items where id in ({marks(part)})", part).fetchall()
        for row in found:
            changed(db, row["collection"], row["id"], "remove")
            db.execute("insert into items_fts (items_fts, rowid, text) values ('delete', ?, ?)", (row["id"], row["text"]))
        for table, column in (("items", "id"), ("vectors", "item"), ("item_parents", "item")):
            db.execute(f"delete from {table} where {column} in ({marks(part)})", part)
        count += len(found)
    return count


def with_descendants(db: sqlite3.Connection, ids: Iterable[int]) -> list[int]:
    """These items and everything made from them, however far."""
    rows = db.execute(
        "with recursive family (id) as (select value from json_each(?) "
        "union select item from item_parents, family where parent = family.id) select id from family",
        (json.dumps(list(ids)),),
    )
    return [row["id"] for row in rows]


def changed(db: sqlite3.Connection, collection: str, item: int, op: str) -> None:
    db.execute("insert into changes (collection, item, op) values (?, ?, ?)", (collection, item, op))


def parts(ids: Iterable[int]) -> Iterator[list[int]]:
    everything = list(ids)
    for start in range(0, len(everything), AT_ONCE):
        yield everything[start : start + AT_ONCE]
