"""The process that runs the agent for the terminal UI: JSON lines in, JSON lines out, the session held as long as it lives.

    python -m modelwright.tui.worker SESSION

In: {"do": "say", "text"}, {"do": "go_on", "run", "limits"}, {"do": "plan", "plan", "text"}, {"do": "call", "tool", "args"}, {"do": "end",
"run", "step", "reason"}; while something is asked {"reply": …} ({"choice": N} for a listed answer, {"said": text} for words to a plan).
Out: {"ready"} or {"held"}, {"event"}, {"pending"}, {"done"}, {"error"}. Events are those of `--json --stream`. SIGINT stops the run, which
can be resumed. When the app is gone (end of input, a broken pipe) the run goes on by itself and waits, durably, at the next thing it
has to ask. Imports no Textual.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

from modelwright.errors import LeaseHeld, ModelwrightError, ToolFailed
from modelwright.tui.outlet import Outlet

if TYPE_CHECKING:
    from modelwright.agent.conversation import Conversation, Said
    from modelwright.events import Event
    from modelwright.types import Json

TRY_AGAIN_SECONDS = 1.0


class Worker:
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def serve(self) -> None:
        """Until the input ends."""
        while (command := _read()) is not None:
            _out().tell(self._guarded(command))

    def _guarded(self, command: Json) -> Json:
        """What came of a command, whatever happens in it."""
        try:
            return {"done": _said(self._do(command))}
        except ModelwrightError as error:
            return {"error": error.as_json(), "exit_code": error.exit_code}
        except KeyboardInterrupt:
            return {"error": {"type": "Interrupted", "message": "stopped", "fix": ""}, "exit_code": 130}
        except Exception as error:
            found = _explained(error)
            return {"error": found.as_json(), "exit_code": found.exit_code}

    def _do(self, command: Json) -> Said:
        talk = self._conversation
        if command["do"] == "say":
            return talk.say(command["text"])
        if command["do"] == "go_on":
            return talk.go_on(command["run"], limits=command.get("limits"))
        if command["do"] == "end":
            return talk.end(command["run"], command["step"], command["reason"])
        if command["do"] == "call":
            return talk.call(command["tool"], command["args"])
        return talk.take(command["plan"], command["text"])


def _explained(error: Exception) -> ModelwrightError:
    """A damaged database, a full disk, or a defect; the story of it goes to stderr."""
    import traceback

    traceback.print_exc()
    return ToolFailed(f"{type(error).__name__}: {error}", fix="see `modelwright doctor`")


def _said(said: Said) -> Json:
    result = said.result
    return {
        "kind": said.kind,
        "exit_code": said.exit_code,
        "answer": said.answer,
        "result": result.as_json() if result else None,
        "args": {step.id: step.args for step in result.steps} if result else {},
        "peaks": {step.id: step.peak_memory_bytes for step in result.steps} if result else {},
    }


def _on_event(event: Event) -> None:
    _out().tell({"event": event.as_json()})


def _ask(pending: Json) -> Json | None:
    """The approver: what is asked goes out, the reply comes in; None leaves the run waiting."""
    _out().tell({"pending": pending})
    reply: Json | None = (_read() or {}).get("reply")
    if reply and "choice" in reply:  # by its number: what was shown has been cleaned
        return {"answer": pending["choices"][reply["choice"]]}
    return reply


def _read() -> Json | None:
    while True:
        try:
            line = sys.stdin.readline()
            return json.loads(line) if line else None
        except KeyboardInterrupt:  # it was meant for a run that has just ended
            continue


@cache
def _out() -> Outlet:
    return Outlet(sys.stdout.fileno())


def main() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal may close; the run goes on
    try:
        _hold(sys.argv[1])
    finally:
        _out().close()


def _hold(name: str) -> None:
    """Serve as soon as no other process works on the session."""
    while True:
        try:
            return _serve(name)
        except LeaseHeld as error:
            _out().tell({"held": error.message})
            time.sleep(TRY_AGAIN_SECONDS)
        except ModelwrightError as error:
            return _out().tell({"fatal": error.as_json()})


def _serve(name: str) -> None:
    from modelwright.agent.conversation import open_conversation
    from modelwright.agent.session import Agent

    agent = Agent(".", on_event=_on_event, approver=_ask)
    with open_conversation(agent, name) as conversation:
        _out().tell(
            {"ready": name, "model": agent.settings.model, "policy": agent.settings.policy, "unfinished": _unfinished(conversation)}
        )
        importlib.import_module("modelwright.graphs.build")  # while the person reads: 2 s on two cores
        Worker(conversation).serve()


def _unfinished(conversation: Conversation) -> Json | None:
    past = conversation.unfinished()
    return {"run": past.run.id, "status": past.run.status, "stands": past.stands(), "request": past.run.request} if past else None


if __name__ == "__main__":
    main()
