"""The conversation line by line: works on any terminal, a dumb one too, and through a pipe.

stdout holds answers and outcomes, stderr the prompts, plans and progress. Ctrl-C stops a run and not the conversation; the
end of input ends it with the exit code of the last turn. Text from outside is printed without markup and escapes.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from modelwright.agent.conversation import Conversation, Said
from modelwright.agent.ending import closing_lines
from modelwright.cli.output import explained, say, show_error
from modelwright.console import Narrator
from modelwright.events import Event
from modelwright.plantable import plan_table
from modelwright.prompts import ENDINGS, read_line, yes_or_no
from modelwright.text import one_line
from modelwright.types import Estimate, Plan, Step

INTERRUPTED = 130
LONGEST_LINE = 20_000
"""characters; the planner reads sentences, not files"""


class ChatNarrator(Narrator):
    """Shows a plan as one table, once every step has its estimate and decision."""

    _plan: Plan | None = None

    def _on_run_started(self, event: Event) -> None:
        self.say(f"run {event.run}")

    def _on_plan_proposed(self, event: Event) -> None:
        self._plan = Plan.model_validate(event.data["plan"])

    def _on_policy_decision(self, event: Event) -> None:
        if self._plan is None:  # decided again, after an approval or an edit
            return super()._on_policy_decision(event)
        self.remember_estimate(event)
        told = {"decision": event.data.get("decision"), "rule": event.data.get("rule"), "defaults": event.data.get("defaults") or {}}
        estimate = Estimate(**event.data["estimate"]) if event.data.get("estimate") else None
        steps = [
            Step.model_validate({**s.model_dump(), **told, "estimate": estimate}) if s.id == event.step else s for s in self._plan.steps
        ]
        self._plan = self._plan.model_copy(update={"steps": steps})
        if event.step == steps[-1].id:
            self.say(plan_table(self._plan))
            self._plan = None
        return None


class Stop:
    """What stopped the work: Ctrl-C stops a run; a signal to end, or a closed terminal, stops the conversation as well."""

    def __init__(self) -> None:
        self.for_good = False

    @contextmanager
    def heeded(self) -> Iterator[Stop]:
        kept = {sign: signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGHUP)}
        for sign, handler in kept.items():
            if handler is not signal.SIG_IGN:
                signal.signal(sign, self._end)
        try:
            yield self
        finally:
            for sign, handler in kept.items():
                signal.signal(sign, handler)

    def _end(self, *_: object) -> None:
        self.for_good = True
        raise KeyboardInterrupt


class PlainChat:
    def __init__(self, conversation: Conversation, *, yes: bool = False) -> None:
        self._conversation, self._yes = conversation, yes
        self._code = 0

    def talk(self) -> int:
        """Until the input ends; the exit code of the last turn."""
        with Stop().heeded() as stop:
            self._tell(f'session {self._conversation.name}. Say what you want; "help" says more, Ctrl-D ends.')
            again = self._guarded(self._offer, stop)
            while again and not stop.for_good:
                again = self._guarded(self._next, stop)
        return INTERRUPTED if stop.for_good else self._code

    def _guarded(self, act: Callable[[], bool], stop: Stop) -> bool:
        """One turn, whatever happens in it. False when there is nothing more to read."""
        try:
            return act()
        except EOFError:
            return False
        except KeyboardInterrupt:
            self._tell("\nstopped" if stop.for_good else "\nCtrl-D ends the conversation")
        except BrokenPipeError:
            raise
        except Exception as error:
            self._code = show_error(explained(error))
        return True

    def _offer(self) -> bool:
        """A run that the session left unfinished is gone on with, if wanted."""
        past = self._conversation.unfinished()
        if past:
            self._tell(f"{past.stands()}: {one_line(past.run.request, 200)}")
            if yes_or_no("go on with it?"):
                self._show(self._conversation.go_on(past.run.id, yes=self._yes))
        return True

    def _next(self) -> bool:
        text = read_line("> ").strip()
        if text.lower() in ENDINGS:
            return False
        if len(text) > LONGEST_LINE:
            self._tell(f"that has {len(text)} characters, at most {LONGEST_LINE} are read: name long text by its file")
            self._code = 2
        elif text:
            self._show(self._conversation.say(text, yes=self._yes))
        return True

    def _show(self, said: Said) -> None:
        self._code = said.exit_code
        if said.result is None:
            say(said.answer)
            return
        closing = closing_lines(said.result)
        for line in closing.data:
            say(line)
        for line in closing.narration:
            self._tell(line)

    def _tell(self, text: str) -> None:
        sys.stdout.flush()
        click.echo(text, err=True)
