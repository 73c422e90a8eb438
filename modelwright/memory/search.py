"""The indexes of a store's collections: opened from the newest file that proves itself, brought up to date, saved, checked.

Opening: the newest generation whose bytes, rows and ids are what SQLite says, then the changes that came after it; else an
older one; else everything is built from SQLite (0.4 s for 100,000 vectors, 2 s for their words).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from modelwright.memory.dense import DenseIndex
from modelwright.memory.generations import Generations, ids_sha256
from modelwright.memory.items import text_hash
from modelwright.memory.lexical import FtsIndex, LexicalIndex
from modelwright.memory.segment import Segment
from modelwright.memory.spaces import Space

DENSE, LEXICAL = "dense", "lexical"
REBUILD_FROM = 0.3
"""Of the rows: when more than this changed since an index was made, making it anew is quicker than replaying."""
FTS_FROM = 200_000
"""Rows above which a collection without a saved lexical index is asked through FTS5: building it would take longer than answering."""


class Indexes:
    """Of one store and connection; the caller holds its lock."""

    def __init__(self, db: sqlite3.Connection, generations: Generations, notice: Callable[[str], None]) -> None:
        self._db, self._generations, self._notice = db, generations, notice
        self._dense: dict[str, tuple[int, DenseIndex]] = {}
        self._lexical: dict[str, LexicalIndex] = {}
        self._saved: dict[tuple[str, str], int] = {}
        """(kind, collection) -> the last change that is in a file, as far as this process knows."""

    def latest(self, collection: str) -> int:
        return int(self._db.execute("select coalesce(max(seq), 0) from changes where collection = ?", (collection,)).fetchone()[0])

    def dense(self, collection: str, space: Space) -> DenseIndex:
        """The vectors as of now."""
        with self._reading():
            latest, known = self.latest(collection), self._dense.get(collection)
            index = known[1] if known and known[0] == space.id else self._open_dense(collection, space)
            if index.last_seq < latest:
                touched = self._touched(collection, index.last_seq)
                if len(touched) > max(1000, index.rows * REBUILD_FROM) or 0 in touched:
                    index = self._build_dense(collection, space, latest)
                else:
                    index.apply(self._db, touched, space, latest, self._notice)
            if index.outgrown:
                index = self._build_dense(collection, space, latest)
            self._dense[collection] = (space.id, index)
        return index

    def lexical(self, collection: str) -> LexicalIndex | FtsIndex:
        """The words as of now; FTS5 itself where arrays would take too long to make."""
        with self._reading():
            latest = self.latest(collection)
            index = self._lexical.get(collection) or self._open_lexical(collection)
            if index is None:
                return FtsIndex(self._db, collection)
            if index.last_seq < latest:
                touched = [i for i in self._touched(collection, index.last_seq) if i]
                if len(touched) > max(1000, index.rows * REBUILD_FROM):
                    index = self._build_lexical(collection, latest)
                else:
                    index.apply(self._db, touched, latest)
            if index and index.behind > max(2000, index.rows * REBUILD_FROM):
                index = self._build_lexical(collection, latest)
            if index:
                self._lexical[collection] = index
        return index or FtsIndex(self._db, collection)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One view of the database, whatever others commit meanwhile."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("begin")
        try:
            yield
        finally:
            self._db.execute("commit")

    def _touched(self, collection: str, after: int) -> list[int]:
        rows = self._db.execute("select distinct item from changes where collection = ? and seq > ? order by item", (collection, after))
        return [row[0] for row in rows]

    def _open_dense(self, collection: str, space: Space) -> DenseIndex:
        for found in self._generations.proved(DENSE, collection, space.id):
            try:
                index = DenseIndex.read(found.path, space.dim, found.last_seq)
            except (RuntimeError, OSError) as error:
                self._notice(f"the index file {found.path.name} is not used: {str(error).splitlines()[0][:120]}")
                continue
            if self._is(found, index.ids()):
                self._saved[DENSE, collection] = found.last_seq
                return index
        return self._build_dense(collection, space, self.latest(collection))

    def _build_dense(self, collection: str, space: Space, latest: int) -> DenseIndex:
        return DenseIndex.build(self._db, collection, space, latest, self._notice)

    def _open_lexical(self, collection: str) -> LexicalIndex | None:
        for found in self._generations.proved(LEXICAL, collection, 0):
            try:
                segment = Segment.read(found.path)
            except (ValueError, OSError) as error:
                self._notice(f"the index file {found.path.name} is not used: {error!s:.120}")
                continue
            if self._is(found, segment.ids):
                self._saved[LEXICAL, collection] = found.last_seq
                return LexicalIndex(segment, found.last_seq)
        count = self._db.execute("select count(*) from items where collection = ? and live = 1", (collection,)).fetchone()[0]
        return self._build_lexical(collection, self.latest(collection)) if count <= FTS_FROM else None

    def _build_lexical(self, collection: str, latest: int) -> LexicalIndex | None:
        """None, with a notice, where its temporary files have no room."""
        try:
            return LexicalIndex.build(self._db, collection, latest)
        except OSError as error:
            self._notice(f"words are looked up without their index, which is slower: {error.strerror or error}")
            return None

    def _is(self, found: Any, ids: Any) -> bool:
        """Whether the file holds the ids that it should."""
        if len(ids) == found.rows and ids_sha256(ids) == found.ids_sha256:
            return True
        self._notice(f"the index file {found.path.name} is not used: it holds other items than it should")
        return False

    # saving and checking ---------------------------------------------------------------------------------------

    def far_behind(self, changes: int) -> list[str]:
        """Collections whose indexes were used here and are more than `changes` ahead of their files."""
        ahead = {name for name, (_, index) in self._dense.items() if index.last_seq - self._saved.get((DENSE, name), 0) > changes}
        return sorted(ahead | {n for n, index in self._lexical.items() if index.last_seq - self._saved.get((LEXICAL, n), 0) > changes})

    def save(self, collection: str, space: Space | None) -> None:
        """Files for both kinds, where there is anything new."""
        if space is not None:
            dense = self.dense(collection, space)
            behind = dense.last_seq != self._on_disk(DENSE, collection, space.id)
            if behind and self._generations.publish(DENSE, collection, space.id, dense.ids(), dense.last_seq, dense.write):
                self._saved[DENSE, collection] = dense.last_seq
        if self.latest(collection) == self._on_disk(LEXICAL, collection, 0):
            return
        with self._reading():
            known = self._lexical.get(collection)
            latest = self.latest(collection)
            fresh = known if known and known.last_seq == latest and not known.behind else self._build_lexical(collection, latest)
        if fresh is None:
            return
        self._lexical[collection] = fresh
        if self._generations.publish(LEXICAL, collection, 0, fresh.ids(), fresh.last_seq, fresh.base.write):
            self._saved[LEXICAL, collection] = fresh.last_seq

    def _on_disk(self, kind: str, collection: str, space: int) -> int:
        newest = next(self._generations.proved(kind, collection, space), None)
        return newest.last_seq if newest else -1

    def forget(self, collection: str) -> None:
        """Drop what is held in memory of a collection."""
        self._dense.pop(collection, None)
        self._lexical.pop(collection, None)

    def check(self, collection: str, space: Space | None) -> list[str]:
        """Rows against hashes, vectors against checksums and rows, FTS5 against the text, files against their hash."""
        import zlib

        wrong = [
            f"item {row['id']}: its text is not what was stored"
            for row in self._db.execute("select id, text, hash from items where collection = ?", (collection,))
            if text_hash(row["text"]) != row["hash"]
        ]
        if space is not None:
            sql = "select i.id, v.data, v.crc from items i left join vectors v on v.item = i.id and v.space = ? where i.collection = ?"
            for row in self._db.execute(sql, (space.id, collection)):
                if row["data"] is None:
                    wrong.append(f"item {row['id']}: no vector")
                elif zlib.crc32(row["data"]) != row["crc"]:
                    wrong.append(f"item {row['id']}: its vector is damaged")
        try:
            self._db.execute("insert into items_fts (items_fts, rank) values ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            wrong.append(f"the full-text index: {error}")
        for found in self._generations.all(collection):
            if reason := self._generations.wrong(found):
                wrong.append(f"index file {found.path.name}: {reason}")
        return wrong
