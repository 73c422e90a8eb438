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
from textual.widgets import Footer

from modelwright.tui.commands import COMMANDS
from modelwright.tui.texts import lines
from modelwright.tui.widgets.plain import Plain

COMPOSER = (
    ("Enter", "send"),
    ("Ctrl+J", "new line"),
    ("Up, Down", "what was said before"),
    ("@", "complete the name of a file"),
    ("/", "complete a command"),
    ("Tab", "take the completion; else go to the next part of the screen"),
    ("Ctrl+P", "all commands"),
)
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
            yield Plain(_page())
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def _page() -> Content:
    made: list[Content | str | tuple[str, str]] = [("Say what you want, for example", "bold"), *(f"  {text}" for text in EXAMPLES)]
    made += ["", ("Commands", "bold"), *(f"  {c.name:<11}{c.key:<9}{c.what}" for c in COMMANDS)]
    made += ["", ("Where one writes", "bold"), *(f"  {key:<12}{what}" for key, what in COMPOSER)]
    for name, kind in _with_keys():
        keys = [f"  {_key(b.key):<12}{b.description}" for b in kind.BINDINGS if isinstance(b, Binding) and b.key != "escape"]
        made += ["", (name, "bold"), *keys]
    made += ["", ("Any other screen", "bold"), "  escape      back", "  /           filter or search", "  F6          read again"]
    made += ["", "A screen reader reads `modelwright chat --plain` better: lines, no drawing."]
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
