"""A run as it moves: each step with its state, progress, time to go, speed and memory; curves below, drawn as they grow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from modelwright.text import human_bytes, human_seconds, one_line
from modelwright.tui import clock
from modelwright.tui.at_hand import at_hand
from modelwright.tui.state import RunView
from modelwright.tui.steps import CUT, DONE, FAILED, PLANNING, RUNNING, SIGNS, UNVERIFIED, StepView
from modelwright.tui.texts import MUTED, bar, plain
from modelwright.tui.widgets.chart import Chart
from modelwright.tui.widgets.plain import Plain

STYLES = {
    RUNNING: "bold $text-accent",
    DONE: "$text-success",
    FAILED: "bold $text-error",
    UNVERIFIED: "bold $text-warning",
    CUT: "$text-warning",
}
SIDE_BY_SIDE = 100
"""columns from which two curves stand beside each other"""
EDGES = 6
"""columns beside a card"""
INDENTED = 4
"""columns before what is told of a step"""
SHORTEST_MESSAGE = 12
"""characters below which a message is left out"""
FIRST = ("loss", "eval_loss", "tokens_per_second")
"""Curves in the order in which a person looks at them."""


COUNTS = ("chunks",)
"""What a step counts of each thing that it goes through; in their order these make no curve."""


class LiveCard(Vertical):
    def __init__(self, view: RunView, *, charts: int = 1) -> None:
        super().__init__()
        self.view, self._most = view, charts
        self._drawn = -1
        self._turned = 0
        """How many curves are passed over, so that each can be seen."""

    def compose(self) -> ComposeResult:
        """As filled as it can be: on a busy machine seconds pass until it is drawn again."""
        yield Plain(self._title(), classes="title")
        yield Plain(self._steps(), classes="steps")
        charts = [Chart() for _ in range(self._most)]
        self._draw_on(charts)
        yield Horizontal(*charts, classes="charts")

    def on_mount(self) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    def turn(self) -> bool:
        """Show the next curve first. False when there is no other."""
        self._turned += 1
        self._draw_charts()
        return len(self._curves()) > 1

    def show(self) -> None:
        """Draw what is known now; cheap when nothing changed but the clock."""
        if not self.is_mounted or not self.size.width:
            return
        self.query_one(".title", Plain).say(self._title())
        self.query_one(".steps", Plain).say(self._steps())
        if self.view.changed != self._drawn:
            self._drawn = self.view.changed
            self._draw_charts()

    @property
    def _width(self) -> int:
        """Columns; before it has any, about those that it will get."""
        return self.size.width or self.app.size.width - EDGES

    def _title(self) -> str:
        view, now = self.view, clock.now()
        if not view.run:
            return "No run is at work"
        left = view.left(now) if view.status == RUNNING else None
        at_least = "at least " if view.is_late(now) else ""
        to_go = f" · {at_least}{human_seconds(left)} to go" if left is not None else ""
        return f"Run {view.run} · {view.status}{to_go}"

    def _steps(self) -> Content:
        now, view = clock.now(), self.view
        rows = [row for step in view.steps.values() for row in self._rows(step, now)]
        if rows:
            return Content("\n").join(rows)
        if not view.run:
            return plain("what you say in the conversation is shown here as it moves; F2 lists past runs", MUTED)
        return plain("thinking of a plan…" if view.status == PLANNING else view.reason or "no step ran", MUTED)

    def _rows(self, step: StepView, now: float) -> list[Content]:
        sign = SIGNS.get(step.status, "?")
        head = Content.assemble((f"{sign} {step.id} {step.tool:<16} {step.status:<9} ", STYLES.get(step.status, MUTED)))
        if step.status == RUNNING:
            below = [plain(f"    {told}", MUTED) for told in (step.begun_anew, self._memory(step)) if told]
            return [Content.assemble(head, "\n", plain("    " + self._moving(step, now))), *below]
        if step.status in (DONE, UNVERIFIED):
            passed = sum(bool(c["passed"]) for c in step.checks)
            checks = f" · {passed} of {len(step.checks)} checks" if step.checks else ""
            took = f"{human_seconds(step.seconds)}{self._peak(step)}{checks}"
            failed = [plain(f"    ✗ {c['name']}: {one_line(c['detail'], 300)}", "$text-error") for c in step.checks if not c["passed"]]
            return [Content.assemble(head, plain(took, MUTED)), plain(f"    {one_line(step.summary, 300)}"), *failed]
        if step.error:
            fix = f" · {one_line(at_hand(step.error['fix']), 200)}" if step.error.get("fix") else ""
            return [head, plain(f"    {one_line(step.error['message'], 400)}{fix}", "$text-error")]
        return [head]

    def _memory(self, step: StepView) -> str:
        """Of the step's own processes: what they hold now, beside the peak that was predicted in the plan."""
        now, most = self.view.memory_in_use, step.predicted_memory_bytes
        parts = [f"{human_bytes(now)} in use" if now else "", f"a peak of {human_bytes(most)} predicted" if most else ""]
        return f"memory: {', '.join(filter(None, parts))}" if any(parts) else ""

    def _peak(self, step: StepView) -> str:
        if not step.peak_memory_bytes:
            return ""
        predicted = step.predicted_memory_bytes if self._width >= SIDE_BY_SIDE else None
        beside = f" ({human_bytes(predicted)} predicted)" if predicted else ""
        return f" · peak {human_bytes(step.peak_memory_bytes)}{beside}"

    def _moving(self, step: StepView, now: float) -> str:
        parts = []
        if step.share is not None:
            parts.append(f"{bar(step.share, 20 if self._width > SIDE_BY_SIDE else 10)} {step.at}/{step.of}")
        left = step.left(now)
        parts += [_to_go(left)] if left is not None else []
        parts += [f"{human_seconds(max(0.0, now - step.started))} so far"]
        parts += [f"{step.tokens_per_second:.0f} tokens/s"] if step.tokens_per_second else []
        rows = _side_by_side(parts, self._width - INDENTED - EDGES)
        room = self._width - len(rows[-1]) - 2 * EDGES
        told = [one_line(step.message, room)] if step.message and room > SHORTEST_MESSAGE else []
        return "\n    ".join([*rows[:-1], "  ".join([rows[-1], *told])])

    def _draw_charts(self) -> None:
        self._draw_on(self.query(Chart))

    def _draw_on(self, charts: Iterable[Chart]) -> None:
        curves = self._curves()
        at = self._turned % len(curves) if curves else 0
        room = self._most if self._width >= SIDE_BY_SIDE else 1
        shown = [*curves[at:], *curves[:at]][:room]
        for chart, curve in zip(charts, [*shown, *[None] * self._most], strict=False):
            chart.display = curve is not None
            if curve:
                chart.draw(curve[0].replace("_", " "), curve[1])

    def _curves(self) -> list[tuple[str, list[tuple[float, float]]]]:
        """The series of the step that runs, or of the last one that had any; those that a person looks at first come first."""
        step = self.view.current() or next((s for s in reversed(self.view.steps.values()) if s.series), None)
        level = self._most > 1  # where there is room for several, one that stays level tells that
        series = step.series.items() if step else ()
        found = [(name, one.points) for name, one in series if worth_drawing(name, one.points, level=level)]
        return sorted(found, key=lambda curve: FIRST.index(curve[0]) if curve[0] in FIRST else len(FIRST))


def worth_drawing(name: str, points: Sequence[tuple[float, float]], *, level: bool = False) -> bool:
    """Whether a curve tells more than its last value: not one point, not a level line unless those are wanted, not the pieces of one file
    after the other."""
    return name not in COUNTS and len(points if level else {value for _, value in points}) > 1


def _side_by_side(parts: list[str], width: int) -> list[str]:
    """Rows of whole parts."""
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + 2 + len(part) <= width:
            rows[-1] += f"  {part}"
        else:
            rows.append(part)
    return rows


def _to_go(left: float) -> str:
    """Seconds that are left; what is late says by how much."""
    if abs(left) < 1:
        return "about to end"
    return f"{human_seconds(left)} to go" if left > 0 else f"longer than predicted, by {human_seconds(-left)}"
