"""Intervals, paired tests and the one verdict that they allow: better, worse, or cannot tell.

Two facts to know. Everything is paired: the same items for both models, so n is the number of items. And a winner is
named only when the interval of the difference leaves out zero *and* an exact or permutation test gives p < 0.05; the
second also means that fewer than 6 pairs never name one (2 / 2^5 = 0.06).

Not here: correction for many comparisons, clustered items, sequential looks. All are two-sided at 95%.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Any, Literal

RESAMPLES = 10_000
ALPHA = 0.05
Z_975 = NormalDist().inv_cdf(0.975)
Z_80 = NormalDist().inv_cdf(0.80)
BLOCK_NUMBERS = 4_000_000
"""Random numbers drawn at once: 32 MB, whatever n is."""
EXACT_PAIRS = 12
"""Up to here all 2^n sign patterns are counted."""

VerdictWord = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval."""

    mean: float
    low: float
    high: float
    n: int
    method: str


@dataclass(frozen=True)
class Comparison:
    """The paired difference b - a, with all that is needed to believe it or not."""

    difference: float
    low: float
    high: float
    p_value: float
    test: str
    smallest_detectable: float | None
    verdict: VerdictWord
    n: int


def wilson(passed: int, n: int) -> Interval:
    """Interval of a rate (Wilson 1927; Brown, Cai and DasGupta 2001 recommend it for small n)."""
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0, "Wilson")
    rate, z2 = passed / n, Z_975**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_975 / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    low = 0.0 if passed == 0 else max(0.0, centre - half)
    high = 1.0 if passed == n else min(1.0, centre + half)
    return Interval(rate, low, high, n, "Wilson")


def bootstrap_mean(values: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """Interval of a mean: expanded percentile bootstrap (Hesterberg 2015, "What Teachers Should Know About the
    Bootstrap", section 5.2).

    The plain percentile interval is too narrow by about sqrt((n-1)/n) and ignores the t distribution; at n = 10 it
    holds the truth 90% of the time instead of 95%. Taking wider quantiles of the same resamples mends both.
    """
    n = len(values)
    mean = fmean(values) if n else 0.0
    method = "expanded percentile bootstrap"
    if n < 2:
        return Interval(mean, -math.inf, math.inf, n, "none: fewer than two values")
    if max(values) == min(values):
        return Interval(mean, mean, mean, n, method)
    import numpy as np

    means = _resampled_means(values, seed, resamples)
    tail = NormalDist().cdf(-math.sqrt(n / (n - 1)) * _t_quantile(n - 1))
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(mean, float(low), float(high), n, method)


def _resampled_means(values: Sequence[float], seed: int, resamples: int) -> Any:
    import numpy as np

    random, data = np.random.default_rng(seed), np.asarray(values, dtype=np.float64)
    block = max(1, BLOCK_NUMBERS // len(data))
    parts = [
        data[random.integers(0, len(data), (min(block, resamples - start), len(data)))].mean(axis=1) for start in range(0, resamples, block)
    ]
    return np.concatenate(parts)


def _t_quantile(df: int) -> float:
    """t_.975 with `df` degrees of freedom, by bisection on the exact distribution function."""
    low, high = 1.9, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, df) < 0.975 else (low, middle)
    return low


def _t_cdf(t: float, df: int) -> float:
    """P(T < t) for whole df, as the finite sum of Abramowitz and Stegun 26.7.3 and 26.7.4."""
    theta = math.atan(t / math.sqrt(df))
    cosine, term, total = math.cos(theta), 1.0, 0.0
    start = 1 if df % 2 else 0
    if df % 2:
        term = cosine
    steps = (df - 1) // 2 if df % 2 else df // 2
    for k in range(steps):
        total += term
        term *= cosine**2 * (start + 2 * k + 1) / (start + 2 * k + 2)
    inside = (2 / math.pi) * (theta + math.sin(theta) * total) if df % 2 else math.sin(theta) * total
    return 0.5 + inside / 2


def compare(a: Sequence[float], b: Sequence[float], *, seed: int) -> Comparison:
    """Is b higher than a, item by item? Picks the tests for pass/fail when both hold only 0 and 1."""
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values against {len(b)}: they are not pairs")
    if set(a) | set(b) <= {0.0, 1.0}:
        return _compare_pass_fail(a, b)
    gains = [y - x for x, y in zip(a, b, strict=True)]
    interval = bootstrap_mean(gains, seed=seed)
    p_value = sign_flip(gains, seed=seed)
    return Comparison(
        interval.mean,
        interval.low,
        interval.high,
        p_value,
        "paired bootstrap interval, sign-flip permutation test",
        smallest_detectable_mean(gains),
        _verdict(interval.low, interval.high, p_value),
        len(gains),
    )


def _compare_pass_fail(a: Sequence[float], b: Sequence[float]) -> Comparison:
    n = len(a)
    only_a = sum(1 for x, y in zip(a, b, strict=True) if x > y)
    only_b = sum(1 for x, y in zip(a, b, strict=True) if y > x)
    both = sum(1 for x, y in zip(a, b, strict=True) if x == y == 1)
    low, high = newcombe(both, only_b, only_a, n - both - only_a - only_b)
    p_value = mcnemar(only_a, only_b)
    detectable = smallest_detectable_rate((only_a + only_b) / n, n) if n else None
    return Comparison(
        (only_b - only_a) / n if n else 0.0,
        low,
        high,
        p_value,
        "Newcombe paired interval, McNemar exact test",
        detectable,
        _verdict(low, high, p_value),
        n,
    )


def _verdict(low: float, high: float, p_value: float) -> VerdictWord:
    if p_value >= ALPHA or low <= 0 <= high:
        return "cannot tell"
    return "better" if low > 0 else "worse"


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p-value of McNemar's test: a sign test on the items where just one of the two passed."""
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, k) for k in range(fewer + 1))
    return float(min(1.0, 2 * tail / 2**n))


