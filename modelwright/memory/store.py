"""The store: items, vectors and their numbered changes in SQLite, and searches over indexes that mirror them.

Two facts. A commit here is the only commit: index files are caches of it (generations.py), and every hit of theirs is read
back from SQLite, so one that is behind or damaged can lose a hit but never show what was removed. And one process writes
at a time (SQLite's own lock), any number read; a reader sees a commit at its next search.
Not here: what memories mean (longterm.py), making text reach nothing any more (forget.py).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from modelwright import faults
from modelwright.errors import BadRequest
from modelwright.files import clear_os_errors
from modelwright.memory import rows, schema, spaces
from modelwright.memory.embedders import Embedder
from modelwright.memory.generations import Generations
from modelwright.memory.hits import Hits
from modelwright.memory.items import LIVE, Filter, Hit, Item, NewItem, item_of, marks, now
from modelwright.memory.search import Indexes
from modelwright.workspace import open_sqlite

if TYPE_CHECKING:
    from modelwright.memory.embedders import Matrix, Vector

SAVE_AFTER = 1000
"""Changes that a writer leaves behind unsaved when it closes: they are replayed in a few milliseconds."""


class Store:
    """Open with `Store.open`. Safe to share between threads: one of them is inside at a time."""

    def __init__(self, db: sqlite3.Connection, folder: Path, embedder: Embedder | None, on_notice: Callable[[str], None] | None) -> None:
        self._db, self._lock = db, threading.RLock()
        self.embedder = embedder
        self.notices: list[str] = []
        """What a person should know: degraded to lexical, a damaged file, an item that does not match its hash. Each once."""
        self._on_notice = on_notice
        self.generations = Generations(db, folder, self.notice)
        self._indexes = Indexes(db, self.generations, self.notice)
        self._embedding = spaces.Embedding(db, self.notice)
        self._hits = Hits(db, self._indexes.latest, self.notice)

    @classmethod
    def open(cls, path: Path, embedder: Embedder | None = None, *, on_notice: Callable[[str], None] | None = None) -> Store:
        """The store in the database `path`; its index files lie in `indexes/` beside it. Raises BadRequest for a damaged file."""
        with clear_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            db = open_sqlite(path, synced=True)
            db.execute("pragma secure_delete=on")  # what is forgotten is overwritten, not only unlinked
            schema.migrate(db, path.parent / "indexes" / "migrate.lock")
        except sqlite3.Error as error:
            raise BadRequest(f"{path}: {error}", fix="close other programs that use it, or move the file away and start anew") from None
        return cls(db, path.parent / "indexes", embedder, on_notice)

    @staticmethod
    def present(path: Path) -> bool:
        """Whether there is a store in this database, without making one."""
        return path.is_file() and schema.is_current(path)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Save index files that are far behind, then let go. The embedder stays with whoever opened it."""
        with self._lock:
            for name in self._indexes.far_behind(SAVE_AFTER):
                self.save(name)
            self._db.close()

    def notice(self, message: str) -> None:
        if message not in self.notices:
            self.notices.append(message)
            if self._on_notice:
                self._on_notice(message)

    # writing ---------------------------------------------------------------------------------------------------

    def write(
        self, collection: str, add: Sequence[NewItem] = (), *, remove: Iterable[int] = (), vectors: Matrix | None = None
    ) -> list[int]:
        """Add and remove in one commit; the ids of what was added, in order. All of it is there or nothing.

        `vectors` (len(add), dim) are the embedder's for the texts; without them they are made here, before the commit. An item
        whose key, text, kind and metadata are those of a live one keeps its id and vector.
        """
        with self._lock:
            space, made = self._embedding.of(collection, self.embedder, [item.text for item in add], vectors)
            with self.transaction():
                rows.delete(self._db, remove)
                ids = [rows.put(self._db, collection, item) for item in add]
                faults.point("store.between")
                if space is not None:
                    spaces.put_vectors(self._db, space, zip(ids, made, strict=True))
                self._db.execute("insert or ignore into collections (name, created) values (?, ?)", (collection, now()))
                spaces.choose_first(self._db, collection, space)
                faults.point("store.before_commit")
        faults.point("store.after_commit")
        return ids

    def add(self, collection: str, items: Sequence[NewItem]) -> list[int]:
        return self.write(collection, items)

    def replace(self, collection: str, old: Iterable[int], new: Sequence[NewItem]) -> list[int]:
        """Take the items `old` out and put `new` in, in one commit."""
        return self.write(collection, new, remove=old)

    def remove(self, ids: Iterable[int]) -> int:
        """Delete items with their vectors and words; the number that were there. Made from them is deleted too (`parents`)."""
        with self._lock, self.transaction():
            return rows.delete(self._db, ids)

    def hide(self, ids: Iterable[int], *, hidden: bool = True) -> int:
        """Let no search find them, or let searches find them again; the number that changed."""
        count = 0
        with self._lock, self.transaction():
            for part in rows.parts(ids):
                where = f"where id in ({marks(part)}) and live = ?"
                for row in self._db.execute(f"select id, collection from items {where}", (*part, int(hidden))).fetchall():
                    rows.changed(self._db, row["collection"], row["id"], "hide" if hidden else "show")
                    count += 1
                self._db.execute(f"update items set live = ? {where}", (int(not hidden), *part, int(hidden)))
        return count

    def retire(self, item: int) -> None:
        """Hide an item that a newer one takes the place of, and free its key; when that was stays in its metadata (`until`)."""
        with self._lock, self.transaction():
            self.hide([item])
            self._db.execute(
                "update items set key = null, metadata = json_set(metadata, '$.until', ?) where id = ?", (round(now(), 3), item)
            )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One commit of several writes; nested ones belong to the outermost."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise

    def with_descendants(self, ids: Iterable[int]) -> list[int]:
        """These items and everything made from them, however far."""
        with self._lock:
            return rows.with_descendants(self._db, ids)

    # reading ---------------------------------------------------------------------------------------------------

    def get(self, ids: Sequence[int]) -> list[Item]:
        """The items with these ids that exist, hidden ones too, in the order asked. A damaged one is left out, with a notice."""
        with self._lock:
            found: dict[int, Item] = {}
            for part in rows.parts(ids):
                found |= self._hits.whole(self._db.execute(f"select * from items where id in ({marks(part)})", part))
        return [found[i] for i in ids if i in found]

    def find(self, collection: str, filter: Filter | None = None, *, limit: int = 100, offset: int = 0, hidden: bool = False) -> list[Item]:
        """Items of a collection, newest first."""
        where, values = (filter or Filter()).where()
        live, moment = ("1", []) if hidden else (LIVE, [now()])
        with self._lock:
            found = self._db.execute(
                f"select * from items where collection = ? and {live}{where} order by id desc limit ? offset ?",
                (collection, *moment, *values, limit, offset),
            ).fetchall()
        return [item_of(row) for row in found]

    def by_key(self, collection: str, key: str) -> Item | None:
        """The live item with this key."""
        with self._lock:
            row = self._db.execute(f"select * from items where collection = ? and key = ? and {LIVE}", (collection, key, now())).fetchone()
        return item_of(row) if row else None

    def count(self, collection: str, filter: Filter | None = None) -> int:
        where, values = (filter or Filter()).where()
        with self._lock:
            row = self._db.execute(f"select count(*) from items where collection = ? and {LIVE}{where}", (collection, now(), *values))
            return int(row.fetchone()[0])

    def vector(self, item: int) -> Vector | None:
        """The stored vector of an item, in its collection's space."""
        import numpy as np

        with self._lock:
            row = self._db.execute(
                "select v.data from items i join collections c on c.name = i.collection "
                "join vectors v on v.item = i.id and v.space = c.space where i.id = ?",
                (item,),
            ).fetchone()
        return np.frombuffer(row["data"], dtype="<f4") if row else None

    def dim(self, collection: str) -> int | None:
        """Length of the collection's vectors."""
        with self._lock:
            space = spaces.space_of(self._db, collection)
        return space.dim if space else None

    def collections(self) -> list[str]:
        with self._lock:
            return [row["name"] for row in self._db.execute("select name from collections order by name")]

    def sequence(self, collection: str) -> int:
        """The number of the last change; a result computed at a number holds while it stays the same."""
        with self._lock:
            return self._indexes.latest(collection)

    # searching -------------------------------------------------------------------------------------------------

    def embed_query(self, collection: str, text: str) -> Vector | None:
        """The text as a vector of the collection's space. None, with a notice, where there is no embedder or another one made it."""
        with self._lock:
            return self._embedding.query(collection, self.embedder, text)

    def search_dense(self, collection: str, vector: Vector, k: int, filter: Filter | None = None) -> list[Hit]:
        """The k live items nearest to `vector` (cosine), best first. Raises BadRequest for a vector of another length."""
        with self._lock:
            space = spaces.space_of(self._db, collection)
            if space is None:
                return []
            if len(vector) != space.dim:
                raise BadRequest(f"the vector has {len(vector)} values, {collection} was embedded with {space.dim}", fix="use its embedder")
            return self._hits.joined(collection, k, filter, lambda n, ids: self._indexes.dense(collection, space).search(vector, n, ids))

    def search_lexical(self, collection: str, text: str, k: int, filter: Filter | None = None) -> list[Hit]:
        """The k live items with most BM25 points for the words of `text` (any of them; stems), best first."""
        with self._lock:
            return self._hits.joined(collection, k, filter, lambda n, ids: self._indexes.lexical(collection).search(text, n, ids))

    # the caches and spaces -------------------------------------------------------------------------------------

    def save(self, collection: str) -> None:
        """Write the collection's indexes as files for the next process. Whoever finds another one at it leaves it to that one."""
        with self._lock:
            self._indexes.save(collection, spaces.space_of(self._db, collection))

    def drop_indexes(self, collection: str) -> int:
        """Delete the collection's index files and let go of what is in memory; the number of files."""
        with self._lock:
            self._indexes.forget(collection)
            self._hits.forget_filters()
            return self.generations.drop(collection)

    def drop(self, collection: str) -> int:
        """Delete the collection with its index files; how many items there were. Its name is then free for another embedder."""
        with self._lock, self.transaction() as db:
            ids = [row[0] for row in db.execute("select id from items where collection = ?", (collection,))]
            count = rows.delete(db, ids)
            db.execute("delete from collections where name = ?", (collection,))
            self.drop_indexes(collection)
            return count

    def compact(self) -> None:
        """Rewrite the database without what was deleted: full-text index, free pages and log hold nothing of it any more."""
        with self._lock:
            self._db.execute("insert into items_fts (items_fts) values ('rebuild')")
            self._db.execute("insert into items_fts (items_fts) values ('optimize')")
            self._db.execute("vacuum")
            self._db.execute("pragma wal_checkpoint(truncate)")

    def reindex(self, collection: str, *, progress: Callable[[int, int], None] | None = None) -> int:
        """Embed what this store's embedder has not yet embedded, then switch to its space in one commit; the number of vectors made."""
        with self._lock:
            return spaces.reindex(self, self._db, collection, self.embedder, progress or (lambda done, total: None))

    def check(self, collection: str) -> list[str]:
        """What is wrong with the collection, in words; [] when rows, hashes, vectors, FTS and index files agree."""
        with self._lock:
            return self._indexes.check(collection, spaces.space_of(self._db, collection))
