"""What widgets say to the app. Each is a wish; only the app talks to the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from modelwright.types import Json


class Said(Message):
    """The person entered a line: a request, a follow-up, or a /command."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Replied(Message):
    """An answer to what a run asks: {allow}, {allow_for_run}, {reject}, {edit}, {answer}, {choice}, {limits}."""

    def __init__(self, reply: Json) -> None:
        super().__init__()
        self.reply = reply


class PlanTaken(Message):
    """An edited plan to run instead of the one that was proposed."""

    def __init__(self, plan: Json, instead_of: str) -> None:
        super().__init__()
        self.plan, self.instead_of = plan, instead_of


class AlwaysWritten(Message):
    """A rule was added to the policy: the worker that comes next reads it."""