def newcombe(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Interval of the difference of two paired rates (Newcombe 1998, Statistics in Medicine 17:2635, method 10).

    Unlike a bootstrap it keeps its width when every item goes the same way.
    """
    n = both + only_first + only_second + neither
    if n == 0:
        return -1.0, 1.0
    first, second = wilson(both + only_first, n), wilson(both + only_second, n)
    phi = _phi(both, only_first, only_second, neither)
    down1, up1 = first.mean - first.low, first.high - first.mean
    down2, up2 = second.mean - second.low, second.high - second.mean
    difference = (only_first - only_second) / n
    below = math.sqrt(max(0.0, down1**2 - 2 * phi * down1 * up2 + up2**2))
    above = math.sqrt(max(0.0, up1**2 - 2 * phi * up1 * down2 + down2**2))
    return max(-1.0, difference - below), min(1.0, difference + above)


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Correlation of the two outcomes, a positive one taken with the continuity correction of method 10."""
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    excess: float = both * neither - only_first * only_second
    if excess > 0:
        excess = max(0.0, excess - (both + only_first + only_second + neither) / 2)
    return excess / math.sqrt(margins)


def sign_flip(gains: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> float:
    """Two-sided p-value of "a and b are interchangeable": flip the signs of the gains (Fisher 1935; Good 2005).

    Counts all patterns up to 12 pairs, above that `resamples` random ones with the (1 + hits) / (1 + resamples) rule.
    """
    if not any(gains):
        return 1.0
    import numpy as np

    data = np.asarray(gains, dtype=np.float64)
    seen = abs(data.sum()) - 1e-9 * np.abs(data).sum()
    if len(data) <= EXACT_PAIRS:
        signs = (np.arange(2 ** len(data))[:, None] >> np.arange(len(data)) & 1) * 2 - 1
        return float(np.mean(np.abs(signs @ data) >= seen))
    random, hits, block = np.random.default_rng(seed), 0, max(1, BLOCK_NUMBERS // len(data))
    for start in range(0, resamples, block):
        signs = random.integers(0, 2, (min(block, resamples - start), len(data)), dtype=np.int8) * np.int8(2) - np.int8(1)
        hits += int(np.sum(np.abs(signs @ data) >= seen))
    return (1 + hits) / (1 + resamples)


def smallest_detectable_mean(gains: Sequence[float]) -> float | None:
    """The mean difference that these pairs would show 4 times in 5: sd (z_.975 + z_.80) / sqrt(n) (Miller 2024,
    arXiv 2411.00640, section 5). None when nothing differs, as then the spread is unknown."""
    if len(gains) < 2 or max(gains) == min(gains):
        return None
    return stdev(gains) * (Z_975 + Z_80) / math.sqrt(len(gains))


def smallest_detectable_rate(discordance: float, n: int) -> float | None:
    """The difference of pass rates that n pairs would show 4 times in 5, when a share D of them disagrees: the d that
    solves n = ((z_.975 sqrt(D) + z_.80 sqrt(D - d^2)) / d)^2 (Connor 1987). D is never below d itself. None when
    nothing disagrees, as then D is unknown, and when even d = 1 would not show."""
    if discordance <= 0 or n == 0 or _pairs_needed(1.0, discordance) > n:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _pairs_needed(middle, discordance) > n else (low, middle)
    return high


def _pairs_needed(difference: float, discordance: float) -> float:
    share = max(discordance, difference)
    return float(((Z_975 * math.sqrt(share) + Z_80 * math.sqrt(share - difference**2)) / difference) ** 2)
