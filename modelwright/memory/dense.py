"""The vectors of a collection in FAISS: flat and exact up to 100,000, an inverted file above.

Two facts: it mirrors SQLite up to `last_seq` and is brought up to date before each search, and a filter is applied inside
the search (IDSelector), never on its result. Above the limit a filter that leaves few rows is searched in all lists, so it is
exact. When a collection has grown by half since its lists were trained, they are trained again. Not here: files (generations.py).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.memory.items import marks
from modelwright.memory.spaces import Space

if TYPE_CHECKING:
    from modelwright.memory.embedders import Matrix, Vector

FLAT_UP_TO = 100_000
PROBES = 16
"""Lists that are looked at: recall@10 of 1.0 at 100,000 clustered vectors, 0.94 at 10,000."""
FEW = 20_000
"""A filter that leaves no more is searched in every list."""
TRAIN_ON = 50_000
ROWS_AT_ONCE = 1000
PARTS = 500
GROWN = 1.5


class DenseIndex:
    """One collection's vectors of one space. `last_seq` is the change that it mirrors."""

    def __init__(self, index: Any, dim: int, last_seq: int) -> None:
        self._index, self._dim, self.last_seq = index, dim, last_seq
        self._top = int(self.ids().max(initial=0))
        self.trained_on = self.rows

    @classmethod
    def build(cls, db: sqlite3.Connection, collection: str, space: Space, last_seq: int, notice: Callable[[str], None]) -> DenseIndex:
        """From SQLite, block by block. A vector whose checksum is wrong is left out, with a notice."""
        sql = (
            "select v.item, v.data, v.crc from items i join vectors v on v.item = i.id and v.space = ? "
            "where i.collection = ? and i.live = 1 order by i.id"
        )
        count = db.execute("select count(*) from items where collection = ? and live = 1", (collection,)).fetchone()[0]
        blocks = _blocks(db.execute(sql, (space.id, collection)), space.dim, notice)
        made = cls(_empty(space.dim), space.dim, last_seq)
        if count > FLAT_UP_TO:
            made._index = _trained(db, collection, space, count, notice)
        else:
            _reserve(made._index, count)
        for ids, vectors in blocks:
            made._index.add_with_ids(vectors, ids)
        if not made.rows:
            made._index = _empty(space.dim)  # without the room, which would be written as vectors
        made._top = int(made.ids().max(initial=0))
        made.trained_on = made.rows
        return made

    @classmethod
    def read(cls, path: Path, dim: int, last_seq: int) -> DenseIndex:
        """A file whose hash was proved. Raises RuntimeError when FAISS cannot read it."""
        import faiss

        index = faiss.read_index(str(path))
        if index.d != dim:
            raise RuntimeError(f"{path.name} holds vectors of {index.d} values, not {dim}")
        return cls(index, dim, last_seq)

    def write(self, path: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(path))

    @property
    def rows(self) -> int:
        return int(self._index.ntotal)

    @property
    def outgrown(self) -> bool:
        """Whether it should be built anew: flat beyond the limit, or lists trained on much less."""
        limit = FLAT_UP_TO if self._flat else self.trained_on
        return self.rows > max(limit, FLAT_UP_TO) * (1 if self._flat else GROWN)

    @property
    def _flat(self) -> bool:
        return hasattr(self._index, "id_map")

    def ids(self) -> Any:
        """Every id in it, int64."""
        import faiss
        import numpy as np

        if self._flat:
            return faiss.vector_to_array(self._index.id_map)
        lists = self._index.invlists
        parts = [faiss.rev_swig_ptr(lists.get_ids(i), lists.list_size(i)).copy() for i in range(lists.nlist) if lists.list_size(i)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def apply(self, db: sqlite3.Connection, touched: Sequence[int], space: Space, last_seq: int, notice: Callable[[str], None]) -> None:
        """Bring the items `touched` to what SQLite says of them now."""
        import numpy as np

        known = [i for i in touched if i <= self._top]
        if known and self.rows:
            self._index.remove_ids(np.array(known, dtype=np.int64))
        for start in range(0, len(touched), PARTS):
            part = touched[start : start + PARTS]
            sql = (
                "select v.item, v.data, v.crc from vectors v join items i on i.id = v.item "
                f"where v.space = ? and i.live = 1 and v.item in ({marks(part)})"
            )
            for ids, vectors in _blocks(db.execute(sql, (space.id, *part)), self._dim, notice):
                self._index.add_with_ids(vectors, ids)
                self._top = max(self._top, int(ids.max()))
        self.last_seq = last_seq

    def search(self, vector: Vector, k: int, allowed: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """(id, cosine) of the nearest k, best first; among `allowed` only, where given."""
        import faiss
        import numpy as np

        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if not self.rows or (allowed is not None and not allowed):
            return []
        if self._flat and allowed is None:
            return self._nearest(query[0], min(k, self.rows))
        params = self._params(allowed)
        faiss.omp_set_num_threads(1)  # two threads took 13.4 ms for 100,000 vectors, one 10.7
        scores, ids = self._index.search(query, min(k, self.rows), params=params)
        return [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]

    def _nearest(self, query: Vector, k: int) -> list[tuple[int, float]]:
        """All of a flat index by one product of matrix and vector: it runs on all cores, where FAISS searches one query on one.

        At 100,000 vectors of 384 on two quiet cores 12.5 ms where FAISS took 18.0 (benchmarks/hybrid_query.py, "dense").
        """
        import faiss
        import numpy as np

        flat: Any = faiss.downcast_index(self._index.index)
        every = faiss.rev_swig_ptr(flat.get_xb(), self.rows * self._dim).reshape(self.rows, self._dim)  # FAISS's own memory
        scores = every @ query
        best = np.argpartition(-scores, k - 1)[:k]
        best = best[np.argsort(-scores[best], kind="stable")]
        ids = faiss.rev_swig_ptr(self._index.id_map.data(), self.rows)
        return [(int(ids[place]), float(scores[place])) for place in best]

    def _params(self, allowed: Sequence[int] | None) -> Any:
        import faiss
        import numpy as np

        made: Any = faiss
        selector = faiss.IDSelectorBatch(np.array(allowed, dtype=np.int64)) if allowed is not None else None
        if self._flat:
            return made.SearchParameters(sel=selector) if selector else None
        probes = self._index.nlist if allowed is not None and len(allowed) <= FEW else PROBES
        return made.SearchParametersIVF(sel=selector, nprobe=probes) if selector else made.SearchParametersIVF(nprobe=probes)


def _empty(dim: int) -> Any:
    import faiss

    return faiss.IndexIDMap2(faiss.IndexFlatIP(dim))


def _reserve(index: Any, count: int) -> None:
    """Room for so many vectors at once: grown as they come, a flat index holds them almost twice each time it moves."""
    import faiss

    flat: Any = faiss.downcast_index(index.index)
    flat.codes.resize(count * flat.code_size)  # adding shrinks it to what is there, and keeps the room


def _trained(db: sqlite3.Connection, collection: str, space: Space, count: int, notice: Callable[[str], None]) -> Any:
    """An inverted file with 4 * sqrt(count) lists, trained on every so-manieth vector."""
    import faiss
    import numpy as np

    every = max(1, count // TRAIN_ON)
    sql = (
        "select v.item, v.data, v.crc from items i join vectors v on v.item = i.id and v.space = ? "
        "where i.collection = ? and i.live = 1 and i.id % ? = 0 order by i.id"
    )
    sample = [vectors for _, vectors in _blocks(db.execute(sql, (space.id, collection, every)), space.dim, notice)]
    index = faiss.index_factory(space.dim, f"IVF{int(4 * count**0.5)},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(np.vstack(sample))
    return index


def _blocks(rows: sqlite3.Cursor, dim: int, notice: Callable[[str], None]) -> Iterator[tuple[Any, Matrix]]:
    import numpy as np

    while part := rows.fetchmany(ROWS_AT_ONCE):
        good = [row for row in part if len(row[1]) == dim * 4 and zlib.crc32(row[1]) == row[2]]
        if len(good) < len(part):
            notice(f"{len(part) - len(good)} vectors are damaged and left out: reindex makes them anew")
        if good:
            ids = np.array([row[0] for row in good], dtype=np.int64)
            yield ids, np.frombuffer(b"".join(row[1] for row in good), dtype="<f4").reshape(-1, dim)
