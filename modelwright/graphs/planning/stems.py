"""How two words are the same: by stem, or by one typing slip.

Stems are crude on purpose (quantizing, quantised and quantizes become `quantiz`); both sides go through the same knife.
"""

from __future__ import annotations

import re
from functools import lru_cache

SHORTEST_WITH_SLIP = 6
"""Shorter words have too many neighbours (train, brain, trail)."""
COMMON_WORDS = frozenset(
    {"expert", "experts", "company", "compute", "computer", "content", "convent", "measles", "inspire", "treasure", "learned"}
)
"""Right as they are, though one slip from a word that means a tool."""


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    word = re.sub(r"(i|y)s(e|ed|es|ing|ation)$", r"\1z\2", word)
    for suffix in ("ization", "ing", "ed", "es", "s", "e"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)] + ("iz" if suffix == "ization" else "")
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word


@lru_cache(maxsize=65536)
def same(word: str, wanted: str) -> bool:
    return word == wanted or stem(word) == stem(wanted)


@lru_cache(maxsize=65536)
def nearly(word: str, wanted: str) -> bool:
    """One slip apart (two from nine letters on): a letter lost, added, changed, or two swapped."""
    if min(len(word), len(wanted)) < SHORTEST_WITH_SLIP - (sorted(word) == sorted(wanted)) or word in COMMON_WORDS:
        return False
    allowed = 2 if min(len(word), len(wanted)) >= 9 else 1
    return slips(stem(word), stem(wanted)) <= allowed and word[0] == wanted[0]


def slips(a: str, b: str) -> int:
    """Optimal string alignment distance; 9 for lengths that differ by more than two."""
    if abs(len(a) - len(b)) > 2:
        return 9
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
