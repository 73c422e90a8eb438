"""A run as it moves: each step with its state, progress, time to go, speed and memory; curves below, drawn as they grow."""

from __future__ import annotations

import time

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from modelwright.text import human_bytes, human_seconds, one_line
from modelwright.tui.state import CUT, DONE, FAILED, RUNNING, SIGNS, UNVERIFIED, RunView, StepView
from modelwright.tui.texts import bar, plain
from modelwright.tui.widgets.chart import Chart
from modelwright.tui.widgets.plain import Plain

STYLES = {
    RUNNING: "bold $text-accent",
    DONE: "$text-success",
    FAILED: "bold $text-error",
    UNVERIFIED: "bold $text-warning",
    CUT: "$text-warning",
}
FIRST = ("loss", "eval_loss", "tokens_per_second")
"""Curves in the order in which a person looks at them."""


class LiveCard(Vertical):
    def __init__(self, view: RunView, *, charts: int = 1) -> None:
        super().__init__()
        self.view, self._most = view, charts
        self._memory: int | None = None
        self._drawn = -1

    def compose(self) -> ComposeResult:
        yield Plain("Run", classes="title")
        yield Plain(classes="steps")
        for _ in range(self._most):
            yield Chart()

    def on_mount(self) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    def set_memory(self, used: int | None) -> None:
        self._memory = used

    def show(self) -> None:
        """Draw what is known now; cheap when nothing changed but the clock."""
        if not self.is_mounted or not self.size.width:
            return
        now, view = time.time(), self.view
        left = view.left(now)
        to_go = f" · {human_seconds(left)} to go" if left is not None and view.status == "running" else ""
        memory = f" · {human_bytes(self._memory)} in use" if self._memory and view.status == "running" else ""
        self.query_one(".title", Plain).say(f"Run {view.run} · {view.status}{to_go}{memory}")
        rows = [row for step in view.steps.values() for row in self._rows(step, now)]
        self.query_one(".steps", Plain).say(Content("\n").join(rows) if rows else plain("thinking of a plan…", "$text-muted"))
        if view.changed != self._drawn:
            self._drawn = view.changed
            self._draw_charts()

    def _rows(self, step: StepView, now: float) -> list[Content]:
        sign = SIGNS.get(step.status, "?")
        head = Content.assemble((f"{sign} {step.id} {step.tool:<16} {step.status:<10}", STYLES.get(step.status, "$text-muted")))
        if step.status == RUNNING:
            return [Content.assemble(head, "\n", plain("    " + self._moving(step, now)))]
        if step.status in (DONE, UNVERIFIED):
            passed = sum(bool(c["passed"]) for c in step.checks)
            checks = f" · {passed} of {len(step.checks)} checks" if step.checks else ""
            peak = f" · {human_bytes(step.peak_memory_bytes)}" if step.peak_memory_bytes else ""
            took = f"{human_seconds(step.seconds)}{peak}{checks}"
            failed = [plain(f"    ✗ {c['name']}: {one_line(c['detail'], 300)}", "$text-error") for c in step.checks if not c["passed"]]
            return [Content.assemble(head, plain(took, "$text-muted")), plain(f"    {one_line(step.summary, 300)}"), *failed]
        if step.error:
            fix = f" · {one_line(step.error['fix'], 200)}" if step.error.get("fix") else ""
            return [head, plain(f"    {one_line(step.error['message'], 400)}{fix}", "$text-error")]
        return [head]

    def _moving(self, step: StepView, now: float) -> str:
        parts = []
        if step.share is not None:
            parts.append(f"{bar(step.share, 20 if self.size.width > 100 else 10)} {step.at}/{step.of}")
        left = step.left(now)
        parts += [f"{human_seconds(left)} to go"] if left is not None else []
        parts += [f"{human_seconds(max(0.0, now - step.started))} so far"]
        parts += [f"{step.tokens_per_second:.0f} tokens/s"] if step.tokens_per_second else []
        return "  ".join([*parts, one_line(step.message, 80)])

    def _draw_charts(self) -> None:
        step = self.view.current() or next((s for s in reversed(self.view.steps.values()) if s.series), None)
        found = dict(sorted(step.series.items(), key=lambda item: FIRST.index(item[0]) if item[0] in FIRST else 9)) if step else {}
        shown = [(name, series.points) for name, series in found.items() if len(series.points) > 1]
        for chart, curve in zip(self.query(Chart), [*shown, *[None] * self._most], strict=False):
            chart.display = curve is not None
            if curve:
                chart.draw(curve[0].replace("_", " "), curve[1])
