"""The terminal app: its screens, its keys, and how it begins and ends.

Two facts: the agent runs in a process of its own (worker.py), so neither a crash nor the end of this app touches a run; and nothing
of LangGraph or of a model is imported before the first frame is drawn. No decision is made here: plans, policies,
estimates and verdicts come from the agent. Not here: what the worker says (hearing.py) and what it is told (turns.py).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from textual import work
from textual.binding import Binding, BindingType
from textual.screen import Screen

from modelwright.tui import conversations
from modelwright.tui.commands import Palette, named
from modelwright.tui.hearing import Hearing
from modelwright.tui.leaving import GOES_ON, LEAVE, PAUSE, asked_before, told_after
from modelwright.tui.link import COMMAND
from modelwright.tui.notices import Notices
from modelwright.tui.screens.chat import Chat
from modelwright.tui.state import RunView
from modelwright.tui.turns import Turns

if TYPE_CHECKING:
    from modelwright.tui.messages import PlanTaken, Replied, Said

CLOCK_SECONDS, MEMORY_SECONDS = 1.0, 3.0
DARK, LIGHT = "textual-dark", "textual-light"


class Modelwright(Notices):
    """One session in one folder."""

    CSS_PATH = "style.css"
    TITLE = "modelwright"
    COMMANDS: ClassVar[set[Any]] = {Palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "card", "card"),
        Binding("f1", "open('help')", "help", priority=True),
        Binding("f2", "open('runs')", "runs", priority=True),
        Binding("f3", "open('run')", "live", priority=True),
        Binding("f4", "open('tools')", "tools", priority=True),
        Binding("f5", "open('memory')", "memory", priority=True),
        Binding("f7", "open('doctor')", "doctor", show=False, priority=True),
        Binding("f8", "open('policy')", "policy", show=False, priority=True),
        Binding("f9", "open('models')", "models", show=False, priority=True),
        Binding("ctrl+o", "open('sessions')", "sessions", show=False),
        Binding("ctrl+t", "pause", "pause"),
        Binding("ctrl+b", "budget", "budget", show=False),
        Binding("ctrl+q", "leave", "quit", priority=True),
    ]

    def __init__(self, session: str, *, root: Path = Path("."), command: Sequence[str] = COMMAND) -> None:
        super().__init__()
        self.session, self.root = session, root
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]
        self.view = RunView()
        self.policy: Path | None = None
        self.model = ""
        self.hearing = Hearing(self)
        self.turns = Turns(self, command)
        self._leaving = False
        self.left = ""  # what the shell is told of the run

    def get_default_screen(self) -> Screen[None]:
        return Chat(self.session, self.root)

    @property
    def chat(self) -> Chat:
        found = self.screen_stack[0]
        assert isinstance(found, Chat)
        return found

    @property
    def listens(self) -> bool:
        """Whether what the worker says can still be shown."""
        return self.is_running and not self._leaving and bool(self.screen_stack)

    def on_mount(self) -> None:
        self.call_after_refresh(self._open)

    async def on_unmount(self) -> None:
        await self.turns.link.let_go()

    async def _open(self) -> None:
        """After the first frame: the past of the session, then the worker."""
        from modelwright.tui.hangup import watch

        if not self.is_headless:
            watch(sys.__stdin__.fileno() if sys.__stdin__ else 0)
        self.set_interval(CLOCK_SECONDS, self._tick)
        self.set_interval(MEMORY_SECONDS, self._look_at_memory)
        self._load_past()
        await self.turns.start()

    @work(thread=True)
    def _load_past(self) -> None:
        from modelwright.tui.data import last_result, past_turns

        turns, result = past_turns(self.root, self.session), last_result(self.root, self.session)
        self.call_from_thread(self.chat.show_past, turns, result)

    # what is shown -----------------------------------------------------------------------------------------------------------

    def stand(self, text: str) -> None:
        """Where things stand, at the top."""
        self.chat.stand(text, self.model)

    def begin_turn(self) -> None:
        self.view = RunView()
        self.chat.new_turn()
        self.stand("at work")
        self.chat.doing(self.turns.doing())

    def show_run(self) -> None:
        """The run as the view has it, on every screen that shows it."""
        if not self.listens:  # a timer that rings while the app ends
            return
        self.chat.show_run(self.view, self.policy)
        self.chat.doing(self.turns.doing(), waits=self.turns.pending is not None)
        for screen in self.screen_stack[1:]:
            if hasattr(screen, "show_run"):
                screen.show_run()

    def _tick(self) -> None:
        if self.turns.busy or self.hearing.follows:
            self.show_run()

    def _look_at_memory(self) -> None:
        if self.turns.busy and self.turns.pending is None and self.view.status == "running":
            self._measure_memory()

    @work(thread=True, exclusive=True, group="memory")
    def _measure_memory(self) -> None:
        from modelwright.tui.data import memory_of

        pid = self.turns.link.pid
        self.view.memory_in_use = memory_of(pid) if pid else None

    @work(thread=True, group="result")
    def show_result_of(self, run: str) -> None:
        """The result of a run as a card, when it is over."""
        from modelwright.tui.data import OVER, result_of
        from modelwright.tui.widgets.results import ResultCard

        found = result_of(self.root, run)
        if found and found["status"] in OVER:
            self.call_from_thread(lambda: self.chat.add_result(ResultCard(found, view=self.view)))

    # what the person says ----------------------------------------------------------------------------------------------------

    def on_said(self, message: Said) -> None:
        text = message.text
        return self._command_named(text) if text.startswith("/") else self.turns.say(text)

    def _command_named(self, text: str) -> None:
        found, rest = named(text)
        if found is None:
            self.notify(f"there is no {text.split(maxsplit=1)[0]}; /help lists all", severity="warning", markup=False)
        elif rest and found.with_words:
            getattr(self, found.with_words)(rest)
        else:
            self.call_later(self.run_action, found.action)

    def on_replied(self, message: Replied) -> None:
        if self.turns.reply(message.reply):
            self.stand("at work")

    def on_plan_taken(self, message: PlanTaken) -> None:
        self.turns.take_plan(message.plan, message.instead_of)

    def on_always_written(self) -> None:
        self.turns.renew()

    # actions -----------------------------------------------------------------------------------------------------------------

    async def action_open(self, name: str) -> None:
        """Show a screen; the one that is on top of the conversation is replaced."""
        from modelwright.tui.screens import registry

        if not self.screen.is_modal:
            await self.back_to_chat()
            await self.push_screen(registry.make(name, self))

    async def back_to_chat(self) -> None:
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    def action_card(self) -> None:
        if self.screen is self.chat:
            self.chat.turn_to_card()

    def action_dark(self) -> None:
        self.theme = LIGHT if self.theme == DARK else DARK

    def action_pause(self) -> None:
        """Stop the run where it is."""
        if self.turns.pause():
            self.stand("stopping")
        else:
            self.notify("nothing is running", markup=False)

    def action_go_on(self) -> None:
        """With the run that was stopped or cut off."""
        self.turns.say("go on")

    def action_cancel(self) -> None:
        """Stop the run and end it for good."""
        if not self.turns.cancel():
            self.notify("there is no run to cancel", markup=False)

    def action_budget(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def told(text: str | None) -> None:
            if text:
                self.raise_limits(text)

        self.push_screen(AskLine("Raise which bound, to what in all? (for example: seconds 7200)", "seconds "), told)

    def raise_limits(self, text: str) -> None:
        """ "seconds 3600": a running run is stopped, and goes on with the new bound."""
        from modelwright.tui.texts import BOUNDS, limits_of

        limits = limits_of(text)
        if not limits:
            self.notify(f"write a bound and a number: {', '.join(BOUNDS)}", severity="error", markup=False)
        elif not self.turns.raise_limits(limits):
            self.notify("there is no run to raise a bound of", severity="warning", markup=False)

    # the conversation --------------------------------------------------------------------------------------------------------

    def action_export(self) -> None:
        self.export_to("")

    def export_to(self, words: str) -> None:
        conversations.export(self, words)

    def action_new(self) -> None:
        from modelwright.agent.sessions import new_name

        self.change_session(new_name())

    def new_named(self, words: str) -> None:
        """ "second try" as second-try: a session is also a folder's name."""
        self.change_session("-".join(words.split()))

    def change_session(self, name: str) -> None:
        conversations.change(self, name)

    async def open_other(self) -> None:
        await self.chat.begin(self.session)
        self._load_past()
        await self.turns.restart()

    # leaving -----------------------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        from modelwright.tui.screens.ask import Choose

        asked = asked_before(self)
        if asked is None:
            self.call_later(self._leave, False)
        elif not self.screen.is_modal:
            self.push_screen(Choose(*asked), self._left)

    async def action_quit(self) -> None:
        self.action_leave()

    def _left(self, choice: str | None) -> None:
        if choice in (GOES_ON, PAUSE, LEAVE):
            self.call_later(self._leave, choice == PAUSE)

    async def _leave(self, pause: bool) -> None:
        self._leaving = True
        self.left = told_after(self, paused=pause)
        if pause:
            self.turns.link.stop_run()
        await self.turns.link.let_go()
        self.exit()


def main(session_name: str = "") -> None:
    """Open the app on this session, else on the one whose run works or waits for an answer, else on a new one; until it is left."""
    from modelwright.agent.sessions import check_name, new_name
    from modelwright.tui.data import session_to_open

    app = Modelwright(check_name(session_name or session_to_open(Path()) or new_name()))
    with contextlib.suppress(KeyboardInterrupt):
        app.run()
    if told := f"the app ended, the run did not: modelwright chat --session {app.session}" if app.return_code else app.left:
        click.echo(told, err=True)
