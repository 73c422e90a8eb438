"""Texts to the postings of a segment in memory that hardly grows with them: sorted runs on disk, merged by ranges of terms.

Blocked sort-based indexing (Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 4.2). Two
runs are made at a time, since numpy lets other threads work while it sorts.
"""

from __future__ import annotations

import mmap
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

from modelwright.memory.scan import Scanned, scan
from modelwright.memory.segment import ARRAYS, Segment, header, offsets
from modelwright.memory.words import stemmed

Documents = Sequence[tuple[int, str]]
RUN_DOCUMENTS = 3000
RUN_CHARACTERS = 400_000
"""Making a run takes about 60 bytes for each."""
AT_ONCE = 2
MERGED_AT_ONCE = 250_000
"""Postings: 10 MB while they are put in order."""
IN_MEMORY = 4_000_000
"""Bytes of runs, or of a segment, up to which no file is made."""


def segment(documents: Iterable[tuple[int, str]]) -> Segment:
    """From (id, text), by rising id. Raises OSError where there is no room for the temporary files."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        runs = list(_spooled(documents, spool))
        return _merge(runs, spool)


class Vocabulary:
    """Terms of the words that were seen, by the words' sums; shared by threads."""

    def __init__(self) -> None:
        import numpy as np

        self._lock = threading.Lock()
        self._sums, self._terms = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)

    def terms(self, scanned: Scanned) -> Any:
        """One for each of its words."""
        import numpy as np

        with self._lock:
            at = np.minimum(np.searchsorted(self._sums, scanned.sums), max(0, len(self._sums) - 1))
            new = np.flatnonzero(self._sums[at] != scanned.sums) if len(self._sums) else np.arange(len(scanned.sums))
            if len(new):
                words = scanned.words(new)
                numbers = stemmed(words)
                sums = np.concatenate([self._sums, scanned.sums[new]])
                terms = np.concatenate([self._terms, np.array([numbers[word] for word in words], dtype=np.int64)])
                order = np.argsort(sums)
                self._sums, self._terms = sums[order], terms[order]
            return self._terms[np.searchsorted(self._sums, scanned.sums)]


@dataclass
class Run:
    """Postings of some documents, by term and then document."""

    ids: Any
    lengths: Any
    terms: Any
    ends: Any
    """Where each term's postings end."""
    docs: Any
    """Places in `ids`; None once it is on disk, like `counts`."""
    counts: Any
    at: int = 0
    """Where it begins in the spool, bytes: docs, then counts."""

    def store(self, spool: IO[bytes]) -> Run:
        self.at = spool.tell()
        spool.write(self.docs.tobytes() + self.counts.tobytes())
        self.docs = self.counts = None
        return self

    def read(self, spool: IO[bytes], first: int, last: int) -> tuple[Any, Any]:
        """(docs, counts) of the postings `first` to `last`."""
        import numpy as np

        every = int(self.ends[-1])
        spool.seek(self.at + first * 4)
        docs = np.frombuffer(spool.read((last - first) * 4), dtype="<i4")
        spool.seek(self.at + every * 4 + first * 2)
        return docs, np.frombuffer(spool.read((last - first) * 2), dtype="<u2")


