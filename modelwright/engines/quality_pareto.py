"""Which quantized model is not worth having: another is no larger, no slower, and measurably nearer to the original.

"Measurably" means that the 95% interval of the paired difference of mean KL, by window, leaves out zero; "no slower" that it
writes at most a tenth slower, as the same file measured twice differs by that much. Two that the text cannot tell apart
never dominate each other. No correction for the number of pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.scoring import stats

SPEED_NOISE = 0.9


@dataclass(frozen=True)
class Candidate:
    name: str
    bytes: int
    """What it is chosen for: of the file, or of the cache for one token."""
    kl: Sequence[float]
    """Mean of each window, nats."""
    write_speed: float
    """Tokens a second, the fastest of several tries: what else runs here only slows."""


def dominated_by(one: Candidate, others: Sequence[Candidate], seed: int) -> str | None:
    """The name of the best that dominates `one`; None when none does."""
    better = [other for other in others if other is not one and dominates(other, one, seed)]
    return min(better, key=lambda other: sum(other.kl)).name if better else None


def dominates(a: Candidate, b: Candidate, seed: int) -> bool:
    if a.bytes > b.bytes or a.write_speed < SPEED_NOISE * b.write_speed:
        return False
    return stats.bootstrap_mean([y - x for x, y in zip(a.kl, b.kl, strict=True)], seed=seed).low > 0
