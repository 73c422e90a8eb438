"""Postings of some documents in arrays: which of them holds which stem how often. Built from texts, or mapped from a file.

Two facts: a term is the number of its stem (words.py), and a document is its place among the sorted ids. A file is believed
only when its hash was proved (generations.py); nothing in it is run or unpickled. Not here: points (lexical.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from modelwright.memory.scan import scan
from modelwright.memory.words import stem_numbers

DOCS_AT_ONCE = 20_000
CHARACTERS_AT_ONCE = 2_000_000
"""Scanning takes about 30 bytes for each."""
ARRAYS = (("ids", "<i8"), ("lengths", "<i4"), ("terms", "<i8"), ("starts", "<i8"), ("docs", "<i4"), ("counts", "<u2"))
"""In the order of the file; a term's postings are docs[starts[t]:starts[t + 1]], places in `ids`."""


class Segment:
    """Postings of some documents. Their ids are sorted; `alive` says which still count."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        import numpy as np

        self.arrays = arrays
        self.ids, self.lengths, self.terms = arrays["ids"], arrays["lengths"], arrays["terms"]
        self.alive = np.ones(len(self.ids), dtype=bool)
        self.rows = len(self.ids)

    @classmethod
    def of(cls, documents: Iterable[tuple[int, str]]) -> Segment:
        """From (id, text), by rising id."""
        blocks = [_block(part) for part in _batches(documents)]
        return cls(_merge(blocks))

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
        """A line of JSON with the lengths of the arrays, then the arrays."""
        with path.open("wb") as stream:
            stream.write(json.dumps({name: len(self.arrays[name]) for name, _ in ARRAYS}).encode().ljust(255) + b"\n")
            for name, kind in ARRAYS:
                stream.write(self.arrays[name].astype(kind, copy=False).tobytes())

    @classmethod
    def read(cls, path: Path) -> Segment:
        """A file whose hash was proved, mapped into memory. Raises ValueError when it is none."""
        import numpy as np

        with path.open("rb") as stream:
            lengths = json.loads(stream.read(256))
        raw, at, arrays = np.memmap(path, mode="r", dtype=np.uint8), 256, {}
        for name, kind in ARRAYS:
            size = lengths[name] * np.dtype(kind).itemsize
            arrays[name] = np.asarray(raw[at : at + size]).view(kind)
            at += size
        return cls(arrays)


def _batches(documents: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    part: list[tuple[int, str]] = []
    for document in documents:
        part.append(document)
        if len(part) == DOCS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


class Codes(dict[str, int]):
    """A word's number: how many other words came before it."""

    def __missing__(self, word: str) -> int:
        self[word] = code = len(self)
        return code


def _tokens(texts: Sequence[str], seen: Codes) -> tuple[Any, Any]:
    """(the number in `seen` of each token, tokens of each text)."""
    import numpy as np

    codes, lengths = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for part in _by_size(texts):
        which, counts, words = scan(part)
        codes.append(np.array([seen[word] for word in words], dtype=np.int64)[which])
        lengths.append(counts)
    return np.concatenate(codes), np.concatenate(lengths).astype(np.int32)


def _by_size(texts: Sequence[str]) -> Iterator[list[str]]:
    part, size = list[str](), 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= CHARACTERS_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _block(documents: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """(term, document, count) of a batch, sorted by term and then document; `first` is its first document's place."""
    import numpy as np

    seen = Codes()
    codes, lengths = _tokens([text for _, text in documents], seen)
    numbers = stem_numbers(seen)
    by_code = np.array([numbers[word] for word in seen], dtype=np.int64)
    terms, compact = np.unique(by_code, return_inverse=True)
    places = np.repeat(np.arange(len(documents), dtype=np.int64), lengths)
    pairs, counts = np.unique(compact[codes] * max(1, len(documents)) + places, return_counts=True)
    which, docs = np.divmod(pairs, max(1, len(documents)))
    return {
        "ids": np.array([i for i, _ in documents], dtype=np.int64),
        "lengths": lengths,
        "terms": terms,
        "which": which,
        "docs": docs,
        "counts": np.minimum(counts, 65535).astype(np.uint16),
    }


def _merge(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The blocks as one, their terms in one order: each block's postings are scattered to where the terms before it end."""
    import numpy as np

    if not blocks:
        return {name: np.zeros(1 if name == "starts" else 0, dtype=kind) for name, kind in ARRAYS}
    terms = np.unique(np.concatenate([b["terms"] for b in blocks]))
    places = [np.searchsorted(terms, b["terms"])[b["which"]] for b in blocks]
    totals = np.sum([np.bincount(p, minlength=len(terms)) for p in places], axis=0)
    starts = np.concatenate([[0], np.cumsum(totals)]).astype(np.int64)
    docs, counts = np.zeros(starts[-1], dtype=np.int32), np.zeros(starts[-1], dtype=np.uint16)
    free, first = starts[:-1].copy(), 0
    for block, where in zip(blocks, places, strict=True):
        here = np.bincount(where, minlength=len(terms))
        rank = np.arange(len(where)) - (np.cumsum(here) - here)[where]
        docs[free[where] + rank] = block["docs"] + first
        counts[free[where] + rank] = block["counts"]
        free += here
        first += len(block["ids"])
    ids, lengths = (np.concatenate([b[name] for b in blocks]) for name in ("ids", "lengths"))
    return {"ids": ids, "lengths": lengths, "terms": terms, "starts": starts, "docs": docs, "counts": counts}
