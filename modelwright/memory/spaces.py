"""Which embedder made which vectors, so that vectors of two spaces are never compared.

The same length is not the same space: compared all the same, one search in four finds what it should, without an error. So
each vector names its space, a space its embedder's fingerprint, and the vectors of three canary sentences are kept:
an embedder that no longer gives them (cosine below 0.999) is another one. Then searches are lexical, with a notice, until
`reindex` has built the new space beside the old and switched in one commit.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright import faults
from modelwright.errors import BadRequest, ModelwrightError
from modelwright.memory.items import now

if TYPE_CHECKING:
    from modelwright.memory.embedders import Embedder, Matrix, Vector
    from modelwright.memory.store import Store

CANARIES = ("the cat sat on the mat", "training loss became NaN at step 400", "Quantisierung auf vier Bit spart Speicher")
SAME_FROM = 0.999
REINDEX_AT_ONCE = 256


@dataclass(frozen=True)
class Space:
    id: int
    fingerprint: str
    name: str
    dim: int
    canary: bytes


class Embedding:
    """Texts of a collection to vectors of its space, or not at all."""

    def __init__(self, db: sqlite3.Connection, notice: Callable[[str], None]) -> None:
        self._db, self._notice = db, notice
        self._proved: dict[str, Space | None] = {}
        """Fingerprint -> its space, once the canaries were looked at in this process."""

    def of(
        self, collection: str, embedder: Embedder | None, texts: Sequence[str], vectors: Matrix | None
    ) -> tuple[Space | None, Matrix | Sequence[Vector]]:
        """(the embedder's space, a vector for each text); (None, zeros) where there is no embedder."""
        if embedder is None or not texts:
            return None, [_nothing()] * len(texts)
        space = self.prove(embedder)
        if space is None:
            return None, [_nothing()] * len(texts)
        rows = embedder.embed(texts) if vectors is None else vectors
        if rows.shape != (len(texts), space.dim):
            raise BadRequest(f"{len(texts)} texts came with vectors of shape {rows.shape}, ({len(texts)}, {space.dim}) is needed")
        self._compare(collection, space)
        return space, rows

    def query(self, collection: str, embedder: Embedder | None, text: str) -> Vector | None:
        wanted = space_of(self._db, collection)
        if wanted is None:
            return None
        if embedder is None:
            self._notice(f"no embedder is open: {collection} is searched by words only")
            return None
        space = self.prove(embedder)
        if space is None or not self._compare(collection, space):
            return None
        vector: Vector = embedder.embed([text])[0]
        return vector

    def _compare(self, collection: str, space: Space) -> bool:
        wanted = space_of(self._db, collection)
        if wanted is None or wanted.id == space.id:
            return True
        self._notice(
            f"{collection} was embedded with {wanted.name}, now {space.name} is open: it is searched by words only "
            f"until `modelwright memory reindex {collection}`"
        )
        return False

    def prove(self, embedder: Embedder) -> Space | None:
        """The embedder's space, made when it is new. None, with a notice, when it does not give its canaries or cannot be reached."""
        key = embedder.fingerprint
        if key not in self._proved:
            try:
                self._proved[key] = self._look(embedder)
            except ModelwrightError as error:
                self._notice(f"searching by words only: {error}")
                return None
        return self._proved[key]

    def _look(self, embedder: Embedder) -> Space | None:
        made = embedder.embed(CANARIES)
        with_lock = not self._db.in_transaction
        known = find_space(self._db, embedder.fingerprint)
        if known is None:
            if with_lock:
                self._db.execute("begin immediate")
            self._db.execute(
                "insert or ignore into spaces (fingerprint, name, dim, canary, created) values (?,?,?,?,?)",
                (embedder.fingerprint, embedder.name, made.shape[1], made.astype("<f4").tobytes(), now()),
            )
            if with_lock:
                self._db.execute("commit")
            known = find_space(self._db, embedder.fingerprint)
        assert known
        if _same(made, known):
            return known
        self._notice(
            f"the embedder {embedder.name} no longer gives the vectors that it gave (its canary sentences differ): "
            "searching by words only; reindex with an embedder of another name"
        )
        return None


def _same(made: Matrix, known: Space) -> bool:
    import numpy as np

    kept = np.frombuffer(known.canary, dtype="<f4")
    return made.size == kept.size and bool(((made * kept.reshape(made.shape)).sum(axis=1) >= SAME_FROM).all())


def _nothing() -> Any:
    import numpy as np

    return np.zeros(0, dtype=np.float32)


def find_space(db: sqlite3.Connection, fingerprint: str) -> Space | None:
    row = db.execute("select id, fingerprint, name, dim, canary from spaces where fingerprint = ?", (fingerprint,)).fetchone()
    return Space(*row) if row else None


def space_of(db: sqlite3.Connection, collection: str) -> Space | None:
    """The space that searches of this collection use."""
    row = db.execute(
        "select s.id, s.fingerprint, s.name, s.dim, s.canary from collections c join spaces s on s.id = c.space where c.name = ?",
        (collection,),
    ).fetchone()
    return Space(*row) if row else None


def choose_first(db: sqlite3.Connection, collection: str, space: Space | None) -> None:
    """A collection keeps the space of its first vectors."""
    if space is not None:
        db.execute("update collections set space = ? where name = ? and space is null", (space.id, collection))


def put_vectors(db: sqlite3.Connection, space: Space, rows: Iterable[tuple[int, Vector]]) -> None:
    """Each vector with a checksum of its bytes: SQLite has none of its own."""
    blobs = ((item, row.astype("<f4").tobytes()) for item, row in rows)
    db.executemany("insert or ignore into vectors values (?,?,?,?)", ((item, space.id, data, zlib.crc32(data)) for item, data in blobs))


def reindex(store: Store, db: sqlite3.Connection, collection: str, embedder: Embedder | None, progress: Callable[[int, int], None]) -> int:
    """Vectors of `embedder` for everything in the collection, then the switch. Killed before it, the old space goes on."""
    if embedder is None:
        raise BadRequest("there is no embedder to reindex with", fix="pip install 'modelwright[rag]', or set embedder")
    space = Embedding(db, store.notice).prove(embedder)
    if space is None:
        raise BadRequest(f"{embedder.name} cannot be used to reindex {collection}", fix="; ".join(store.notices))
    made, total = 0, int(db.execute("select count(*) from items where collection = ?", (collection,)).fetchone()[0])
    while rows := db.execute(MISSING, (collection, space.id, REINDEX_AT_ONCE)).fetchall():
        vectors = embedder.embed([row["text"] for row in rows])
        with store.transaction():
            put_vectors(db, space, zip([row["id"] for row in rows], vectors, strict=True))
        made += len(rows)
        progress(made, total)
    faults.point("reindex.before_switch")
    with store.transaction():
        db.execute("update collections set space = ? where name = ?", (space.id, collection))
        db.execute("delete from vectors where space != ? and item in (select id from items where collection = ?)", (space.id, collection))
        db.execute("delete from generations where kind = 'dense' and collection = ? and space != ?", (collection, space.id))
        db.execute("insert into changes (collection, item, op) values (?, 0, 'reindex')", (collection,))
    faults.point("reindex.after_switch")
    store.save(collection)
    return made


MISSING = (
    "select id, text from items where collection = ? and not exists "
    "(select 1 from vectors where vectors.item = items.id and vectors.space = ?) order by id limit ?"
)
