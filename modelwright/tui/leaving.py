"""What becomes of a run when its conversation is left: what is asked before, and what the shell is told after.

Two facts: a run that works goes on without the app unless it is paused, one that waits for an answer waits on; and what is queued is
said by nobody once the app is gone. Stopping and ending are the app's (app.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.tui.widgets.talk import Queue

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright

GOES_ON, PAUSE, LEAVE = "go on", "pause", "leave"
"""Choices that leave."""
STAY = ("stay", "back to the app")


def asked_before(app: Modelwright) -> tuple[str, list[tuple[str, str]]] | None:
    """The question with its choices; None where nothing is lost and nothing works."""
    lost = "what is queued is lost" if _is_queued(app) else ""
    if app.turns.busy and app.turns.pending is None:
        title = " · ".join(filter(None, ("A run is at work", lost)))
        return title, [(GOES_ON, "the run goes on without the app"), (PAUSE, "the run stops here and can go on"), STAY]
    return (f"Leave? {lost}", [(LEAVE, "a run that waits for you waits on"), STAY]) if lost else None


def bound_here(app: Modelwright) -> str:
    """Why this conversation cannot be left for another one; empty where it can."""
    if app.turns.busy and app.turns.pending is None:
        return "a run is at work: pause it first (Ctrl+T)"
    return "what is queued here would be lost: /drop takes it back" if _is_queued(app) else ""


def _is_queued(app: Modelwright) -> bool:
    """Whether something that was said stands above the prompt."""
    return any(line.display for line in app.chat.query(Queue))


def told_after(app: Modelwright, *, paused: bool) -> str:
    """One line for the shell; empty where no run is left behind."""
    run = f"run {app.view.run}" if app.view.run else "your request"
    again = f"`modelwright chat --session {app.session}`"
    if paused:
        return f'{run} was paused; {again} opens it again, and "go on" resumes it'
    if app.turns.pending is not None:
        return f"{run} waits for you; `modelwright` or {again} opens it again"
    if app.turns.busy or app.hearing.follows:
        return f"{run} goes on; `modelwright` or {again} opens it again"
    return ""
