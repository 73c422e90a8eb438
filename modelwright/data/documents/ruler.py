"""Where the tokens of a text begin: what every length in a chunker is measured with.

A ruler is `text -> sorted starts`; the tokens of a span are the starts in it, found by bisection, so measuring costs
nothing however often a chunker asks. The exact one reads an encoder's `tokenizer.json` (the package tokenizers, 60 ms to
import); without it words are measured: six letters, a mark or one CJK character each count as a token.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

Starts = Sequence[int]
Ruler = Callable[[str], Starts]
BLOCK = 100_000
"""Characters that are tokenized at once; a block's Python lists take about 30 bytes a character."""
_PIECE = re.compile(r"[A-Za-z]{1,6}|\d{1,3}|[^\W\d_]|\S")


def by_words(text: str) -> Starts:
    """Without a tokenizer: on English prose 3% more than all-MiniLM-L6-v2 counts."""
    return array("Q", (piece.start() for piece in _PIECE.finditer(text)))


def by_tokenizer(path: Path) -> Ruler:
    """The ruler of an encoder's own tokenizer file."""

    def measure(text: str) -> Starts:
        tokenizer, starts, at = _tokenizer(str(path)), array("Q"), 0
        while at < len(text):
            end = _block_end(text, at)
            encoding = tokenizer.encode(text[at:end], add_special_tokens=False)
            starts.extend(at + start for start, stop in encoding.offsets if stop > start)
            at = end
        return starts

    return measure


@lru_cache(maxsize=2)
def _tokenizer(path: str) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _block_end(text: str, at: int) -> int:
    """At white space, so that no word is cut in two; a text without any is cut where the block ends."""
    end = min(at + BLOCK, len(text))
    while end < len(text) and end > at + BLOCK // 2 and not text[end].isspace():
        end -= 1
    return end


class Measure:
    """Token counts of the spans of one text."""

    def __init__(self, text: str, ruler: Ruler) -> None:
        self.starts = ruler(text)
        self._length = len(text)

    def tokens(self, start: int, end: int) -> int:
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def reach(self, start: int, tokens: int) -> int:
        """The furthest end of a span from `start` that holds no more than `tokens`."""
        index = bisect_left(self.starts, start) + tokens
        return self.starts[index] if index < len(self.starts) else self._length

    def back(self, end: int, tokens: int) -> int:
        """The start of the last `tokens` before `end`."""
        index = max(0, bisect_left(self.starts, end) - tokens)
        return self.starts[index] if index < len(self.starts) else end
