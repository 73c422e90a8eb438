"""What is indexed: indexes, documents with hash and losses, their texts, and the files that were refused.

A document's text is kept in blocks of 64k characters, compressed, so that a window of a long book costs one block. A
document counts as indexed once its row has a hash; one that was cut off in the middle has none and is done again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.errors import BadRequest, DataError, ToolFailed
from modelwright.workspace import open_sqlite

Json = dict[str, Any]
BLOCK = 65_536
SCHEMA = """
create table if not exists rag_indexes (
    name text primary key, settings text not null, tuning text not null default '{}', created real not null, updated real not null);
create table if not exists rag_documents (
    id integer primary key autoincrement, index_name text not null, path text not null, source text not null,
    sha256 text not null default '', bytes integer not null default 0, made_with text not null default '', version text not null default '',
    kind text not null default '',
    title text not null default '', text_sha256 text not null default '', characters integer not null default 0,
    chunks integer not null default 0, losses text not null default '{}', access text not null default '[]', boxes blob,
    updated real not null, unique (index_name, path));
create table if not exists rag_text (document integer not null, block integer not null, data blob not null, primary key (document, block));
create table if not exists rag_refused (
    index_name text not null, path text not null, reason text not null, message text not null, primary key (index_name, path));
create table if not exists rag_entities (
    index_name text not null, name text not null, item integer not null, primary key (index_name, name, item)) without rowid;
create index if not exists rag_entities_item on rag_entities (item);
"""


@dataclass(frozen=True)
class Row:
    """One indexed document."""

    id: int
    index: str
    path: str
    source: str
    sha256: str
    """Of the file's bytes; empty while it has never been indexed whole."""
    bytes: int
    made_with: str
    """Loader, chunker, lengths: a file is done anew when they change."""
    version: str
    """Of the chunks that count: chunks of another version are left from a run that was cut off, or not finished yet."""
    kind: str
    title: str
    text_sha256: str
    characters: int
    chunks: int
    losses: Json
    access: list[str]


