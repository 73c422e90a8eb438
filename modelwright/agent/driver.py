"""One run, opened: its graph, its thread and its events; drives it until it ends or waits, and goes on from wherever it was.

A run can be found in five ways: never saved, ended, waiting for a person, failed, or cut in the middle by a kill. Each
has one way on, and a reply that does not fit where the run stands is refused before anything is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from langgraph.types import Command

from modelwright.agent.runs import Run, Runs
from modelwright.agent.trace import read
from modelwright.errors import BadRequest, Interrupted, ToolFailed
from modelwright.events import Emitter, EventType
from modelwright.graphs.nodes import raised
from modelwright.graphs.state import initial
from modelwright.types import Json, Limits

Approver = Callable[[Json], Json | None]
"""Takes what is pending ({kind, calls…}), gives a reply ({allow, allow_for_run, reject, edit, answer, limits}) or None to wait; to a plan
also {said: words} (spoken_to.py)."""

REPLIES: dict[str, Sequence[str]] = {
    "question": ("answer", "reject"),
    "budget": ("limits", "reject"),
    "approval": ("allow", "allow_for_run", "reject", "edit", "limits"),
}
BEFORE = {
    "plan": "route",
    "gate": "plan",
    "approve": "gate",
    "execute": "route",
    "verify": "execute",
    "route": "verify",
    "report": "route",
    "remember": "report",
}
"""A node from which the graph goes on to the named one; used to change the state of a run that was cut there."""


class Driver:
    def __init__(self, graph: Any, thread: Json, emitter: Emitter, db: sqlite3.Connection, run: Run) -> None:
        self._graph, self._thread, self._emitter, self._db, self._run = graph, thread, emitter, db, run

    def state(self) -> Json:
        return dict(self._graph.get_state(self._thread).values)

    def drive(self, inputs: Any, approver: Approver | None) -> bool:
        """Go on until the run ends or waits. False when the user stopped it."""
        yes = bool(self._run.options.get("yes"))
        Runs(self._db).update(self._run.id, status="running", exit_code=None)
        try:
            while True:
                state = self._graph.invoke(inputs, self._thread, durability="sync")
                pending = state.get("pending") if state.get("__interrupt__") else None
                reply = self._reply_to(pending, approver, yes) if pending else None
                if not reply:
                    return True
                inputs = Command(resume=reply)
        except (KeyboardInterrupt, Interrupted):
            return False
        except sqlite3.Error as error:
            raise ToolFailed(
                f"the run's records cannot be written: {error}", fix=f"free some space, then modelwright resume {self._run.id}"
            ) from None

    def _reply_to(self, pending: Json, approver: Approver | None, yes: bool) -> Json | None:
        if yes and pending["kind"] == "approval":
            reply: Json | None = {"allow": [call["id"] for call in pending["calls"]]}
        else:
            reply = approver(pending) if approver else None
        if reply:
            self._tell(pending["kind"], reply, by="--yes" if yes and pending["kind"] == "approval" else "user")
        return reply

    def _tell(self, kind: str, reply: Json, by: str) -> None:
        answers = {} if reply.get("reject") else {"question": EventType.QUESTION_ANSWERED, "budget": EventType.BUDGET}
        said = answers.get(kind, EventType.APPROVAL_GIVEN)  # a no ends the run, whatever it waits for
        self._emitter.emit(said, None, by=by, **reply)

    # going on ----------------------------------------------------------------------------------------------------

    def way_on(self, reply: Json) -> Any:
        """What to hand to the graph so that it goes on. Raises BadRequest when the reply does not fit; nothing is written then."""
        snapshot = self._graph.get_state(self._thread)
        state = snapshot.values
        if not state:
            self._refuse(reply, "was cut before it had a plan", allowed=("limits",))
            limits = raised(self._run.options["limits"], reply.get("limits"))
            return initial(self._run.id, self._run.request, Limits.model_validate(limits), self._run.options["plan"])
        if state["status"] in ("done", "denied", "nothing") and not snapshot.next:
            raise BadRequest(f"run {self._run.id} has ended ({state['status']})", fix=f"see `modelwright show {self._run.id}`")
        if snapshot.interrupts:
            return self._answer(state["pending"], reply)
        self._refuse(reply, "has no question open", allowed=("limits", "allow", "allow_for_run", "reject", "edit"))
        self._set_off_again(snapshot, state, reply)
        return None

    def _answer(self, pending: Json, reply: Json) -> Any:
        self._refuse(reply, f"waits for {pending['kind']}", allowed=(*REPLIES[pending["kind"]], "limits"))
        if not any(reply.get(name) for name in REPLIES[pending["kind"]]):
            return None
        self._tell(pending["kind"], reply, by="user")
        return Command(resume=reply)

    def _refuse(self, reply: Json, stands: str, allowed: Sequence[str]) -> None:
        wrong = [name for name, value in reply.items() if value and name not in allowed]
        if wrong:
            raise BadRequest(f"run {self._run.id} {stands}, so {wrong[0]} says nothing to it", fix=f"modelwright show {self._run.id}")

    def _set_off_again(self, snapshot: Any, state: Json, reply: Json) -> None:
        """A failed run, and one to which something was said, goes back through the gate; a cut one goes on where it was."""
        said = {name: reply[name] for name in ("allow", "allow_for_run", "reject", "edit") if reply.get(name)}
        limits = raised(state["limits"], reply.get("limits"))
        update: Json = {"limits": limits, "spent": self._with_lost_time(state["spent"])}
        failed = state["status"] in ("failed", "unverified") and not snapshot.next
        if said or failed:
            where = "gate" if state["plan_id"] or said.get("reject") else "plan"
            update |= {"failure": None, "error": None, "status": "running", "next": where, "reply": said or None}
        elif snapshot.next:
            where = snapshot.next[0]
            update |= {"next": where}
        else:
            return
        if said:
            self._tell("approval", said, by="user")
        self._graph.update_state(self._thread, update, as_node=BEFORE[where])

    def _with_lost_time(self, spent: Json) -> Json:
        """The seconds of a call that was cut are in no state: they are read from the trace, up to the last thing it said."""
        began: float | None = None
        last = 0.0
        for event in read(self._db, self._run.id):
            if event.type in (EventType.RUN_STARTED, EventType.RUN_RESUMED, EventType.TOOL_FINISHED, EventType.TOOL_FAILED):
                began = None
            elif event.type is EventType.TOOL_STARTED:
                began = last = event.time
            elif event.type is EventType.TOOL_PROGRESS:
                last = event.time
        return spent if began is None else {**spent, "seconds": spent["seconds"] + last - began}
