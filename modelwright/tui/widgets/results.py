"""What came out of a run: the outcome, comparisons with intervals, samples side by side with what differs marked, files to copy."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable

from modelwright.text import human_bytes, human_seconds, one_line, safe_text
from modelwright.tui.messages import Said
from modelwright.tui.texts import cell, lines, plain
from modelwright.tui.widgets.plain import Plain
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
VERDICTS = {"better": "▲ better", "worse": "▼ worse", "cannot tell": "≈ cannot tell"}
SIDE_BY_SIDE = 100
"""columns from which two answers stand beside each other"""


class ResultCard(Vertical, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "report", "open report"),
        Binding("c", "copy", "copy path"),
        Binding("g", "again", "do this again with…"),
        Binding("u", "go_on", "go on"),
        Binding("left_square_bracket", "sample(-1)", "last sample", show=False),
        Binding("right_square_bracket", "sample(1)", "next sample", show=False),
    ]

    def __init__(self, result: Json) -> None:
        super().__init__()
        self.result = result
        self._sample = 0
        self.pairs: list[Json] = [pair for step in self._steps("compare") for pair in step["result"].get("pairs") or []]
        self.samples: list[tuple[str, str, str, str]] = [s for step in result["steps"] for s in samples_of(step)]

    def _steps(self, tool: str) -> list[Json]:
        return [step for step in self.result["steps"] if step["tool"] == tool and step.get("result")]

    def compose(self) -> ComposeResult:
        result = self.result
        spent = result["spent"]
        used = f"{spent['steps']} steps, {human_seconds(spent['seconds'])}"
        yield Plain(f"{OUTCOMES.get(result['status'], result['status'])} · run {result['run']} · {used}", classes="title")
        yield Plain(self._summary(), classes="summary")
        if self.pairs:
            yield DataTable(cursor_type="none", id="pairs")
        if self.samples:
            yield Plain(classes="samples")
        yield Plain(self._files(), classes="files")

    def on_mount(self) -> None:
        if self.pairs:
            self._fill_pairs(self.query_one("#pairs", DataTable))
        self._show_sample()

    def on_resize(self, event: events.Resize) -> None:
        self._show_sample()

    def _summary(self) -> Content:
        rows: list[Any] = []
        for step in self.result["steps"]:
            if step.get("result"):
                rows.append(Content.assemble((f"{step['id']} {step['tool']}  ", "bold"), one_line(step["result"]["summary"], 400)))
        error = self.result.get("error")
        if error:
            rows.append((f"✗ {one_line(error['message'], 600)}", "$text-error"))
            rows += [f"  fix: {one_line(error['fix'], 400)}"] if error.get("fix") else []
        return lines(*rows) if rows else plain("no step ran", "$text-muted")

    def _fill_pairs(self, table: DataTable[Text]) -> None:
        for name in ("metric", "verdict", "difference", "95% interval", "b", "against a", "p", "n"):
            table.add_column(name)
        for pair in self.pairs:
            interval = "-" if pair["low"] is None else f"[{pair['low']:+.3f}, {pair['high']:+.3f}]"
            verdict = VERDICTS.get(pair["verdict"], str(pair["verdict"]))
            names = [cell(pair["metric"]), cell(str(pair["b"]), limit=24), cell(str(pair["a"]), limit=24)]
            numbers = [f"{pair['difference']:+.3f}", interval, f"{pair['p_value']:.4f}", str(pair["n"])]
            first, last = (cell(n, right=True) for n in numbers[:2]), (cell(n, right=True) for n in numbers[2:])
            table.add_row(names[0], cell(verdict, "bold"), *first, *names[1:], *last)

    # samples -----------------------------------------------------------------------------------------------------------

    def _show_sample(self) -> None:
        if not self.samples or not self.size.width:
            return
        prompt, a, b, names = self.samples[self._sample]
        head = f"Sample {self._sample + 1} of {len(self.samples)} · {names} · [ and ] turn the pages"
        before, after = marked(a, b)
        body = beside(before, after, self.size.width - 4) if self.size.width >= SIDE_BY_SIDE else lines("before:", before, "after:", after)
        self.query_one(".samples", Plain).say(lines((head, "bold"), (one_line(prompt, 400), "italic"), body))

    def action_sample(self, by: int) -> None:
        if self.samples:
            self._sample = (self._sample + by) % len(self.samples)
            self._show_sample()

    # files and next ------------------------------------------------------------------------------------------------------

    def paths(self) -> list[tuple[str, str]]:
        """(path, what it is)."""
        found: list[tuple[str, str]] = [
            (a["path"], f"{a['kind']}, {human_bytes(a['bytes'])}")
            for step in self.result["steps"]
            for a in (step.get("result") or {}).get("artifacts", [])
        ]
        report: str | None = self.result.get("report")
        return [*found, *([(report, "report")] if report else [])]

    def _files(self) -> Content:
        return (
            lines(*(Content.assemble((f"{what}  ", "$text-muted"), safe_text(path)) for path, what in self.paths()))
            if self.paths()
            else plain("")
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "report":
            return bool(self.result.get("report"))
        if action == "copy":
            return bool(self.paths())
        if action == "go_on":
            return self.result["status"] in ("interrupted", "failed", "waiting", "running")
        return True

    def action_report(self) -> None:
        self.app.open_url(Path(self.result["report"]).as_uri())
        self.app.notify(f"opened {self.result['report']}", markup=False)

    def action_copy(self) -> None:
        from modelwright.tui.screens.ask import Choose

        def chosen(path: str | None) -> None:
            if path:
                self.app.copy_to_clipboard(path)
                self.app.notify(f"copied {path}", markup=False)

        self.app.push_screen(Choose("Which path?", self.paths()), chosen)

    def action_again(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        def told(text: str | None) -> None:
            if text is not None:
                self.post_message(Said(f"again with {text}" if text.strip() else "again"))

        self.app.push_screen(AskLine("Do this again with… (for example: rank 32, 2 epochs)"), told)

    def action_go_on(self) -> None:
        self.post_message(Said("go on"))


def samples_of(step: Json) -> list[tuple[str, str, str, str]]:
    """(prompt, before, after, their names) of a comparison's or a training's samples."""
    found = (step.get("result") or {}).get("samples") or []
    made = []
    for sample in found if isinstance(found, list) else []:
        answers = sample.get("answers")
        if isinstance(answers, dict) and len(answers) > 1:
            first, *_, last = answers
            made.append(
                (str(sample.get("prompt", "")), str(answers[first]), str(answers[last]), f"{first} and {last} · {sample.get('why', '')}")
            )
        elif "before" in sample and "after" in sample:
            made.append((str(sample.get("prompt", "")), str(sample["before"]), str(sample["after"]), f"{step['tool']}: before and after"))
    return made


def marked(before: str, after: str) -> tuple[Content, Content]:
    """Two texts with the words that only one of them has between ‹ ›, and underlined."""
    a, b = safe_text(before).split(), safe_text(after).split()
    left: list[Content] = []
    right: list[Content] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        for made, words in ((left, a[a0:a1]), (right, b[b0:b1])):
            if words:
                text = " ".join(words)
                made.append(plain(text) if kind == "equal" else plain(f"‹{text}›", "underline"))
    return Content(" ").join(left), Content(" ").join(right)


def beside(left: Content, right: Content, width: int) -> Content:
    """Two texts in two columns."""
    half = max(20, (width - 3) // 2)
    rows_left, rows_right = list(left.wrap(half)), list(right.wrap(half))
    count = max(len(rows_left), len(rows_right))
    blank = Content("")
    rows = []
    for i in range(count):
        a = rows_left[i] if i < len(rows_left) else blank
        b = rows_right[i] if i < len(rows_right) else blank
        rows.append(Content.assemble(a.rstrip(), " " * max(0, half - a.rstrip().cell_length), " │ ", b.rstrip()))
    head = Content.assemble(("before".ljust(half), "$text-muted"), " │ ", ("after", "$text-muted"))
    return Content("\n").join([head, *rows])
