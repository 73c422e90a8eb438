"""The bounds of a run: what is spent against what is allowed, and whether it turns in circles.

Pure functions. What is spent lives in the run's state, so a resume goes on counting where it was.
"""

from __future__ import annotations

from modelwright.canonical import sha256_of
from modelwright.types import Json, Limits, Spent

STUCK_AFTER = 3
"""The same tool with the same arguments and the same result this often is no progress. Polling is, while results differ."""


def reached(spent: Spent, limits: Limits) -> str | None:
    """The bound that is used up, as `steps 5 of 5`, or None. A bound of zero counts once something is spent."""
    for name in ("steps", "seconds", "tokens", "cost"):
        bound, used = getattr(limits, name), getattr(spent, name)
        if bound is not None and used >= bound and (bound > 0 or used > 0):
            return f"{name} {used:.6g} of {bound:.6g}"
    return None


def call_hash(tool: str, args: Json, result: Json) -> str:
    return sha256_of([tool, args, result])
