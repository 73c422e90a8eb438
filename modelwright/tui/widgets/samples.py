"""Answers before and after, side by side, with the words that only one of them has between ‹ ›."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from textual import events
from textual.content import Content

from modelwright.text import one_line, safe_text
from modelwright.tui.texts import lines, plain
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from modelwright.types import Json

SIDE_BY_SIDE = 100
"""columns from which two answers stand beside each other"""
EDGES = 6
"""columns beside a card"""


class Sample(NamedTuple):
    prompt: str
    before: str
    after: str
    what: str
    """Whose answers they are, and why this one is shown."""


class Samples(Plain):
    """One sample at a time; `turn` goes to another."""

    def __init__(self, samples: list[Sample]) -> None:
        super().__init__(classes="samples")
        self._samples, self._at = samples, 0

    def on_mount(self) -> None:
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        self._show()

    def turn(self, by: int) -> None:
        self._at = (self._at + by) % len(self._samples)
        self._show()

    def _show(self) -> None:
        width = self.content_size.width or self.app.size.width - EDGES  # before it has any, about those that it will get
        sample = self._samples[self._at]
        head = f"Sample {self._at + 1} of {len(self._samples)} · {sample.what}" + (" · [ and ] turn" if len(self._samples) > 1 else "")
        before, after = marked(sample.before, sample.after)
        body = beside(before, after, width) if width >= SIDE_BY_SIDE else lines(("before:", "bold"), before, ("after:", "bold"), after)
        self.say(lines((head, "bold"), (f"“{one_line(sample.prompt, 400)}”", "italic"), body))


def samples_of(step: Json) -> list[Sample]:
    """Those of a comparison's or a training's result."""
    found = (step.get("result") or {}).get("samples") or []
    made = []
    for sample in found if isinstance(found, list) else []:
        answers = sample.get("answers")
        if isinstance(answers, dict) and len(answers) > 1:
            first, *_, last = answers
            what = f"{first} and {last} · {sample.get('why', '')}"
            made.append(Sample(str(sample.get("prompt", "")), str(answers[first]), str(answers[last]), what))
        elif "before" in sample and "after" in sample:
            made.append(
                Sample(str(sample.get("prompt", "")), str(sample["before"]), str(sample["after"]), f"{step['tool']}: before and after")
            )
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
    blank = Content("")
    rows = [Content.assemble((f"{'before':<{half}} │ after", "bold"))]
    for i in range(max(len(rows_left), len(rows_right))):
        a = rows_left[i].rstrip() if i < len(rows_left) else blank
        b = rows_right[i].rstrip() if i < len(rows_right) else blank
        rows.append(Content.assemble(a, " " * max(0, half - a.cell_length), " │ ", b))
    return Content("\n").join(rows)
