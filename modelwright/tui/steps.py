"""One step as the person sees it, its curves, and the names and signs of states.

A series keeps at most 600 points: every second one is dropped when it is full, so the shape of a long run stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.types import Json

MOST_POINTS = 600
PLANNING = "planning"
"""Of a run; the others are of a step too."""
RUNNING, DONE, FAILED, PENDING, UNVERIFIED, CUT = "running", "done", "failed", "pending", "unverified", "cut"
SIGNS = {RUNNING: "▶", DONE: "✓", FAILED: "✗", PENDING: "·", UNVERIFIED: "!", CUT: "‖"}
"""A state is always a sign and a word, never a colour alone."""
RUN_SIGNS = {**SIGNS, "denied": "✗", "cancelled": "·", "rejected": "·", "nothing": "·", "interrupted": "‖", "waiting": "?"}


def run_state(status: str) -> str:
    """ "✓ done"."""
    return f"{RUN_SIGNS.get(status, '?')} {status}"


@dataclass
class Series:
    """A curve: points of (step, value), thinned as it grows; begun anew when the steps are."""

    points: list[tuple[float, float]] = field(default_factory=list)
    _every: int = 1
    _seen: int = 0

    def add(self, at: float, value: float) -> None:
        if self.points and at < self.points[-1][0]:  # the steps are counted anew: the next model, the next pass
            self.points, self._every, self._seen = [], 1, 0
        self._seen += 1
        if self._seen % self._every:
            return
        self.points.append((at, value))
        if len(self.points) > MOST_POINTS:
            self.points = self.points[::2]
            self._every *= 2


@dataclass
class StepView:
    """One step as the person sees it."""

    id: str
    tool: str
    args: Json
    sources: dict[str, str]
    estimate: Json | None = None
    decision: str = ""
    rule: str = ""
    reason: str = ""
    answer: str = ""
    """What the person said where the decision is to ask: allowed, rejected, cancelled; left, when another step was rejected."""
    status: str = PENDING
    message: str = ""
    at: int | None = None
    of: int | None = None
    ends_at: float | None = None
    """When the step itself last said that it would be done, by the clock of its events; None when it did not say."""
    tokens_per_second: float | None = None
    started: float = 0.0
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    summary: str = ""
    error: Json | None = None
    checks: list[Json] = field(default_factory=list)
    defaults: Json = field(default_factory=dict)
    """As the gate last told: what is not given and decides what is made or what it costs."""
    changed: frozenset[str] = frozenset()
    """The arguments that the last change of the plan gave another value than was proposed."""
    series: dict[str, Series] = field(default_factory=dict)
    begun_anew: str = ""
    """Of a training that was cut off and is tried again: from where it goes on, in words."""
    cut_at: int = 0
    """The step of its training that the try before this one reached."""

    @property
    def by_default(self) -> Json:
        """Those defaults that no edit has replaced since."""
        return {name: value for name, value in self.defaults.items() if name not in self.args}

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None when it did not say."""
        return min(1.0, (self.at or 0) / self.of) if self.of else None

    @property
    def due(self) -> float | None:
        """When it is predicted to be done: what the step says, else by the estimate of the plan."""
        if self.ends_at is not None:
            return self.ends_at
        return self.started + self.expected if self.expected and self.started else None

    def left(self, now: float) -> float | None:
        """Seconds to go; below zero once it takes longer than predicted, None when nothing is."""
        return None if self.due is None else self.due - now

    @property
    def expected(self) -> float | None:
        """The estimate of the whole step in seconds."""
        return (self.estimate or {}).get("seconds")

    @property
    def predicted_memory_bytes(self) -> int | None:
        """The estimated peak of the step's processes."""
        return (self.estimate or {}).get("memory_bytes")
