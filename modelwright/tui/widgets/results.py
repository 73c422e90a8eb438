"""What came out of a run: the outcome, each step, comparisons with intervals, samples side by side, curves, files to copy, what to do next.

It takes the place of the part that moved while the run was at work (live.py), so that nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from modelwright.text import counted, human_bytes, human_seconds, one_line, safe_text
from modelwright.tui.at_hand import at_hand
from modelwright.tui.messages import Said
from modelwright.tui.state import RunView
from modelwright.tui.steps import CUT, PENDING, SIGNS, StepView
from modelwright.tui.texts import MUTED, lines, plain
from modelwright.tui.widgets.chart import Chart
from modelwright.tui.widgets.live import FIRST, STYLES, worth_drawing
from modelwright.tui.widgets.pairs import Pairs
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.samples import Samples, samples_of

if TYPE_CHECKING:
    from modelwright.types import Json

Curve = tuple[str, list[tuple[float, float]]]
OUTCOMES = {
    "done": "✓ done and verified",
    "unverified": "! ran, but is not verified",
    "failed": "✗ failed",
    "denied": "✗ stopped: not allowed",
    "nothing": "· nothing was done",
    "interrupted": "‖ stopped; it can go on",
    "waiting": "? waits for you",
}
NOTHING, WAITING = "nothing", "waiting"
REJECTED = "· rejected by you"
"""A no is an answer, and nothing that went wrong."""
CANCELLED = "· cancelled by you"
LEFT = "· left without an answer"
DROPPED, STILL_OPEN = "the question is dropped; it", "nothing was done; the question"
"""How the agent says that nobody answers its question now, and how that reads beside "left"."""
ENDED_FOR_GOOD = 'it cannot go on; Ctrl+G and g, or saying "again", runs its plan as a new run, which reuses what is done'
CAN_GO_ON = ("interrupted", "failed", "waiting")


class ResultCard(Vertical, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "report", "open report"),
        Binding("c", "copy", "copy path"),
        Binding("g", "again", "do this again with…"),
        Binding("u", "go_on", "go on"),
        Binding("left_square_bracket", "sample(-1)", "sample before", show=False),
        Binding("right_square_bracket", "sample(1)", "next sample", show=False),
    ]

    class Sized(Message):
        """It has another size: samples and curves have found out theirs."""

        def __init__(self, card: ResultCard) -> None:
            super().__init__()
            self.card = card

    def __init__(self, result: Json, *, curves: bool = False, view: RunView | None = None) -> None:
        """`curves` draws the losses too; `view` is the run as it moved, whose curves are drawn where a step's result holds no losses."""
        super().__init__()
        self.result = result
        steps = [step for step in result["steps"] if step.get("result")]
        self.pairs: list[Json] = [pair for step in steps for pair in _read(lambda s: s["result"].get("pairs") or [], step)]
        self.samples = [sample for step in steps for sample in _read(samples_of, step)]
        seen = view.steps if view is not None and view.run == result["run"] else {}
        self._cut = [step for step in seen.values() if step.status == CUT]
        drawn = steps if curves or view is not None else []
        self._curves = [curve for step in drawn for curve in _read(lambda s: _curves(s, seen.get(s["id"])), step)]

    @property
    def ran(self) -> bool:
        """Whether any step did: else there is nothing to report and nothing to do again."""
        return any(step["status"] != "pending" for step in self.result["steps"])

    def compose(self) -> ComposeResult:
        yield Plain(self._title(), classes="title")
        yield Plain(self._nothing_done() if self.result["status"] == NOTHING else self._summary(), classes="summary")
        if self.pairs:
            pairs = Pairs(self.pairs)
            yield Plain(f"{pairs.names or 'b against a'}, row by row; above zero is better", classes="caption")
            yield pairs
        if self.samples:
            yield Samples(self.samples)
        for name, points in self._curves:
            if not worth_drawing(name.rpartition(": ")[2], points):
                continue
            chart = Chart()
            chart.draw(name, points, ended=True)
            yield chart
        if self.paths():
            yield Plain(self._files(), classes="files")

    def on_resize(self) -> None:
        self.post_message(self.Sized(self))

    def _title(self) -> str:
        result, spent = self.result, self.result["spent"]
        outcome = (
            CANCELLED
            if self._is_cancelled
            else LEFT
            if self._is_left
            else REJECTED
            if self._is_rejected
            else str(OUTCOMES.get(result["status"], result["status"]))
        )
        if result["status"] == NOTHING:
            return outcome + (f": {one_line(result['error']['message'], 300)}" if result.get("error") else "")
        ran = sum(step["status"] != PENDING for step in result["steps"]) or len(self._cut)
        seconds = max(spent["seconds"], sum(step.seconds for step in self._cut))
        return f"{outcome} · run {result['run']} · {counted(ran, 'step')}, {human_seconds(seconds)}"

    def _nothing_done(self) -> Content:
        """What comes nearest to what was asked, and where all of it is listed."""
        from modelwright.agent.ending import nearest

        near = nearest((self.result.get("plan") or {}).get("choices") or [])
        return lines(*([f"  {near}"] if near else []), "  all tools: F4 or /tools")

    @property
    def _is_rejected(self) -> bool:
        from modelwright.agent.ending import is_rejection

        return is_rejection(self.result.get("error"))

    @property
    def _is_left(self) -> bool:
        """Whether it asked, and the question was not wanted."""
        return self._is_rejected and str(self.result["error"]["message"]).startswith(DROPPED)

    @property
    def _is_cancelled(self) -> bool:
        from modelwright.agent.ending import is_cancelled

        return is_cancelled(self.result.get("error"))

    def _summary(self) -> Content:
        rows: list[Any] = [row for step in self.result["steps"] for row in _rows(step)] if self.ran else []
        rows += [
            plain(f"{SIGNS[CUT]} {step.id} {step.tool:<16} cut after {human_seconds(step.seconds)}{_reached(step)}") for step in self._cut
        ]
        error = self.result.get("error")
        if error and self._is_rejected:
            said = str(error["message"]).replace(DROPPED, STILL_OPEN)
            rows.append(ENDED_FOR_GOOD if self._is_cancelled else one_line(at_hand(said), 600))
        elif error:
            rows.append((f"✗ {one_line(error['message'], 600)}", "$text-error"))
            rows += [f"  fix: {one_line(at_hand(error['fix']), 400)}"] if error.get("fix") else []
        return lines(*rows) if rows else plain("no step ran", MUTED)

    # files and next ------------------------------------------------------------------------------------------------------

    def paths(self) -> list[tuple[str, str]]:
        """(path, what it is)."""
        found: list[tuple[str, str]] = [
            (a["path"], f"{a['kind']}, {human_bytes(a['bytes'])}")
            for step in self.result["steps"]
            for a in (step.get("result") or {}).get("artifacts", [])
        ]
        return [*found, *([(self.report, "report")] if self.report else [])]

    @property
    def report(self) -> str:
        """Its path, when there is something to report."""
        return self.result.get("report") or "" if self.ran else ""

    def _files(self) -> Content:
        """What the run left; a path inside this folder as one would type it here."""
        return lines(*(Content.assemble((f"{what}  ", MUTED), safe_text(_typed_here(path))) for path, what in self.paths()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        possible: dict[str, bool] = {
            "report": bool(self.report),
            "copy": bool(self.paths()),
            "again": self.result["status"] != NOTHING,
            "go_on": self.result["status"] in CAN_GO_ON,
            "sample": len(self.samples) > 1,
        }
        return possible.get(action, True)

    def action_sample(self, by: int) -> None:
        if self.samples:
            self.query_one(Samples).turn(by)

    def action_report(self) -> None:
        from modelwright.tui.browser import open_file

        open_file(self.app, Path(self.report))

    def action_copy(self) -> None:
        from modelwright.tui.screens.ask import Choose

        def chosen(path: str | None) -> None:
            if path:
                self.app.copy_to_clipboard(path)
                self.app.notify(f"copied {path}", markup=False)

        self.app.push_screen(Choose("Which path?", self.paths()), chosen)

    async def action_again(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def told(text: str | None) -> None:
            if text is not None:
                self.post_message(Said(f"again with {text}" if text.strip() else "again"))

        self.app.push_screen(AskLine("Do this again with… (for example: rank 32, 2 epochs)"), told)

    async def action_go_on(self) -> None:
        self.post_message(Said("go on"))


def _rows(step: Json) -> Iterator[Content]:
    """A step: how it ended, what it took, its summary, and what was not verified of it."""
    state = f"{SIGNS.get(step['status'], SIGNS[PENDING])} {step['id']} {step['tool']:<16} {step['status']:<9} "
    yield Content.assemble((state, STYLES.get(step["status"], MUTED)), plain(_took(step), MUTED))
    if step.get("result"):
        yield plain(f"    {one_line(step['result']['summary'], 400)}")
    for check in step.get("checks") or []:
        if not check["passed"]:
            yield plain(f"    ✗ {check['name']}: {one_line(check['detail'], 300)}", "$text-error")


def _reached(step: StepView) -> str:
    """How far it came."""
    return f", at {step.at} of {step.of}" if step.at and step.of else ""


def _took(step: Json) -> str:
    checks, peak = step.get("checks") or [], step.get("peak_memory_bytes")
    parts = [
        "reused" if step.get("reused") else human_seconds(step["seconds"]) if step.get("seconds") else "",
        f"peak {human_bytes(peak)}" if peak else "",
        f"{sum(bool(check['passed']) for check in checks)} of {counted(len(checks), 'check')}" if checks else "",
    ]
    return " · ".join(filter(None, parts))


def _read(read: Callable[[Json], Sequence[Any]], step: Json) -> Sequence[Any]:
    """What of a step is drawn. A tool may call something else by the same name, and a result that cannot be drawn is still told."""
    try:
        return list(read(step))
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _curves(step: Json, moved: StepView | None) -> list[Curve]:
    """Of one step: its losses, else what a person looks at first of what it told as it moved."""
    losses = step["result"].get("losses") or []  # of an index: what each document lost
    if len(losses) > 1 and all(isinstance(loss, (int, float)) for loss in losses):
        return [(f"{step['tool']}: loss", [(float(at), float(loss)) for at, loss in enumerate(losses, 1)])]
    told = {name: series.points for name, series in moved.series.items() if len(series.points) > 1} if moved else {}
    name = next((name for name in (*FIRST, *told) if name in told), None)
    return [(f"{step['tool']}: {name.replace('_', ' ')}", told[name])] if name else []


def with_peaks(result: Json, peaks: Json) -> Json:
    """The result of a run with the most memory that each step held, bytes."""
    return {**result, "steps": [{**step, "peak_memory_bytes": peaks.get(step["id"])} for step in result["steps"]]}


def _typed_here(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
