"""The seam between the planner and what it thinks with: one method, `choose`.

A model is given a text, the choices, and for each choice a few examples of what people write who mean it. It gives
back one of the choices. So a model can make a plan better or worse, never malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from modelwright.types import Json


@dataclass(frozen=True)
class Choice:
    """What a model answered, and what that took."""

    text: str
    """One of the choices, to the letter."""
    scores: dict[str, float] = field(default_factory=dict)
    """Log-probability in nats of each choice, where the model gives one; only differences mean something."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class ModelCall:
    """One call as the trace tells it."""

    model: str
    purpose: str
    prompt_sha256: str
    """Of the text and the choices."""
    candidates: dict[str, float]
    """Every choice with its score; 0 where the model gives none."""
    choice: str
    prompt_tokens: int
    output_tokens: int
    seconds: float


OnModelCall = Callable[[ModelCall], None]


class PlanningModel(Protocol):
    name: str

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        """The choice that fits `prompt`. Raises EngineMissing when the model cannot be reached."""

    def close(self) -> None:
        """Free what it holds; it may be used again and then starts anew."""


@runtime_checkable
class WholePlans(Protocol):
    """A model that can also give whole plans. None means: plan this one yourself."""

    def whole_plan(self, request: str, answers: Sequence[str]) -> Json | None:
        """A plan as JSON, without ids where they simply count."""

    def whole_replan(self, request: str, failed_step: str, error: Json) -> Json | None:
        """What to do instead after a step failed."""
