"""The terminal app: starts the worker, hands what it says to the screens, and what the person wants to it.

Two facts: the agent runs in a process of its own (worker.py), so neither a crash nor the end of this app touches a run; and nothing
of LangGraph, of a model or of the database is imported before the first frame is drawn. No decision is made here: plans, policies,
estimates and verdicts come from the agent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import click
from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from modelwright.tui.commands import COMMANDS, Palette
from modelwright.tui.link import COMMAND, Link
from modelwright.tui.messages import PlanTaken, Replied, Said
from modelwright.tui.screens.chat import Chat
from modelwright.tui.state import RunView
from modelwright.types import Json

CLOCK_SECONDS, MEMORY_SECONDS = 1.0, 3.0
BELL_AFTER_SECONDS = 10.0
PAST_TURNS = 30
DARK, LIGHT = "textual-dark", "textual-light"


class Modelwright(App[None]):
    """One session in one folder."""

    CSS_PATH = "style.css"
    TITLE = "modelwright"
    COMMANDS: ClassVar[set[Any]] = {Palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "help", priority=True),
        Binding("f2", "open('runs')", "runs", priority=True),
        Binding("f3", "open('run')", "live", priority=True),
        Binding("f4", "open('tools')", "tools", priority=True),
        Binding("f5", "open('memory')", "memory", priority=True),
        Binding("f8", "open('policy')", "policy", show=False, priority=True),
        Binding("f9", "open('models')", "models", show=False, priority=True),
        Binding("ctrl+o", "open('sessions')", "sessions", show=False),
        Binding("ctrl+t", "pause", "pause"),
        Binding("ctrl+b", "budget", "budget", show=False),
        Binding("ctrl+g", "card", "to the card"),
        Binding("ctrl+q", "leave", "quit", priority=True),
    ]

    def __init__(self, session: str, *, root: Path = Path("."), command: Sequence[str] = COMMAND) -> None:
        super().__init__()
        self.session, self.root = session, root
        self.view = RunView()
        self.busy = False
        self.ready = False
        self.policy: Path | None = None
        self.model = ""
        self._link = Link(self._receive, command)
        self._command = command
        self._queue: list[Json] = []
        self._pending: Json | None = None
        self._then: list[Json] = []
        self._follower: Any = None
        self._began = time.monotonic()
        self._leaving = False

    def get_default_screen(self) -> Screen[None]:
        return Chat(self.session, self.root)

    @property
    def chat(self) -> Chat:
        found = self.screen_stack[0]
        assert isinstance(found, Chat)
        return found

    def on_mount(self) -> None:
        self.call_after_refresh(self._open)

    async def on_unmount(self) -> None:
        await self._link.let_go()

    async def _open(self) -> None:
        """After the first frame: the past of the session, then the worker."""
        self.set_interval(CLOCK_SECONDS, self._tick)
        self.set_interval(MEMORY_SECONDS, self._look_at_memory)
        self._load_past()
        await self._link.start(self.session)

    @work(thread=True)
    def _load_past(self) -> None:
        from modelwright.tui.data import past_turns

        turns = past_turns(self.root, self.session, PAST_TURNS)
        self.call_from_thread(self.chat.show_past, turns)

    # what the worker says --------------------------------------------------------------------------------------------------

    def _receive(self, batch: list[Json]) -> None:
        if not self.is_running or self._leaving:
            return
        moved = False
        for said in batch:
            if "event" in said:
                moved |= self._take_event(said["event"])
            else:
                handler = getattr(self, f"_told_{next(iter(said))}", None)
                if handler:
                    handler(said)
        if moved:
            self._show_run()

    def _take_event(self, event: Json) -> bool:
        if event["type"] == "run.resumed" and event["run"] != self.view.run:
            self._load_run(event["run"])
        known = self.view.take(event)
        if event["type"] in ("policy.decision", "approval.given"):
            self.call_after_refresh(self.chat.plan_changed)
        if event["type"] == "plan.proposed" and self.chat.plan_card is not None:
            self.chat.new_turn()  # planned anew: another card
        return known

    def _load_run(self, run: str) -> None:
        """What happened in a run before it was resumed."""
        from modelwright.tui.follow import Follower

        self.view = RunView(run)
        follower = Follower(self._database, run)
        while found := follower.new():
            for event in found:
                self.view.take(event)
        follower.close()

    @property
    def _database(self) -> Path:
        return self.root / ".modelwright" / "modelwright.db"

    def _show_run(self) -> None:
        self.chat.show_run(self.view, self.policy)
        for screen in self.screen_stack[1:]:
            if hasattr(screen, "show_run"):
                screen.show_run()

    def _told_ready(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import OfferCard

        self.ready, self.busy, self.model = True, False, said["model"]
        self.policy = Path(said["policy"]) if said["policy"] else None
        self._stop_following()
        self.chat.stand(f"{self.model} · ready")
        unfinished = said["unfinished"]
        if unfinished and not self._queue:
            self.chat.add(OfferCard(unfinished))
            if unfinished["status"] == "waiting":  # asking again changes nothing
                return self._say("go on", shown=False)
        return self._next()

    def _told_held(self, said: Json) -> None:
        """Another process works on this session: its run is shown as it moves, and this one waits."""
        self.chat.stand(f"another process works here: {said['held']}")
        if self._follower is None:
            self._follow_newest()

    def _follow_newest(self) -> None:
        from modelwright.tui.data import newest_run
        from modelwright.tui.follow import Follower

        run = newest_run(self.root, self.session)
        if run:
            self.chat.new_turn()
            self.view, self._follower = RunView(run), Follower(self._database, run)
            self._following = self.set_interval(0.3, self._follow)

    def _follow(self) -> None:
        taken = [self.view.take(event) for event in self._follower.new()] if self._follower else []
        if any(taken):
            self._show_run()

    def _stop_following(self) -> None:
        if self._follower is not None:
            self._following.stop()
            self._follow()
            self._follower.close()
            self._follower = None

    def _told_pending(self, said: Json) -> None:
        self._pending = said["pending"]
        self.chat.stand(f"{self.model} · waits for you")
        self._show_run()
        self.chat.ask(said["pending"], self.view, self.policy)
        self.bell()

    def _told_done(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import Answer
        from modelwright.tui.widgets.results import ResultCard

        done = said["done"]
        self.chat.settle()
        self.chat.add(ResultCard(done["result"]) if done["result"] else Answer(done["answer"]))
        self._over()

    def _told_error(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import trouble

        self.chat.settle()
        self.chat.add(trouble(said["error"]))
        self._over()

    def _told_fatal(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import trouble

        self.chat.add(trouble(said["fatal"]))
        self.chat.stand("not ready")

    def _told_gone(self, said: Json) -> None:
        """The worker died: what it did is in the database, a new one goes on."""
        from modelwright.tui.widgets.cards import trouble

        if said["gone"] != 0 or self.busy:
            words = (said["why"].splitlines() or [""])[-1]
            self.chat.add(
                trouble(
                    {"message": f"the agent's process ended (code {said['gone']}) {words}", "fix": 'the run is kept: "go on" resumes it'}
                )
            )
        was_ready, self.ready, self.busy, self._pending = self.ready, False, False, None
        self.chat.settle()
        if was_ready:
            self.call_later(self._new_worker)

    def _over(self) -> None:
        self.busy, self._pending = False, None
        if time.monotonic() - self._began > BELL_AFTER_SECONDS:
            self.bell()
        self.chat.stand(f"{self.model} · ready")
        self._show_run()
        self._next()

    # what the person wants -------------------------------------------------------------------------------------------------

    def on_said(self, message: Said) -> None:
        text = message.text
        if text.startswith("/"):
            return self._command_named(text)
        return self._say(text)

    def _command_named(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        found = next((c for c in COMMANDS if c.name == name), None) or next((c for c in COMMANDS if c.name.startswith(name)), None)
        if found is None:
            return self.notify(f"there is no {name}; /help lists all", severity="warning", markup=False)
        if found.name == "/budget" and rest:
            return self.raise_limits(rest)
        self.call_later(self.run_action, found.action)
        return None

    def _say(self, text: str, *, shown: bool = True) -> None:
        self.do({"do": "say", "text": text}, text if shown else "")

    def do(self, command: Json, shown: str = "") -> None:
        """Queue a command for the worker, as a turn of the conversation."""
        from modelwright.tui.widgets.cards import heard

        if shown:
            self.chat.add(heard(shown))
        self._queue.append(command)
        if self.busy and shown:
            self.notify("it comes next: a run is at work", markup=False)
        self._next()

    def _next(self) -> None:
        if self.busy or not self.ready or not self._queue:
            return
        self.busy, self._began = True, time.monotonic()
        self.view = RunView()
        self.chat.new_turn()
        self.chat.stand(f"{self.model} · at work")
        self._link.send(self._queue.pop(0))

    def on_replied(self, message: Replied) -> None:
        if self._pending is not None:
            self._pending = None
            self._link.send({"reply": message.reply})
            self.chat.stand(f"{self.model} · at work")
            self.chat.composer.entry.focus()

    def on_plan_taken(self, message: PlanTaken) -> None:
        """The proposed plan is refused, the edited one becomes a run."""
        self._queue.insert(0, {"do": "plan", "plan": message.plan, "text": f"run the edited plan of {message.instead_of}"})
        if self._pending is not None:
            first = self._pending["calls"][0]["id"]
            self._pending = None
            self._link.send({"reply": {"reject": {first: "replaced by an edited plan"}}})
        else:
            self._next()

    # actions -----------------------------------------------------------------------------------------------------------------

    async def action_open(self, name: str) -> None:
        """Show a screen; the one that is on top of the conversation is replaced."""
        from modelwright.tui.screens import registry

        if self.screen.is_modal:
            return
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.push_screen(registry.make(name, self))

    async def action_help(self) -> None:
        await self.action_open("help")

    def action_card(self) -> None:
        if self.screen is self.chat:
            self.chat.go_to_card()

    def action_dark(self) -> None:
        self.theme = LIGHT if self.theme == DARK else DARK

    def action_pause(self) -> None:
        """Stop the run where it is."""
        if self._pending is not None:
            self._pending = None
            self._link.send({"reply": None})
        elif self.busy:
            self._link.stop_run()
            self.chat.stand(f"{self.model} · stopping")
        else:
            self.notify("nothing is running", markup=False)

    def action_cancel(self) -> None:
        """Stop the run and end it for good."""
        step = next((s.id for s in self.view.steps.values() if s.status != "done"), None)
        if step is None or not self.view.run:
            return self.notify("there is no run to cancel", markup=False)
        if self._pending is not None and self._pending["kind"] == "approval":
            return self.on_replied(Replied({"reject": {self._pending["calls"][0]["id"]: "cancelled"}}))
        self._queue.insert(0, {"do": "end", "run": self.view.run, "step": step, "reason": "cancelled"})
        if self.busy:
            return self.action_pause()
        return self._next()

    def action_budget(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def told(text: str | None) -> None:
            if text:
                self.raise_limits(text)

        self.push_screen(AskLine("Raise which bound, to what in all? (for example: seconds 7200)", "seconds "), told)

    def raise_limits(self, text: str) -> None:
        """A running run is stopped, and goes on with the new bound."""
        from modelwright.tui.texts import BOUNDS, limits_of

        limits = limits_of(text)
        if not limits or not self.view.run:
            return self.notify(f"write a bound and a number: {', '.join(BOUNDS)}", severity="error", markup=False)
        if self._pending is not None:
            return self.on_replied(Replied({"limits": limits}))
        self._queue.insert(0, {"do": "go_on", "run": self.view.run, "limits": limits})
        if self.busy:
            return self.action_pause()
        return self._next()

    def action_export(self) -> None:
        from modelwright.tui.data import export

        self.notify(f"written to {export(self.root, self.session)}", markup=False)

    def action_leave(self) -> None:
        from modelwright.tui.screens.ask import Choose

        if not self.busy or self._pending is not None:
            self.call_later(self._leave, False)
            return
        if self.screen.is_modal:
            return
        choices = [("go on", "the run goes on without the app"), ("pause", "the run stops here and can go on"), ("stay", "back to the app")]
        self.push_screen(Choose("A run is at work", choices), self._left)

    async def action_quit(self) -> None:
        self.action_leave()

    def _left(self, choice: str | None) -> None:
        if choice in ("go on", "pause"):
            self.call_later(self._leave, choice == "pause")

    async def _leave(self, pause: bool) -> None:
        self._leaving = True
        if pause:
            self._link.stop_run()
        await self._link.let_go()
        self.exit()

    def restart_worker(self) -> None:
        """With the settings as they are now; not in the middle of a run."""
        if self.busy:
            return self.notify("it counts from the next start on: a run is at work", markup=False)
        self.call_later(self._new_worker)
        return None

    async def _new_worker(self) -> None:
        self.ready = False
        await self._link.let_go()
        self._link = Link(self._receive, self._command)
        await self._link.start(self.session)

    def change_session(self, name: str) -> None:
        """Go on with another conversation."""
        if self.busy:
            return self.notify("a run is at work: pause it first (Ctrl+T)", severity="warning", markup=False)
        self.session, self.view = name, RunView()
        self.call_later(self._open_other)
        return None

    async def _open_other(self) -> None:
        await self.chat.begin(self.session)
        self._load_past()
        await self._new_worker()

    # clocks ------------------------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self.busy or self._follower:
            self._show_run()

    def _look_at_memory(self) -> None:
        if self.busy and self._pending is None and self.view.status == "running":
            self._measure_memory()

    @work(thread=True, exclusive=True, group="memory")
    def _measure_memory(self) -> None:
        from modelwright.tui.data import memory_of

        pid = self._link.pid
        used = memory_of(pid) if pid else None
        card = self.chat.live_card
        if card is not None:
            self.call_from_thread(card.set_memory, used)


def main(session_name: str) -> None:
    """Open the app on this session, in this folder; comes back when it is left."""
    from modelwright.agent.sessions import check_name

    check_name(session_name)
    app = Modelwright(session_name)
    with contextlib.suppress(KeyboardInterrupt):
        app.run()
    if app.return_code:
        click.echo(f"the app ended, the run did not: modelwright chat --session {app.session}", err=True)


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
