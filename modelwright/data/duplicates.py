"""Rows that say the same: exactly, or but for case, punctuation, accents of width and spaces.

Near duplicates by meaning or by shared passages are not found here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelwright.canonical import canonical_json
from modelwright.data.hidden import all_text

_NOT_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Repeat:
    """A row that repeats an earlier one."""

    line: int
    first_line: int
    exact: bool


def key_of(example: Any) -> bytes:
    return _digest(canonical_json(example))


def normalised(example: Any) -> str:
    """The example's words alone: compatibility forms folded, no case, no punctuation, single spaces."""
    words = _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", all_text(example)).casefold())
    return words.strip()


def repeats(rows: Iterable[tuple[int, Any]]) -> list[Repeat]:
    """Every row that repeats an earlier one, in order. Rows without any word (numbers of dots, say) only repeat exactly."""
    exact: dict[bytes, int] = {}
    near: dict[bytes, int] = {}
    found = []
    for line, example in rows:
        words = normalised(example)
        near_key = _digest(words) if words else key_of(example)
        if (first := exact.setdefault(key_of(example), line)) != line:
            found.append(Repeat(line, first, True))
        elif (first := near.setdefault(near_key, line)) != line:
            found.append(Repeat(line, first, False))
    return found


def _digest(text: str) -> bytes:
    """16 bytes a row keep a million rows below 200 MB; a chance collision needs about 10^19 rows."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
