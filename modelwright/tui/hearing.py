"""What the worker says: events move the view of the run, the rest becomes cards of the conversation. Decides nothing.

A line of the worker is one of {"ready"}, {"held"}, {"event"}, {"pending"}, {"done"}, {"error"}, {"fatal"}, {"gone"}; each has its
method here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.tui.state import RunView
from modelwright.types import Json

if TYPE_CHECKING:
    from textual.timer import Timer

    from modelwright.tui.app import Modelwright
    from modelwright.tui.follow import Follower

BELL_AFTER_SECONDS = 10.0
"""A turn that took longer rings the terminal's bell at its end."""
FOLLOW_SECONDS = 0.3
DRAW_SECONDS = 0.2
"""A run is drawn at most this often: a curve is 4 kB, and a slow line carries little more than 20 kB a second."""


class Hearing:
    def __init__(self, app: Modelwright) -> None:
        self._app = app
        self._follower: Follower | None = None
        self._drawing: Timer | None = None
        self._behind = False

    @property
    def follows(self) -> bool:
        """Whether the run of another process is shown."""
        return self._follower is not None

    def receive(self, batch: list[Json]) -> None:
        """Lines of the worker, in order."""
        if not self._app.listens:
            return
        moved = False
        for said in batch:
            if "event" in said:
                moved |= self._take_event(said["event"])
            elif handler := getattr(self, f"_told_{next(iter(said), '')}", None):
                handler(said)
        if moved:
            self._draw_soon()

    def _draw_soon(self) -> None:
        """Now, or when the last drawing is old enough."""
        self._behind = self._drawing is not None
        if self._drawing is None:
            self._app.show_run()
            self._drawing = self._app.set_timer(DRAW_SECONDS, self._drawn_long_ago)

    def _drawn_long_ago(self) -> None:
        self._drawing = None
        if self._behind:
            self._draw_soon()

    # events ----------------------------------------------------------------------------------------------------------------

    def _take_event(self, event: Json) -> bool:
        app = self._app
        if event["type"] == "run.resumed" and event["run"] != app.view.run:
            app.view = self._as_it_was(event["run"])
        known = app.view.take(event)
        if event["type"] in ("policy.decision", "approval.given"):
            app.call_after_refresh(app.chat.plan_changed)
        if event["type"] == "plan.proposed" and app.chat.plan_card is not None:
            app.chat.new_turn()  # planned anew: another card
        return known

    def _as_it_was(self, run: str) -> RunView:
        """What happened in a run before it was resumed."""
        from modelwright.tui.follow import Follower

        view = RunView(run)
        follower = Follower(self._app.root, run)
        while found := follower.new():
            for event in found:
                view.take(event)
        follower.close()
        return view

    # the session -----------------------------------------------------------------------------------------------------------

    def _told_ready(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import OfferCard

        app = self._app
        app.turns.ready, app.turns.busy, app.model = True, False, said["model"]
        app.policy = Path(said["policy"]) if said["policy"] else None
        self._stop_following()
        app.stand("ready")
        unfinished = said["unfinished"]
        if unfinished and not app.turns.anything_waits:
            app.chat.add(OfferCard(unfinished))
            if unfinished["status"] == "waiting":  # asking again changes nothing
                return app.turns.say("go on", shown=False)
        return app.turns.next()

    def _told_held(self, said: Json) -> None:
        """Another process works on this session: its run is shown as it moves, and this one waits."""
        self._app.chat.stand(f"{said['held'].partition(' by ')[2] or 'another process'} works here")
        if self._follower is None:
            self._follow_newest()

    def _follow_newest(self) -> None:
        from modelwright.tui.data import newest_run
        from modelwright.tui.follow import Follower

        app = self._app
        run = newest_run(app.root, app.session)
        if run:
            app.chat.new_turn()
            app.view, self._follower = RunView(run), Follower(app.root, run)
            self._following = app.set_interval(FOLLOW_SECONDS, self._follow)

    def _follow(self) -> None:
        taken = [self._app.view.take(event) for event in self._follower.new()] if self._follower else []
        if any(taken):
            self._app.show_run()

    def _stop_following(self) -> None:
        """The other process is done: what came of its run is shown as if this one had done it."""
        if self._follower is None:
            return
        self._following.stop()
        self._follow()
        self._follower.close()
        self._follower = None
        self._app.show_result_of(self._app.view.run)

    def _told_fatal(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import trouble

        self._app.chat.add(trouble(said["fatal"]))
        self._app.chat.stand("not ready")

    def _told_gone(self, said: Json) -> None:
        """The worker died: what it did is in the database, a new one goes on."""
        from modelwright.tui.widgets.cards import trouble

        turns = self._app.turns
        if said["gone"] != 0 or turns.busy:
            words = (said["why"].splitlines() or [""])[-1]
            message = f"the agent's process ended (code {said['gone']}) {words}"
            self._app.chat.add(trouble({"message": message, "fix": 'the run is kept: "go on" resumes it'}))
        was_ready, turns.ready = turns.ready, False
        turns.over()
        self._app.chat.settle()
        if was_ready:
            self._app.call_later(turns.restart)

    # a turn ----------------------------------------------------------------------------------------------------------------

    def _told_pending(self, said: Json) -> None:
        app = self._app
        app.turns.pending = said["pending"]
        app.stand("waits for you")
        app.show_run()
        app.chat.ask(said["pending"], app.view, app.policy)
        app.bell()

    def _told_done(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import Answer
        from modelwright.tui.widgets.results import ResultCard

        done = said["done"]
        self._settle()
        self._app.chat.add(ResultCard(done["result"]) if done["result"] else Answer(done["answer"]))
        self._over()

    def _told_error(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import trouble

        self._settle()
        self._app.chat.add(trouble(said["error"]))
        self._over()

    def _settle(self) -> None:
        """Draw the run as it ended before anything is put below it."""
        self._app.show_run()
        self._app.chat.settle()

    def _over(self) -> None:
        app = self._app
        if app.turns.over() > BELL_AFTER_SECONDS:
            app.bell()
        app.stand("ready")
        app.turns.next()
