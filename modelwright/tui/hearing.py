"""What the worker says: events move the view of the run, the rest becomes cards of the conversation. Decides nothing.

A line of the worker is one of {"ready"}, {"held"}, {"event"}, {"pending"}, {"done"}, {"error"}, {"fatal"}, {"gone"}; each has its
method here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.text import one_line
from modelwright.tui.state import RunView
from modelwright.tui.watching import Watching
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from textual.timer import Timer

    from modelwright.tui.app import Modelwright
    from modelwright.types import Json

BELL_AFTER_SECONDS = 10.0
"""A turn that took longer rings the terminal's bell at its end."""
NOT_TO_ITS_END = ("interrupted", "failed", "waiting")
"""How a run stands after which what was queued for later is kept; so it is after one that left steps undone."""
WORKS = ("tool.started", "tool.reused")
"""Events that nothing waits for a person behind."""
YES = "Words allow nothing: Ctrl+G, then a and Enter, allows it; x refuses it."
PAST = "_load_past"
"""The app's worker that reads what was said before."""
DRAW_SECONDS = 0.2
"""A run is drawn at most this often: a curve is 4 kB, and a slow line carries little more than 20 kB a second."""


class Hearing:
    def __init__(self, app: Modelwright) -> None:
        self._app = app
        self._watching = Watching(app)
        self._was_held = False
        """Another process had the session until now."""
        self._waiting: list[Json] = []
        self._drawing: Timer | None = None
        self._behind = False
        self.lies: RunView | None = None
        """A run of this session that was cut off or stopped, as long as no other has begun."""
        self._not_taken: Json | None = None
        """What the run said of a change that it does not take."""

    @property
    def follows(self) -> bool:
        """Whether the run of another process is shown."""
        return bool(self._watching.run)

    def receive(self, batch: list[Json]) -> None:
        """Lines of the worker, in order; as soon as what was said before stands above them."""
        self._waiting += batch
        if not self._app.listens:
            return
        if self._past_is_read:
            heard, self._waiting = self._waiting, []
            self._take(heard)
        else:
            self._app.set_timer(DRAW_SECONDS, lambda: self.receive([]))

    @property
    def _past_is_read(self) -> bool:
        return all(worker.is_finished for worker in self._app.workers if worker.name == PAST)

    def _take(self, batch: list[Json]) -> None:
        moved = False
        for said in batch:
            if "event" in said:
                moved |= self._take_event(said["event"])
            elif handler := getattr(self, f"_told_{next(iter(said), '')}", None):
                self._hear(handler, said)
        if moved:
            self._draw_soon()

    def _hear(self, handler: Callable[[Json], object], said: Json) -> None:
        """One thing that the worker said. What cannot be drawn is told, and a turn that is over is over all the same."""
        try:
            handler(said)
        except Exception as error:  # whatever it is: the run is done and kept, and the app must not wait for it for ever
            from modelwright.tui.widgets.cards import trouble

            message = f"this cannot be shown here ({type(error).__name__}: {one_line(str(error), 200)})"
            self._app.chat.add(trouble({"message": message, "fix": "the run is kept: F2 lists it"}))
            if "done" in said:
                self._over(well=False)

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
        if event["type"] in ("run.started", "run.resumed"):
            self.lies = None
        if event["type"] == "run.resumed" and event["run"] != app.view.run:
            app.view = self._as_it_was(event["run"])
        if event["type"] == "run.started" and app.view.run:  # wanted instead of the one before, in the same turn
            app.chat.settle()
            app.chat.new_turn()
            app.view = RunView()
        if event["type"] == "notice" and event["data"].get("dropped"):
            self._question_dropped(str(event["data"].get("instead", "")))
        if event["type"] == "notice" and app.view.edit_is_open:
            self._not_taken = event["data"]
        known = app.view.take(event)
        if event["type"] in ("policy.decision", "approval.given"):
            app.call_after_refresh(app.chat.plan_changed)
        if known and event["type"] in WORKS and app.turns.pending is None:
            app.stand("at work")
            app.chat.works()
        if event["type"] == "plan.proposed" and app.chat.plan_card is not None:
            app.chat.new_turn()  # planned anew: another card
        return known

    def _question_dropped(self, instead: str) -> None:
        """What was said to the question was no answer to it."""
        from modelwright.tui.widgets.cards import heard
        from modelwright.tui.widgets.question import QuestionCard

        for card in list(self._app.chat.query(QuestionCard))[-1:]:
            card.close()
        if instead:
            self._app.chat.add(heard(instead))

    def _as_it_was(self, run: str) -> RunView:
        """What happened in a run before it was resumed."""
        from modelwright.tui.follow import Follower

        view = RunView(run)
        follower = Follower(self._app.root, run)
        for event in follower.all_new():
            view.take(event)
        follower.close()
        return view

    # the session -----------------------------------------------------------------------------------------------------------

    def _told_ready(self, said: Json) -> None:
        from modelwright.tui.data import plan_view
        from modelwright.tui.widgets.cards import OfferCard

        app = self._app
        app.turns.ready, app.turns.busy, app.model = True, False, said["model"]
        app.policy = Path(said["policy"]) if said["policy"] else None
        self._watching.stop()
        self._show_what_was_missed()
        app.stand("ready")
        unfinished = said["unfinished"]
        self.lies = plan_view(app.root, unfinished["run"], moved=True) if unfinished else None
        if unfinished and not app.turns.anything_waits:
            app.chat.add(OfferCard(unfinished, self.lies))
            if unfinished["status"] == "waiting":  # asking again changes nothing
                return app.turns.say("go on", shown=False)
        return app.turns.next()

    def _told_held(self, said: Json) -> None:
        """Another process works on this session: its run is shown as it moves, and this one waits. Told each second."""
        from modelwright.tui.data import open_run

        app = self._app
        app.chat.stand(f"{said['held'].partition(' by ')[2] or 'another process'} works here")
        self._was_held = True
        run = open_run(app.root, app.session)
        if run and self._watching.run != run:
            self._watching.stop()
            self._take_away(run)
            app.chat.new_turn()
            self._watching.begin(run)

    def _take_away(self, run: str) -> None:
        """The line that said that the run is at work, now that it is shown itself."""
        from modelwright.agent.turn_ends import at_work

        for line in self._app.chat.query(".past").results(Plain):
            if str(line.content) == at_work(run):
                line.remove()

    def _show_what_was_missed(self) -> None:
        """The other process is done: what came of its last run is shown as if this one had done it."""
        from modelwright.tui.data import last_run
        from modelwright.tui.widgets.results import ResultCard

        app = self._app
        run = last_run(app.root, app.session) if self._was_held else None
        self._was_held = False
        if run:
            self._take_away(run)
        if run and all(card.result["run"] != run for card in app.chat.query(ResultCard)):
            app.show_result_of(run)

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
        turns.over(well=False)
        self._app.chat.settle()
        if was_ready:
            self._app.call_later(turns.restart)

    # a turn ----------------------------------------------------------------------------------------------------------------

    def _told_pending(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import trouble

        app, pending = self._app, said["pending"]
        app.turns.pending = pending
        app.stand("waits for you")
        app.show_run()
        app.chat.ask(pending, app.view, app.policy)
        if self._not_taken is not None:
            app.chat.add(trouble(self._not_taken))
            self._not_taken = None
        if words := pending.get("said"):
            self._not_a_change(**words)

    def _not_a_change(self, text: str, why: str, means: str) -> None:
        """What was said to the plan has changed nothing, and it waits as before."""
        from modelwright.tui.widgets.cards import Answer, trouble

        if means == "request":
            self._app.turns.not_for_plan(text)
        else:
            told = trouble({"message": why}) if means == "unclear" else Answer(YES if means == "yes" else why)
            self._app.chat.add(told)

    def _told_done(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import Answer
        from modelwright.tui.widgets.results import ResultCard, with_peaks

        app, done = self._app, said["done"]
        self._settle()
        if app.turns.stops_short(done["result"]):
            return self._over(well=False)
        if done["result"]:
            app.chat.add_result(ResultCard(with_peaks(done["result"], done.get("peaks") or {}), view=app.view))
        else:
            app.chat.add(Answer(done["answer"]))
        return self._over(well=_at_its_end(done["result"]))

    def _told_error(self, said: Json) -> None:
        from modelwright.tui.widgets.cards import trouble

        self._settle()
        self._app.chat.add(trouble(said["error"]))
        self._over(well=False)

    def _settle(self) -> None:
        """Draw the run as it ended before anything is put below it."""
        self._app.show_run()
        self._app.chat.settle()

    def _over(self, *, well: bool) -> None:
        app = self._app
        if app.turns.over(well=well) > BELL_AFTER_SECONDS:
            app.bell()
        app.stand("ready")
        app.turns.next()


def _at_its_end(result: Json | None) -> bool:
    """Also where a step did what it had to and the last check of it cannot say that it did."""
    if result is None or result["status"] != "unverified":
        return result is None or result["status"] not in NOT_TO_ITS_END
    return all(step["status"] != "pending" for step in result["steps"])
