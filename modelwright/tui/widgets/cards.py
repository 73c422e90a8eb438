"""Smaller parts of the conversation: what was said, an answer in Markdown, a spent budget, a run that was left, an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown

from modelwright.text import safe_text
from modelwright.tui.at_hand import at_hand
from modelwright.tui.messages import Replied, Said
from modelwright.tui.texts import lines, plain
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.reach import TO_ANSWER, when_reached

if TYPE_CHECKING:
    from modelwright.tui.state import RunView
    from modelwright.types import Json

WORDS_AT_ONCE = 12
AS_A_LIST = 400
"""words; longer answers are shown whole at once"""


def parser() -> MarkdownIt:
    """Markdown without HTML: a tag in an answer is text."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Answer(Vertical):
    """Text in Markdown; it is written out in pieces, so that one can begin to read."""

    class Written(Message):
        """All of it stands there."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        yield Markdown(parser_factory=parser, open_links=False)

    def on_mount(self) -> None:
        self._write_out()

    @work
    async def _write_out(self) -> None:
        shown = self.query_one(Markdown)
        text = safe_text(self.text).replace("\n", "  \n")
        words = text.split(" ")
        if len(words) > AS_A_LIST:
            await shown.update(text)
        else:
            stream = Markdown.get_stream(shown)
            for at in range(0, len(words), WORDS_AT_ONCE):
                await stream.write(" ".join(words[at : at + WORDS_AT_ONCE]) + " ")
            await stream.stop()
        shown.refresh(layout=True)
        self.call_after_refresh(self.post_message, self.Written(self))


class BudgetCard(Vertical, can_focus=True):
    """A bound was reached: raise it, or leave the run waiting."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "raise_it", "raise the bound")]

    def __init__(self, pending: Json) -> None:
        super().__init__()
        self.pending = pending
        self._raised_to = ""
        self._is_open = True

    def compose(self) -> ComposeResult:
        yield Plain(classes="title")

    def on_mount(self) -> None:
        when_reached(self, self._say)

    def _say(self, reached: bool) -> None:
        raised = f" · raised to {self._raised_to}" if self._raised_to else ""
        way = (" · b raises it" if reached else f" · {TO_ANSWER}") if self._is_open else raised
        self.query_one(".title", Plain).say(f"! A budget {'is' if self._is_open else 'was'} spent: {self.pending['reached']}{way}")

    def close(self) -> None:
        """Nothing is asked any more."""
        self._is_open = False
        self._say(False)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._is_open if action == "raise_it" else True

    def action_raise_it(self) -> None:
        from modelwright.tui.screens.ask import AskLine

        self.app.push_screen(AskLine(f"How many {self._bound} in all?"), self._told)

    @property
    def _bound(self) -> str:
        return str(self.pending["reached"]).split()[0]

    def _told(self, text: str | None) -> None:
        from modelwright.tui.texts import limits_of

        limits = limits_of(f"{self._bound} {text}") if text else None
        if limits:
            self._raised_to = str(text)
            self.close()
            self.post_message(Replied({"limits": limits}))
        elif text:
            self.app.notify(f"{text!r:.40} is not a number above zero", severity="error", markup=False)


class OfferCard(Vertical, can_focus=True):
    """A run of this session that was left unfinished."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("u", "go_on", "go on")]

    def __init__(self, unfinished: Json, view: RunView | None = None) -> None:
        """`view` is the run as its events tell it."""
        super().__init__()
        self.unfinished, self._view = unfinished, view

    def compose(self) -> ComposeResult:
        yield Plain(classes="title")

    def on_mount(self) -> None:
        when_reached(self, self._say)

    def _say(self, reached: bool) -> None:
        if self.unfinished["status"] == "waiting":  # asked at once, below
            return self.query_one(".title", Plain).say(
                lines((f"? {self.unfinished['stands']}", "bold"), f"  {self.unfinished['request'][:300]}")
            )
        way = 'u, or saying "go on", goes on with it' if reached else 'say "go on", or /resume, to go on with it; so does u after Ctrl+G'
        shown = lines((f"‖ {self.unfinished['stands']}{self._reached()}", "bold"), f"  {self.unfinished['request'][:300]}", f"  {way}")
        return self.query_one(".title", Plain).say(shown)

    def _reached(self) -> str:
        """ ", step 9 of 20"."""
        return f", {self._view.reached()}" if self._view is not None and self._view.reached() else ""

    def action_go_on(self) -> None:
        self.post_message(Said("go on"))


def heard(text: str) -> Plain:
    """What the person said."""
    return Plain(Content.assemble(("> ", "bold $text-accent"), plain(text, "bold")), classes="heard")


def trouble(error: Json) -> Plain:
    fix = [f"  fix: {at_hand(error['fix'])}"] if error.get("fix") else []
    return Plain(lines((f"✗ {at_hand(error['message'])}", "$text-error"), *fix), classes="trouble")
