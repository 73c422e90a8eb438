"""Is B faster than A? The exact interval of a paired difference of times, made for machines that are not quiet.

Two facts to know. It goes by ranks (Wilcoxon 1945; Hodges and Lehmann 1963), so that one block that another process
disturbed moves it little. And it is at 99%: below 8 blocks no such interval exists and nobody wins; two sides that are
the same differ by chance in at most 1 of 100 comparisons.

Assumes that A and B take turns at going first, which makes the differences symmetric when the sides are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from modelwright.types import Strict

LEVEL = 0.99
FEWEST_BLOCKS = 8
"""2 / 2^8 = 0.8%: with 7 blocks not even seven of seven in one direction reach 1%."""


class Difference(Strict):
    """B against A on one quantity, in percent of A."""

    metric: str
    definition: str
    a: float = Field(description="median over A's blocks")
    b: float = Field(description="median over B's blocks")
    percent: float = Field(description="100 (B / A - 1): the Hodges-Lehmann estimate over blocks")
    low: float | None = Field(description="lower end of the 99% interval, percent; null below 8 blocks")
    high: float | None = Field(description="upper end of the 99% interval, percent; null below 8 blocks")
    blocks: int
    verdict: Literal["B is better", "A is better", "cannot tell"]
    method: str = "exact signed-rank interval of paired log ratios, 99%"


def tail_counts(n: int) -> list[int]:
    """How many of the 2^n sign patterns give each sum of positive ranks, 0 .. n(n+1)/2."""
    counts = [1] + [0] * (n * (n + 1) // 2)
    for rank in range(1, n + 1):
        for total in range(len(counts) - 1, rank - 1, -1):
            counts[total] += counts[total - rank]
    return counts


def walsh(gains: Sequence[float]) -> list[float]:
    """The means of all pairs, each value with itself too, sorted. Their median is the Hodges-Lehmann estimate."""
    return sorted((gains[i] + gains[j]) / 2 for i in range(len(gains)) for j in range(i, len(gains)))


def interval(gains: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """Exact interval of the centre of symmetric differences; None when there are too few for this level."""
    allowed = (1 - level) / 2 * 2 ** len(gains)
    outside, summed = 0, 0
    for count in tail_counts(len(gains)):
        summed += count
        if summed > allowed:
            break
        outside += 1
    if not outside:
        return None
    averages = walsh(gains)
    return averages[outside - 1], averages[-outside]


def middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def difference(metric: str, definition: str, a: Sequence[float], b: Sequence[float], *, more_is_better: bool) -> Difference:
    """`a[i]` and `b[i]` are of the same block and above zero. A winner is named only when the interval leaves out zero."""
    gains = [math.log(y / x) for x, y in zip(a, b, strict=True)]
    found = interval(gains)
    low, high = (100 * math.expm1(end) for end in found) if found else (None, None)
    verdict: Literal["B is better", "A is better", "cannot tell"] = "cannot tell"
    if low is not None and high is not None and not low <= 0 <= high:
        verdict = "B is better" if (low > 0) == more_is_better else "A is better"
    return Difference(
        metric=metric,
        definition=definition,
        a=middle(sorted(a)),
        b=middle(sorted(b)),
        percent=100 * math.expm1(middle(walsh(gains))),
        low=low,
        high=high,
        blocks=len(gains),
        verdict=verdict,
    )
