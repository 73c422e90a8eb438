"""What came out of a run: the outcome, comparisons with intervals, samples side by side, curves, files to copy, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from modelwright.text import counted, human_bytes, human_seconds, one_line, safe_text
from modelwright.tui.messages import Said
from modelwright.tui.texts import MUTED, lines, plain
from modelwright.tui.widgets.chart import Chart
from modelwright.tui.widgets.pairs import Pairs
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.samples import Samples, samples_of
from modelwright.types import Json

OUTCOMES = {
    "done": "✓ done and verified",
    "unverified": "! ran, but is not verified",
    "failed": "✗ failed",
    "denied": "✗ stopped: not allowed",
    "nothing": "· nothing was done",
    "interrupted": "‖ stopped; it can go on",
    "waiting": "? waits for you",
}
NOTHING = "nothing"
CAN_GO_ON = ("interrupted", "failed", "waiting", "running")


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

    def __init__(self, result: Json, *, curves: bool = False) -> None:
        """`curves` draws the losses too, where no live run stands above that did."""
        super().__init__()
        self.result = result
        steps = [step for step in result["steps"] if step.get("result")]
        self.pairs: list[Json] = [pair for step in steps for pair in step["result"].get("pairs") or []]
        self.samples = [sample for step in steps for sample in samples_of(step)]
        found = [(step["tool"], step["result"].get("losses")) for step in steps] if curves else []
        self._curves = [(f"{tool}: loss", list(enumerate(map(float, losses), 1))) for tool, losses in found if losses and len(losses) > 1]

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
            chart = Chart()
            chart.draw(name, points)
            yield chart
        if self.paths():
            yield Plain(self._files(), classes="files")

    def on_resize(self) -> None:
        self.post_message(self.Sized(self))

    def _title(self) -> str:
        result, spent = self.result, self.result["spent"]
        outcome = str(OUTCOMES.get(result["status"], result["status"]))
        if result["status"] == NOTHING:
            return outcome + (f": {one_line(result['error']['message'], 300)}" if result.get("error") else "")
        return f"{outcome} · run {result['run']} · {counted(spent['steps'], 'step')}, {human_seconds(spent['seconds'])}"

    def _nothing_done(self) -> Content:
        """What comes nearest to what was asked, and where all of it is listed."""
        from modelwright.agent.ending import nearest

        near = nearest((self.result.get("plan") or {}).get("choices") or [])
        return lines(*([f"  {near}"] if near else []), "  all tools: F4 or /tools")

    def _summary(self) -> Content:
        rows: list[Any] = []
        for step in self.result["steps"]:
            if step.get("result"):
                rows.append(Content.assemble((f"{step['id']} {step['tool']}  ", "bold"), one_line(step["result"]["summary"], 400)))
        error = self.result.get("error")
        if error:
            rows.append((f"✗ {one_line(error['message'], 600)}", "$text-error"))
            rows += [f"  fix: {one_line(error['fix'], 400)}"] if error.get("fix") else []
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


def _typed_here(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
