"""The words of many texts at once, in numpy: the same as words.split gives text by text, several times as fast.

The texts are joined, every character is looked up in a table of what belongs to words, and each word becomes the sum of its
characters times random odd numbers, one for each place in it: two words of one sum have a chance below 2 ** -56. A word has
the same sum in every scan of a process, so only a word that is new to the caller is made a string.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from modelwright.memory.words import lowered

_lock = threading.Lock()


@dataclass(frozen=True)
class Scanned:
    """Tokens of some texts, in numpy arrays."""

    sums: Any
    """One for each word of the texts, sorted."""
    which: Any
    """For each token of all texts the place of its word in `sums`."""
    counts: Any
    """How many tokens each text has."""
    text: str
    spans: tuple[Any, Any]
    """Where in `text` each word stands once: (starts, ends)."""

    def words(self, places: Any) -> list[str]:
        """The words of these places in `sums`."""
        starts, ends = self.spans
        return [self.text[start:end] for start, end in zip(starts[places].tolist(), ends[places].tolist(), strict=True)]


def scan(texts: Sequence[str]) -> Scanned:
    import numpy as np

    joined, lengths = _joined(texts)
    characters = _characters(joined)
    inside = np.zeros(len(characters) + 2, dtype=bool)
    inside[1:-1] = _in_words(characters)
    starts, ends = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2).T
    bounds = np.cumsum(lengths)
    counts = np.diff(np.searchsorted(starts, bounds), prepend=0)
    sums, which = np.unique(_sums(characters[inside[1:-1]], ends - starts), return_inverse=True)
    some = np.zeros(len(sums), dtype=np.int64)
    some[which] = np.arange(len(which))
    return Scanned(sums, which, counts, joined, (starts[some], ends[some]))


def _joined(texts: Sequence[str]) -> tuple[str, list[int]]:
    """(all texts as words are compared, the length of each with the line end behind it)."""
    joined = "\n".join(texts)
    if joined.isascii():  # then lower case is as long, and one call does
        return joined.lower(), [len(text) + 1 for text in texts]
    lower = [lowered(text) for text in texts]
    return "\n".join(lower), [len(text) + 1 for text in lower]


def _characters(text: str) -> Any:
    import numpy as np

    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _in_words(characters: Any) -> Any:
    """Letters and digits, as the pattern of words.split knows them."""
    import numpy as np

    present = range(128) if characters.dtype == np.uint8 else np.unique(characters).tolist()
    table = np.zeros(max(present, default=0) + 1, dtype=bool)
    table[[one for one in present if chr(one).isalnum()]] = True
    return table[characters]


def _sums(characters: Any, lengths: Any) -> Any:
    """One number a word; `characters` are those of all words."""
    import numpy as np

    if not len(lengths):
        return np.zeros(0, dtype=np.uint64)
    firsts = np.cumsum(lengths) - lengths
    places = np.arange(len(characters)) - np.repeat(firsts, lengths)
    with _lock:
        factors = _factors(max(8, int(lengths.max()).bit_length()))
    return np.add.reduceat(characters * factors[places], firsts)


@cache
def _factors(bits: int) -> Any:
    """2 ** bits random odd numbers, the first half of them those of one bit less: whoever writes a document cannot know them."""
    import numpy as np

    drawn = np.random.default_rng().integers(0, 2**64, 1 << bits, dtype=np.uint64) | np.uint64(1)
    return drawn if bits <= 8 else np.concatenate([_factors(bits - 1), drawn[: 1 << (bits - 1)]])