def _spooled(documents: Iterable[tuple[int, str]], spool: IO[bytes]) -> Iterator[Run]:
    vocabulary, waiting = Vocabulary(), deque[Future[Run]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for part in _parts(documents):
            waiting.append(pool.submit(_run, part, vocabulary))
            if len(waiting) > AT_ONCE:
                yield waiting.popleft().result().store(spool)
        while waiting:
            yield waiting.popleft().result().store(spool)


def _parts(documents: Iterable[tuple[int, str]]) -> Iterator[Documents]:
    part, size = list[tuple[int, str]](), 0
    for document in documents:
        part.append(document)
        size += len(document[1])
        if len(part) == RUN_DOCUMENTS or size >= RUN_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _run(documents: Documents, vocabulary: Vocabulary) -> Run:
    import numpy as np

    scanned = scan([text for _, text in documents])
    terms, term = np.unique(vocabulary.terms(scanned), return_inverse=True)
    narrow = np.int32 if len(terms) * len(documents) < 2**31 else np.int64  # half the memory, and sorted in half the time
    places = np.repeat(np.arange(len(documents), dtype=narrow), scanned.counts)
    pairs, counts = np.unique(term.astype(narrow)[scanned.which] * narrow(len(documents)) + places, return_counts=True)
    which, docs = np.divmod(pairs, narrow(len(documents)))
    return Run(
        np.array([i for i, _ in documents], dtype=np.int64),
        scanned.counts.astype(np.int32),
        terms,
        np.cumsum(np.bincount(which, minlength=len(terms))),
        docs.astype("<i4"),
        np.minimum(counts, 65535).astype("<u2"),
    )


def _merge(runs: Sequence[Run], spool: IO[bytes]) -> Segment:
    import numpy as np

    terms = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(run.terms for run in runs)]))
    totals = np.zeros(len(terms), dtype=np.int64)
    for run in runs:
        totals[np.searchsorted(terms, run.terms)] += np.diff(run.ends, prepend=0)
    small = {
        "ids": np.concatenate([np.zeros(0, dtype=np.int64), *(run.ids for run in runs)]),
        "terms": terms,
        "starts": np.concatenate([[0], np.cumsum(totals)]),
        "lengths": np.concatenate([np.zeros(0, dtype=np.int32), *(run.lengths for run in runs)]),
    }
    lengths = {**{name: len(values) for name, values in small.items()}, **dict.fromkeys(("docs", "counts"), int(totals.sum()))}
    size = offsets(lengths)["end"]
    if size <= IN_MEMORY:
        pages = mmap.mmap(-1, size)
        _fill(pages, lengths, small, _ranges(terms, small["starts"], runs, spool))
        return Segment(pages, on_disk=False)
    with tempfile.TemporaryFile() as out:
        _fill(out, lengths, small, _ranges(terms, small["starts"], runs, spool))
        out.flush()
        return Segment(mmap.mmap(out.fileno(), 0, access=mmap.ACCESS_READ), on_disk=True)


def _fill(out: Any, lengths: dict[str, int], small: dict[str, Any], postings: Iterator[tuple[int, Any, Any]]) -> None:
    """Write a segment in place."""
    begins, kinds = offsets(lengths), dict(ARRAYS)
    out.write(header(lengths))
    for name, values in small.items():
        out.seek(begins[name])
        out.write(values.astype(kinds[name], copy=False).tobytes())
    for first, docs, counts in postings:
        out.seek(begins["docs"] + first * 4)
        out.write(docs.tobytes())
        out.seek(begins["counts"] + first * 2)
        out.write(counts.tobytes())


def _ranges(terms: Any, starts: Any, runs: Sequence[Run], spool: IO[bytes]) -> Iterator[tuple[int, Any, Any]]:
    """(place of the first posting, docs, counts) of as many terms at a time as fit, in order."""
    import numpy as np

    firsts = np.cumsum([0, *(len(run.ids) for run in runs)])
    low = 0
    while low < len(terms):
        high = max(low + 1, int(np.searchsorted(starts, starts[low] + MERGED_AT_ONCE, side="right")) - 1)
        free = starts[low:high] - starts[low]
        docs, counts = np.zeros(starts[high] - starts[low], dtype="<i4"), np.zeros(starts[high] - starts[low], dtype="<u2")
        for run, before in zip(runs, firsts, strict=False):
            a, b = np.searchsorted(run.terms, [terms[low], terms[high - 1] + 1])
            if a == b:
                continue
            begin, held = (int(run.ends[a - 1]) if a else 0), np.diff(run.ends[a:b], prepend=run.ends[a - 1] if a else 0)
            some_docs, some_counts = run.read(spool, begin, int(run.ends[b - 1]))
            where = np.searchsorted(terms[low:high], run.terms[a:b])
            at = np.repeat(free[where] - (np.cumsum(held) - held), held) + np.arange(len(some_docs))
            docs[at], counts[at] = some_docs + np.int32(before), some_counts
            free[where] += held
        yield int(starts[low]), docs, counts
        low = high
