"""Several ranked lists into one: reciprocal rank fusion, and the average of min-max scaled scores.

Neither is a free win. Over the 29 sets of Anserini's BEIR fusion table (BM25 with BGE-base) the average beats RRF on 27
and the better single list on about half, RRF beats the better single list on 8. Which one an index uses is chosen by an
evaluation set and a paired test (evaluate_retrieval); until then it is the average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Fusion = Literal["minmax", "rrf"]
RRF_K = 60
"""Cormack, Clarke and Büttcher 2009."""
Ranked = Sequence[tuple[int, float]]
"""(id, score), best first."""


def rrf(lists: Sequence[Ranked], weights: Sequence[float] | None = None) -> list[tuple[int, float]]:
    """Sum over the lists of weight / (60 + rank)."""
    total: dict[int, float] = {}
    for ranked, weight in zip(lists, weights or [1.0] * len(lists), strict=True):
        for rank, (one, _) in enumerate(ranked, 1):
            total[one] = total.get(one, 0.0) + weight / (RRF_K + rank)
    return _sorted(total)


def minmax(lists: Sequence[Ranked], weights: Sequence[float] | None = None) -> list[tuple[int, float]]:
    """Weighted mean of each list's scores scaled to 0..1; one that a list does not have counts 0 there."""
    weights = list(weights or [1.0] * len(lists))
    total: dict[int, float] = {}
    for ranked, weight in zip(lists, weights, strict=True):
        for one, score in scaled(ranked).items():
            total[one] = total.get(one, 0.0) + weight * score / (sum(weights) or 1.0)
    return _sorted(total)


def scaled(ranked: Ranked) -> dict[int, float]:
    """To 0..1 over the list; 1 for all when they are equal."""
    if not ranked:
        return {}
    low, high = min(score for _, score in ranked), max(score for _, score in ranked)
    return {one: (score - low) / (high - low) if high > low else 1.0 for one, score in ranked}


FUSIONS = {"rrf": rrf, "minmax": minmax}


def fuse(how: Fusion, lists: Sequence[Ranked], weights: Sequence[float] | None = None) -> list[tuple[int, float]]:
    """The lists as one, best first. One list alone stays as it is."""
    filled = [(ranked, weight) for ranked, weight in zip(lists, weights or [1.0] * len(lists), strict=True) if ranked]
    if len(filled) == 1:
        return list(filled[0][0])
    return FUSIONS[how]([ranked for ranked, _ in filled], [weight for _, weight in filled])


def _sorted(total: Mapping[int, float]) -> list[tuple[int, float]]:
    """Ties by id, so that the same lists always give the same order."""
    return sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
