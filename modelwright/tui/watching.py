"""The run of another process that works on this session, shown as it moves: its events are read from the trace. Changes nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.tui.state import RunView

if TYPE_CHECKING:
    from textual.timer import Timer

    from modelwright.tui.app import Modelwright
    from modelwright.tui.follow import Follower

FOLLOW_SECONDS, MEMORY_SECONDS = 0.3, 3.0


class Watching:
    def __init__(self, app: Modelwright) -> None:
        self._app = app
        self._follower: Follower | None = None
        self._timers: list[Timer] = []

    @property
    def run(self) -> str:
        """Whose; empty while none is watched."""
        return self._follower.run if self._follower else ""

    def begin(self, run: str) -> None:
        from modelwright.tui.follow import Follower

        app = self._app
        app.view, self._follower = RunView(run), Follower(app.root, run)
        self._follow()  # all that there is so far, so that the cards come filled
        self._timers = [app.set_interval(FOLLOW_SECONDS, self._follow), app.set_interval(MEMORY_SECONDS, self._look_at_memory)]

    def stop(self) -> None:
        for timer in self._timers:
            timer.stop()
        self._timers = []
        if self._follower is not None:
            self._follow()
            self._follower.close()
            self._follower = None

    def _follow(self) -> None:
        taken = [self._app.view.take(event) for event in self._follower.all_new()] if self._follower else []
        if any(taken):
            self._app.show_run()

    def _look_at_memory(self) -> None:
        if self._app.view.status == "running":
            self._app.run_worker(self._measure_memory, thread=True, exclusive=True, group="memory")

    def _measure_memory(self) -> None:
        """Of the other process's step, in a thread."""
        from modelwright.tui.data import memory_of
        from modelwright.tui.link import holder

        pid = holder(self._app.root, self._app.session)
        self._app.view.memory_in_use = memory_of(pid) if pid else None
