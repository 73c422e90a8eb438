"""A model that answers chat messages with text: the inner seam, below `PlanningModel`.

An endpoint and vLLM in a child are such models; models/chat_planner.py makes planning models of them. `schema` is a
wish: a model that cannot keep to it answers freely, and the caller checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from modelwright.models.base import Exchange
from modelwright.types import Json

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and what that took."""

    text: str
    prompt_tokens: int = 0
    output_tokens: int = 0
    tokens_estimated: bool = False
    seconds: float = 0.0
    ttft_seconds: float = 0.0
    cut: bool = False
    """It stopped because max_tokens was reached."""
    exchanges: tuple[Exchange, ...] = ()


class ChatModel(Protocol):
    @property
    def name(self) -> str: ...

    def complete(self, messages: Messages, schema: Json, *, max_tokens: int) -> Reply:
        """An answer to `messages`. Raises CallFailed."""

    def close(self) -> None: ...
