"""What goes wrong between here and a model, with what it means for the next try.

Two facts to know. `again` says whether the same model is worth another try (a rate limit, an overloaded or restarted
server, a dropped stream); a wrong key, an unknown model or a server that hangs is not. And every failure is an
EngineMissing, so a planner that is given no model at all and one whose models all fail end the same way.
"""

from __future__ import annotations

from modelwright.errors import EngineMissing
from modelwright.models.base import Exchange


class CallFailed(EngineMissing):
    """No usable answer from one model. `exchanges` are the tries that led here."""

    again = False
    read = False
    """The prompt was read before it failed, so that a hosted server asks for its price."""
    wait_seconds: float | None = None
    """How long the server asks to wait; None where it says nothing."""
    exchanges: tuple[Exchange, ...] = ()

    def __init__(self, message: str, *, again: bool = False, read: bool = False, wait_seconds: float | None = None, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.again, self.read = again, read
        self.wait_seconds = wait_seconds
