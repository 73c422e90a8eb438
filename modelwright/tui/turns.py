"""What the person wants, one thing at a time: requests, replies, edited plans, and stopping, passed on to the worker.

Two facts: while the worker is busy a request waits in a queue, and what must stop a run first (a raised bound, a cancel) is put at
the head of that queue before the run is stopped. What the worker says back is heard in hearing.py.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.text import human_seconds
from modelwright.tui.link import Link, stop_holder
from modelwright.types import Json

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright

REPLACED = "replaced by an edited plan"


class Turns:
    """`ready`: a worker holds the session; `busy`: it works on a turn; `pending`: what that turn has asked."""

    def __init__(self, app: Modelwright, command: Sequence[str]) -> None:
        self._app, self._command = app, command
        self.link = self._new_link()
        self.ready = self.busy = False
        self.pending: Json | None = None
        self.began = time.monotonic()
        self._queue: list[Json] = []
        self._stale = False
        """The settings have changed since the worker began."""

    def _new_link(self) -> Link:
        return Link(self._app.hearing.receive, self._command)

    async def start(self) -> None:
        await self.link.start(self._app.session)

    async def restart(self) -> None:
        """Another worker, with the session and the settings as they are now."""
        self.ready = self._stale = False
        await self.link.let_go()
        self.link = self._new_link()
        await self.start()

    def renew(self) -> None:
        """Let a worker with the new settings take over, after the turn that is at work."""
        self._stale = True
        if not self.busy:
            self._app.call_later(self.restart)

    # asking ----------------------------------------------------------------------------------------------------------------

    def do(self, command: Json, shown: str = "") -> None:
        """Queue a command for the worker, as a turn of the conversation."""
        from modelwright.tui.widgets.cards import heard

        if shown:
            self._app.chat.add(heard(shown))
        if self.busy and shown:
            self._app.notify("it comes next: a run is at work", markup=False)
        elif self._app.hearing.follows and shown:
            self._app.notify("it comes next: the other process still works on its run; Ctrl+T pauses that", markup=False)
        self._queue.append(command)
        self.next()

    def say(self, text: str, *, shown: bool = True) -> None:
        self.do({"do": "say", "text": text}, text if shown else "")

    def next(self) -> None:
        """Begin what waits, when nothing is at work."""
        if self.busy or not self.ready or not self._queue or self._stale:
            return
        self.busy, self.began = True, time.monotonic()
        self._app.begin_turn()
        self.link.send(self._queue.pop(0))

    @property
    def anything_waits(self) -> bool:
        return bool(self._queue)

    def over(self) -> float:
        """The turn has ended; how many seconds it took."""
        self.busy, self.pending = False, None
        if self._stale and self.ready:
            self._app.call_later(self.restart)
        return time.monotonic() - self.began

    def doing(self) -> str:
        """What is done while there is no plan to look at yet; empty otherwise."""
        if not self.busy or self.pending or self._app.view.steps:
            return ""
        return f"… thinking of a plan · {human_seconds(int(time.monotonic() - self.began))}"

    # answering -------------------------------------------------------------------------------------------------------------

    def reply(self, reply: Json | None) -> bool:
        """Answer what is asked (None: leave it open). False when nothing is."""
        if self.pending is None:
            return False
        self.pending = None
        self.link.send({"reply": reply})
        return True

    def take_plan(self, plan: Json, instead_of: str) -> None:
        """The proposed plan is refused, the edited one becomes a run."""
        asked = self.pending
        self._queue.insert(0, {"do": "plan", "plan": plan, "text": f"run the edited plan of {instead_of}"})
        if asked is not None:
            self.reply({"reject": {asked["calls"][0]["id"]: REPLACED}})
        else:
            self.next()

    # stopping --------------------------------------------------------------------------------------------------------------

    def pause(self) -> bool:
        """Stop the run where it is. False when nothing runs."""
        if self.reply(None):
            return True
        if self.busy:
            self.link.stop_run()
        elif self._app.hearing.follows:
            return stop_holder(self._app.root, self._app.session)
        return self.busy

    def cancel(self) -> bool:
        """Stop the run and end it for good. False when there is nothing to end."""
        view = self._app.view
        step = next((s.id for s in view.steps.values() if s.status != "done"), None)
        if step is None or not view.run:
            return False
        if self.pending is not None and self.pending["kind"] == "approval":
            return self.reply({"reject": {self.pending["calls"][0]["id"]: "cancelled"}})
        self._first({"do": "end", "run": view.run, "step": step, "reason": "cancelled"})
        return True

    def raise_limits(self, limits: Json) -> bool:
        """The run goes on with these bounds; one that is at work is stopped for it. False when there is no run."""
        if not self._app.view.run:
            return False
        if not self.reply({"limits": limits}):
            self._first({"do": "go_on", "run": self._app.view.run, "limits": limits})
        return True

    def _first(self, command: Json) -> None:
        """Before all that waits, and instead of what runs."""
        self._queue.insert(0, command)
        if self.busy:
            self.pause()
        else:
            self.next()
