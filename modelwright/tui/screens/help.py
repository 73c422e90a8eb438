"""Every key and command on one page, made from what the app really binds."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from modelwright.tui.commands import COMMANDS
from modelwright.tui.texts import lines, under
from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.plain import Plain

COMPOSER = (
    ("Enter", "send"),
    ("Ctrl+J", "new line"),
    ("Up, Down", "what was said before"),
    ("@", "complete the name of a file; Tab or Enter on a folder goes on inside it"),
    ("/", "complete a command"),
    ("Tab", "take the completion; on an empty line go to the newest card"),
    ("Ctrl+G", "go to what is asked or the last result, and back; Escape goes back too"),
    ("PageUp", "earlier in the conversation; PageDown goes later"),
    ("Ctrl+P", "all commands"),
)
ANY_SCREEN = (
    ("escape", "clear the filter; back"),
    ("/", "filter or search"),
    ("F6", "read again"),
)
EDGES = 6
"""columns beside the page, with the scrollbar"""
EXAMPLES = (
    "what is in examples/tone/train.jsonl?",
    "fine-tune the built-in model on train.jsonl and compare it with the original on eval.jsonl",
    "now quantize it",
    "again with rank 32",
    "why?",
)


class HelpScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "back")]

    def __init__(self, root: Path) -> None:
        super().__init__()

    def compose(self) -> ComposeResult:
        yield Plain(" Help", id="head")
        with VerticalScroll():
            yield Plain(id="page")
        yield Keys(compact=True)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        self.query_one("#page", Plain).say(_page(self.size.width - EDGES))


def _page(width: int) -> Content:
    made: list[Content | str | tuple[str, str]] = [("Say what you want, for example", "bold")]
    made += [under("  ", text, width) for text in EXAMPLES]
    made += ["", ("Commands", "bold"), *(under(f"  {c.name:<11}{c.key:<9}", c.what, width) for c in COMMANDS)]
    made += ["", ("Where one writes", "bold"), *(under(f"  {key:<12}", what, width) for key, what in COMPOSER)]
    for name, kind in _with_keys():
        keys = [under(f"  {_key(b.key):<12}", b.description, width) for b in kind.BINDINGS if isinstance(b, Binding) and b.key != "escape"]
        made += ["", (name, "bold"), *keys]
    made += ["", ("Any other screen", "bold"), *(under(f"  {key:<12}", what, width) for key, what in ANY_SCREEN)]
    made += ["", under("", "A screen reader reads `modelwright chat --plain` better: lines, no drawing.", width)]
    return lines(*made)


def _with_keys() -> list[tuple[str, type[DOMNode]]]:
    """Everything that has keys of its own."""
    from modelwright.tui.screens import memory, models, policy, run, runs, sessions, step_form, text, tools, trace
    from modelwright.tui.widgets import cards, plan_card, results

    return [
        ("A plan", plan_card.PlanCard),
        ("A form", step_form.StepForm),
        ("A spent budget", cards.BudgetCard),
        ("A run that was left", cards.OfferCard),
        ("A result", results.ResultCard),
        ("Live run", run.RunScreen),
        ("Runs", runs.RunsScreen),
        ("A trace", trace.TraceScreen),
        ("Text", text.TextScreen),
        ("Tools", tools.ToolsScreen),
        ("Memory", memory.MemoryScreen),
        ("Policy", policy.PolicyScreen),
        ("Models", models.ModelsScreen),
        ("Sessions", sessions.SessionsScreen),
    ]


def _key(key: str) -> str:
    names = {"equals_sign": "=", "slash": "/", "plus": "+", "left_square_bracket": "[", "right_square_bracket": "]"}
    return ", ".join(names.get(part, part) for part in key.split(","))
