"""What the person wants, one thing at a time: requests, replies, edited plans, and stopping, passed on to the worker.

Three facts: while the worker is busy a request waits in a queue (queued.py), and "stop", "go on" and "how is it going?" are for the run
itself; what must stop a run first (a raised bound, a cancel) is put at the head of that queue before the run is stopped; and words that
are said while a plan waits for a yes go to that plan, and only those that are a request of their own come back to the queue. What the
worker says back is heard in hearing.py.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.agent.ending import CANCELLED
from modelwright.text import human_seconds
from modelwright.tui.link import Link, stop_holder
from modelwright.tui.queued import Backlog, Queued

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright
    from modelwright.types import Json

REPLACED = "replaced by an edited plan"
WAITS = {
    "approval": "it comes after the plan that waits for your answer (Ctrl+G)",
    "budget": "it comes after the run, which waits for you to raise a bound (Ctrl+G)",
}
"""What becomes of a request while a run waits for the person."""
AT_WORK = "it comes next: a run is at work"
FOLLOWED = "it comes next: the other process still works on its run; Ctrl+T pauses that"
STOPPED = 'it stops where it is: "go on" goes on with it, /cancel ends it'
GOES_ON = "nothing to go on with: the run is at work"
STOPPED_SHORT = ("interrupted", "waiting")
"""How a run stands that was stopped, and goes on."""
RAISE_FIRST = "it goes on once you raise the bound (Ctrl+G)"


class Turns:
    """`ready`: a worker holds the session; `busy`: it works on a turn; `pending`: what that turn has asked."""

    def __init__(self, app: Modelwright, command: Sequence[str]) -> None:
        self._app, self._command = app, command
        self.link = self._new_link()
        self._session = app.session
        self.ready = self.busy = False
        self.pending: Json | None = None
        self.began = time.monotonic()
        self._queue = Backlog()
        self._stale = False
        """The settings have changed since the worker began."""
        self._in_between = False
        """The turn has only been stopped for what the app does next with its run, which is told as one turn with it."""

    def _new_link(self) -> Link:
        return Link(self._app.hearing.receive, self._command)

    async def start(self) -> None:
        if self._session != self._app.session:  # what was said in another conversation is not for this one
            self._session = self._app.session
            self.drop_queue()
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
        if shown and (why := self._why_later()):
            self._app.notify(why, markup=False)
        self._queue.add(Queued(command, shown))
        self._show_queue()
        self.next()

    def _why_later(self) -> str:
        """What has to be over first; empty where nothing has."""
        if self.pending is not None:
            return WAITS.get(self.pending["kind"], "")
        return AT_WORK if self.busy else FOLLOWED if self._app.hearing.follows else ""

    def _show_queue(self) -> None:
        self._app.chat.show_queue(self._queue.lines(), self._queue.way)

    def say(self, text: str, *, shown: bool = True) -> None:
        if shown and self.pending is not None and self.pending["kind"] == "approval":
            self._say_to_plan(text)
        elif not (shown and self._is_for_run(text)):
            self.do({"do": "say", "text": text}, text if shown else "")

    def _is_for_run(self, text: str) -> bool:
        """ "stop", "go on" and questions about it wait for nothing: they are for the run at work, also for that of another process."""
        from modelwright.agent.followups import spoken
        from modelwright.tui.widgets.cards import heard

        if not (self.busy or self._app.hearing.follows):
            return self._is_answered(text)
        if spoken.is_stop(text):
            self._app.chat.add(heard(text))
            self._app.notify(STOPPED, markup=False)
            self._app.action_pause()
        elif spoken.is_go_on(text):
            self._app.notify(RAISE_FIRST if self.pending else GOES_ON, markup=False)
        else:
            return self._is_answered(text)
        return True

    def _is_answered(self, text: str) -> bool:
        """A question about the run, or about the one that lies still, is answered from what it has told."""
        from modelwright.tui import clock
        from modelwright.tui.asked_of_run import answer, answer_of_left
        from modelwright.tui.widgets.cards import Answer, heard

        works, lies = self.busy or self._app.hearing.follows, self._app.hearing.lies
        told = answer(text, self._app.view, clock.now()) if works else answer_of_left(text, lies) if lies is not None else ""
        if told:
            self._app.chat.add(heard(text), Answer(told))
        return bool(told)

    def _say_to_plan(self, text: str) -> None:
        """It may be a change of the plan, or a no: the agent knows. What it is not comes back (`not_for_plan`)."""
        self._app.chat.say_to_plan(text)
        self.reply({"said": text})

    def not_for_plan(self, text: str) -> None:
        """Words that are a request of their own wait until the plan has its answer."""
        self._app.chat.take_back()
        self.do({"do": "say", "text": text}, text)

    def next(self) -> None:
        """Begin what waits, when nothing is at work."""
        from modelwright.tui.widgets.cards import heard

        if self.busy or not self.ready or not self._queue or self._stale:
            return
        begun = self._queue.pop()
        self._show_queue()
        if begun.shown:
            self._app.chat.add(heard(begun.shown))
        self.busy, self.began = True, time.monotonic()
        if self._in_between:
            self._app.stand("at work")
        else:
            self._app.begin_turn()
        self._in_between = False
        self.link.send(begun.command)

    @property
    def anything_waits(self) -> bool:
        return bool(self._queue)

    def release(self) -> int:
        """What was kept begins after all; how many."""
        count = self._queue.release()
        self._show_queue()
        self.next()
        return count

    def drop_queue(self) -> int:
        """Take back what is queued; how many."""
        count = self._queue.drop()
        self._show_queue()
        return count

    def stops_short(self, result: Json | None) -> bool:
        """Whether the turn ends so only because the app goes on with its run at once (a cancel, a raised bound): then its end is not
        told. Where the run came to an end of its own before that, there is nothing to go on with."""
        if result is None or not self._queue.own_for(result["run"]):
            return False
        self._in_between = result["status"] in STOPPED_SHORT
        if not self._in_between:
            self._queue.pop()
        return self._in_between

    def over(self, *, well: bool = True) -> float:
        """The turn has ended; how many seconds it took, since the person's last answer in it. What was to follow one that did not end
        well begins only when the person says so."""
        self.busy, self.pending = False, None
        if not well:
            self._queue.keep()
            self._show_queue()
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
        self.pending, self.began = None, time.monotonic()  # what it took the person to answer is not work
        self.link.send({"reply": reply})
        return True

    def take_plan(self, plan: Json, instead_of: str) -> None:
        """The proposed plan is refused, the edited one becomes a run."""
        asked = self.pending
        self._queue.add(Queued({"do": "plan", "plan": plan, "text": f"run the edited plan of {instead_of}"}), first=True)
        if asked is not None:
            self.reply({"reject": {asked["calls"][0]["id"]: REPLACED}})
        else:
            self.next()

    # a run of the list ----------------------------------------------------------------------------------------------------

    def not_now(self, run: str) -> str:
        """Why it cannot be gone on with: somebody does already. Empty where it can, or where it is this conversation that it waits for."""
        from modelwright.agent.lease import held
        from modelwright.workspace import Workspace

        if self._waits_here(run) or not held(Workspace(self._app.root).run_dir(run)):
            return ""
        return f"{run} is at work" + ("" if self.busy and self._app.view.run == run else " in another process")

    def go_on(self, run: str) -> None:
        """Resume it; one that waits for an answer here gets the focus instead."""
        if self._waits_here(run):
            self._app.chat.go_to_card()
        else:
            self.do({"do": "go_on", "run": run, "limits": None}, f"go on with {run}")

    def _waits_here(self, run: str) -> bool:
        return self.pending is not None and self._app.view.run == run

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
        """End for good what runs or waits, else the newest run of the session that lies still. False when there is nothing to end."""
        if self.pending is not None:
            steps = [call["id"] for call in self.pending.get("calls", [])]
            return self.reply({"reject": {next(iter(steps), ""): CANCELLED}})
        run, step = self._to_end()
        if not run:
            return False
        self._queue.keep()
        self._first({"do": "end", "run": run, "step": step, "reason": CANCELLED})
        return True

    def _to_end(self) -> tuple[str, str]:
        """A run, and the step from which on nothing of it is done."""
        from modelwright.tui.data import left_open

        view = self._app.view
        if self.busy:
            return view.run, next((step.id for step in view.steps.values() if step.status != "done"), "")
        return left_open(self._app.root, self._app.session)

    def raise_limits(self, limits: Json) -> bool:
        """The run goes on with these bounds; one that is at work is stopped for it. False when there is no run."""
        if not self._app.view.run:
            return False
        if not self.reply({"limits": limits}):
            self._first({"do": "go_on", "run": self._app.view.run, "limits": limits})
        return True

    def _first(self, command: Json) -> None:
        """Before all that waits, and instead of what runs."""
        self._queue.add(Queued(command), first=True)
        self._show_queue()
        if self.busy:
            self.pause()
        else:
            self.next()