@contextlib.contextmanager
def clear_sqlite_errors(path: Path) -> Iterator[None]:
    """A locked or damaged database, said in one line."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise ToolFailed(
                f"{path} is locked by another program", fix="wait until it is done, then try again; what is indexed is safe"
            ) from None
        raise ToolFailed(f"{path}: {error}", fix="modelwright doctor") from None
    except sqlite3.DatabaseError as error:
        raise BadRequest(f"{path}: {error}", fix="move the file away and index anew") from None


class Catalog:
    """The tables of the catalog over one connection. Writes are their own commits unless the caller has begun one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        if db.execute("select 1 from sqlite_master where name = 'rag_entities_item'").fetchone() is None:
            for statement in SCHEMA.split(";\n"):  # executescript would commit what the caller has begun
                if statement.strip():
                    db.execute(statement)

    @classmethod
    def open(cls, path: Path) -> Catalog:
        path.parent.mkdir(parents=True, exist_ok=True)
        with clear_sqlite_errors(path):
            return cls(open_sqlite(path))

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # indexes --------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        return [row["name"] for row in self.db.execute("select name from rag_indexes order by name")]

    def require(self, index: str) -> Json:
        """The settings of an index. Raises DataError with the nearest names when there is none."""
        from difflib import get_close_matches

        row = self.db.execute("select settings, tuning from rag_indexes where name = ?", (index,)).fetchone()
        if row is None:
            names = self.names()
            near = get_close_matches(index, names, n=1)
            listed = f"indexes: {', '.join(names[:8])}" if names else "modelwright call rag_index path=FOLDER"
            fix = f"did you mean {near[0]}?" if near else listed
            raise DataError(f"there is no index {index!r:.60}", fix=fix)
        return {**json.loads(row["settings"]), **json.loads(row["tuning"])}

    def drop(self, index: str) -> None:
        """Delete all that is known of the index, but for its chunks. Called inside a transaction."""
        self.db.execute("delete from rag_text where document in (select id from rag_documents where index_name = ?)", (index,))
        for table in ("rag_documents", "rag_refused", "rag_entities"):
            self.db.execute(f"delete from {table} where index_name = ?", (index,))
        self.db.execute("delete from rag_indexes where name = ?", (index,))

    def save_index(self, index: str, settings: Json) -> None:
        self.db.execute(
            "insert into rag_indexes (name, settings, created, updated) values (?1, ?2, ?3, ?3)"
            " on conflict (name) do update set settings = ?2, updated = ?3",
            (index, json.dumps(settings), time.time()),
        )

    def tune(self, index: str, **values: Any) -> None:
        """Keep what an evaluation found: fusion, threshold."""
        row = self.db.execute("select tuning from rag_indexes where name = ?", (index,)).fetchone()
        tuning = {**json.loads(row["tuning"]), **values}
        self.db.execute("update rag_indexes set tuning = ? where name = ?", (json.dumps(tuning), index))

    # documents ------------------------------------------------------------------------------------------------

    def document(self, index: str, path: str) -> Row | None:
        row = self.db.execute("select * from rag_documents where index_name = ? and path = ?", (index, path)).fetchone()
        return _row(row) if row else None

    def by_id(self, document: int) -> Row | None:
        row = self.db.execute("select * from rag_documents where id = ?", (document,)).fetchone()
        return _row(row) if row else None

    def versions(self, documents: Collection[int]) -> dict[int, str]:
        """document -> the version of its chunks that counts."""
        sql = "select id, version from rag_documents where id in (select value from json_each(?))"
        return dict(map(tuple, self.db.execute(sql, (json.dumps(list(documents)),)))) if documents else {}

    def documents(self, index: str, source: str | None = None) -> Iterator[Row]:
        """Finished and unfinished ones, by path; of one source if given."""
        wanted, values = ("", [index]) if source is None else (" and source = ?", [index, source])
        for row in self.db.execute(f"select * from rag_documents where index_name = ?{wanted} order by path", values):
            yield _row(row)

    def counts(self, index: str) -> tuple[int, int]:
        """(documents, chunks)"""
        row = self.db.execute(
            "select count(*), coalesce(sum(chunks), 0) from rag_documents where index_name = ? and sha256 != ''", (index,)
        ).fetchone()
        return int(row[0]), int(row[1])

    def restricts(self, index: str) -> bool:
        """Whether any document of the index may be seen by some groups only."""
        sql = "select 1 from rag_documents where index_name = ? and access != '[]' limit 1"
        return self.db.execute(sql, (index,)).fetchone() is not None

    def begin(self, index: str, path: str, source: str) -> int:
        """The document's number; what was indexed of it before stays until `finish`."""
        self.db.execute(
            "insert into rag_documents (index_name, path, source, updated) values (?, ?, ?, ?) on conflict (index_name, path) do nothing",
            (index, path, source, time.time()),
        )
        row = self.db.execute("select id from rag_documents where index_name = ? and path = ?", (index, path)).fetchone()
        return int(row["id"])

    def finish(self, document: int, values: Json, text: str, boxes: Sequence[Any]) -> None:
        """Row, text and boxes; from here on the document counts as indexed. Called inside a transaction."""
        packed = zlib.compress(json.dumps(boxes).encode()) if boxes else None
        self.db.execute("delete from rag_text where document = ?", (document,))
        self.db.executemany("insert into rag_text values (?, ?, ?)", _blocks(document, text))
        names = ", ".join(f"{name} = :{name}" for name in values)
        self.db.execute(
            f"update rag_documents set {names}, boxes = :boxes, updated = :updated where id = :id",
            {**values, "boxes": packed, "updated": time.time(), "id": document},
        )

    def claim(self, document: int, source: str) -> None:
        """An unchanged document belongs to the folder or glob that it was last found by."""
        self.db.execute("update rag_documents set source = ? where id = ? and source != ?", (source, document, source))

    def remove(self, document: int) -> None:
        self.db.execute("delete from rag_text where document = ?", (document,))
        self.db.execute("delete from rag_documents where id = ?", (document,))

    # texts ----------------------------------------------------------------------------------------------------

    def text(self, document: int, start: int, end: int) -> str:
        """Characters start to end of the document's text."""
        first, last = start // BLOCK, max(start, end - 1) // BLOCK
        rows = self.db.execute(
            "select data from rag_text where document = ? and block between ? and ? order by block", (document, first, last)
        ).fetchall()
        joined = "".join(zlib.decompress(row["data"]).decode("utf-8", "surrogatepass") for row in rows)
        return joined[start - first * BLOCK : end - first * BLOCK]

    def boxes(self, document: int, start: int, end: int) -> list[list[int]]:
        """[page, x0, y0, x1, y1] of each page that the span touches, over its words; empty without OCR."""
        row = self.db.execute("select boxes from rag_documents where id = ?", (document,)).fetchone()
        if not row or not row["boxes"]:
            return []
        around: dict[int, list[int]] = {}
        for at, stop, page, *box in json.loads(zlib.decompress(row["boxes"])):
            if at < end and stop > start:
                known = around.get(page, box)
                around[page] = [min(known[0], box[0]), min(known[1], box[1]), max(known[2], box[2]), max(known[3], box[3])]
        return [[page, *box] for page, box in sorted(around.items())]

    # chunks in the store --------------------------------------------------------------------------------------

    def items_of(self, collection: str, document: int) -> dict[str, int]:
        """key -> id of the document's chunks of any version. A key is `document/version/number`; `0` is the sign behind `/`."""
        rows = self.db.execute(
            "select key, id from items where collection = ? and key >= ? and key < ?", (collection, f"{document}/", f"{document}0")
        )
        return {row["key"]: row["id"] for row in rows}

    def items_in(self, collection: str, documents: Sequence[int]) -> list[int]:
        """Ids of all chunks of these documents; SQLite reads the number that a key begins with."""
        rows = self.db.execute(
            "select id from items where collection = ? and cast(key as integer) in (select value from json_each(?))",
            (collection, json.dumps(list(documents))),
        )
        return [row["id"] for row in rows]

    # refused --------------------------------------------------------------------------------------------------

    def refuse(self, index: str, path: str, reason: str, message: str) -> None:
        self.db.execute("insert or replace into rag_refused values (?, ?, ?, ?)", (index, path, reason, message))

    def accept(self, index: str, path: str) -> None:
        self.db.execute("delete from rag_refused where index_name = ? and path = ?", (index, path))

    def refused(self, index: str) -> list[tuple[str, str, str]]:
        rows = self.db.execute("select path, reason, message from rag_refused where index_name = ? order by path", (index,))
        return [(row["path"], row["reason"], row["message"]) for row in rows]


def _blocks(document: int, text: str) -> Iterator[tuple[int, int, bytes]]:
    for block, start in enumerate(range(0, len(text), BLOCK)):
        yield document, block, zlib.compress(text[start : start + BLOCK].encode("utf-8", "surrogatepass"), 1)


def _row(row: sqlite3.Row) -> Row:
    return Row(
        row["id"],
        row["index_name"],
        row["path"],
        row["source"],
        row["sha256"],
        row["bytes"],
        row["made_with"],
        row["version"],
        row["kind"],
        row["title"],
        row["text_sha256"],
        row["characters"],
        row["chunks"],
        json.loads(row["losses"]),
        json.loads(row["access"]),
    )
