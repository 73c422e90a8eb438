"""Postings of some documents in arrays of one file: which of them holds which stem how often. Built by invert.py.

Two facts: a term is the number of its stem (words.py), and a document is its place among the sorted ids. A file is believed
only when its hash was proved (generations.py); nothing in it is run or unpickled. Not here: points (lexical.py).
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ARRAYS = (("ids", "<i8"), ("terms", "<i8"), ("starts", "<i8"), ("lengths", "<i4"), ("docs", "<i4"), ("counts", "<u2"))
"""In the order of the file, wide ones first so that all are aligned. Term t has docs[starts[t]:starts[t + 1]], places in `ids`."""
HEADER = 256
COPIED_AT_ONCE = 1 << 20


def header(lengths: Mapping[str, int]) -> bytes:
    """A line of JSON with the lengths of the arrays, which follow it."""
    return json.dumps({name: lengths[name] for name, _ in ARRAYS}).encode().ljust(HEADER - 1) + b"\n"


def offsets(lengths: Mapping[str, int]) -> dict[str, int]:
    """Where in the file each array begins, bytes; `end` is the file's length."""
    import numpy as np

    found, at = {}, HEADER
    for name, kind in ARRAYS:
        found[name] = at
        at += lengths[name] * np.dtype(kind).itemsize
    return {**found, "end": at}


class Segment:
    """Postings of some documents, read from the pages of a file as they are needed. `alive` says which documents still count."""

    def __init__(self, pages: mmap.mmap, *, on_disk: bool) -> None:
        """Raises ValueError when they are not a segment's."""
        import numpy as np

        self._pages, self._on_disk = pages, on_disk
        lengths = json.loads(pages[:HEADER])
        if list(lengths) != [name for name, _ in ARRAYS]:
            raise ValueError("its arrays are in another order")
        begins = offsets(lengths)
        self.arrays = {name: np.frombuffer(pages, kind, lengths[name], begins[name]) for name, kind in ARRAYS}
        self.ids, self.lengths, self.terms = self.arrays["ids"], self.arrays["lengths"], self.arrays["terms"]
        self.alive = np.ones(len(self.ids), dtype=bool)
        self.rows = len(self.ids)

    @classmethod
    def read(cls, path: Path) -> Segment:
        """A file whose hash was proved. Raises ValueError when it is none."""
        with path.open("rb") as stream:
            return cls(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), on_disk=True)

    def kill(self, ids: Sequence[int]) -> None:
        import numpy as np

        places = self.places(np.array(ids, dtype=np.int64))
        self.alive[places] = False
        self.rows = int(self.alive.sum())

    def places(self, ids: Any) -> Any:
        """Where these ids stand; those that are not here are left out."""
        import numpy as np

        if not len(self.ids):
            return np.zeros(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return at[self.ids[at] == ids]

    def postings(self, term: int) -> tuple[Any, Any]:
        """(places, counts) of the documents that hold the term."""
        import numpy as np

        at = int(np.searchsorted(self.terms, term))
        if at >= len(self.terms) or self.terms[at] != term:
            return self.arrays["docs"][:0], self.arrays["counts"][:0]
        start, end = self.arrays["starts"][at : at + 2]
        return self.arrays["docs"][start:end], self.arrays["counts"][start:end]

    def write(self, path: Path) -> None:
        """A copy as a file. Pages that were read for it are let go, so that memory does not grow by the whole file."""
        with path.open("wb") as stream:
            for start in range(0, len(self._pages), COPIED_AT_ONCE):
                stream.write(self._pages[start : start + COPIED_AT_ONCE])
                if self._on_disk:
                    self._pages.madvise(mmap.MADV_DONTNEED)
