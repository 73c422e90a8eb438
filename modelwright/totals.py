"""What the steps of a plan take together.

Two facts to know. Steps run one after the other, so time, disk and money add up, and memory is the largest. And the ends of a time are
added as they are: the steps run on one machine and are slow together, and uncertainties that are fully correlated add linearly
(JCGM 100:2008, "GUM", 5.2.2 note 1). If they were independent the range would be narrower: the root of the sum of squares (5.1.2).

There is no range where a part is a first guess or unknown: its ends are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from modelwright.types import Estimate


def total(estimates: Sequence[Estimate | None]) -> Estimate:
    """Of a plan's steps; None is a step that could not be estimated and counts nothing, so the sum is at least that much."""
    known = [one for one in estimates if one is not None]
    sums = Estimate(
        seconds=sum(one.seconds for one in known),
        memory_bytes=max((one.memory_bytes for one in known), default=0),
        disk_bytes=sum(one.disk_bytes for one in known),
        cost=sum(one.cost for one in known),
        first_guess=True if any(one.first_guess for one in known) else None,
    )
    return sums if sums.first_guess or len(known) < len(estimates) else _with_ends(sums, known)


def _with_ends(sums: Estimate, known: Sequence[Estimate]) -> Estimate:
    """A step without a range (too short to need one, or of a fixed size) counts as itself at both ends."""
    made: dict[str, float | int | None] = {}
    for end in ("low", "high"):
        made[f"seconds_{end}"] = _joined(sum, [(getattr(one, f"seconds_{end}"), one.seconds) for one in known])
        made[f"memory_{end}"] = _joined(max, [(getattr(one, f"memory_{end}"), one.memory_bytes) for one in known])
    return sums.model_copy(update=made)


def _joined(join: Callable[[Iterable[float]], float], ends: Sequence[tuple[float | None, float]]) -> float | None:
    """Of (end, middle) of each step; None where no step has ends."""
    return join(middle if end is None else end for end, middle in ends) if any(end is not None for end, _ in ends) else None
