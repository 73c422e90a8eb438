"""Smaller parts of the conversation: what was said, an answer in Markdown, an open question, a spent budget, an error."""

from __future__ import annotations

from typing import ClassVar

from markdown_it import MarkdownIt
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Markdown, OptionList
from textual.widgets.option_list import Option

from modelwright.text import safe_text
from modelwright.tui.messages import Replied, Said
from modelwright.tui.texts import lines, plain
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Json

WORDS_AT_ONCE = 12
AS_A_LIST = 400
"""words; longer answers are shown whole at once"""


def parser() -> MarkdownIt:
    """Markdown without HTML: a tag in an answer is text."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Answer(Vertical):
    """Text in Markdown; it is written out in pieces, so that one can begin to read."""

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
            return
        stream = Markdown.get_stream(shown)
        for at in range(0, len(words), WORDS_AT_ONCE):
            await stream.write(" ".join(words[at : at + WORDS_AT_ONCE]) + " ")
        await stream.stop()


class QuestionCard(Vertical):
    """A question with its likely answers; Enter on one, or words of one's own."""

    def __init__(self, pending: Json) -> None:
        super().__init__()
        self.pending = pending

    def compose(self) -> ComposeResult:
        yield Plain(plain(f"? {self.pending['question']}", "bold"), classes="title")
        choices = [Option(plain(f"{n}. {text}")) for n, text in enumerate(self.pending["choices"], 1)]
        yield OptionList(*choices, markup=False, compact=True)
        yield Input(placeholder="or type the answer", compact=True)

    def on_mount(self) -> None:
        self.query_one(OptionList).display = bool(self.pending["choices"])

    def take_focus(self) -> None:
        self.query_one(OptionList if self.pending["choices"] else Input).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._give({"choice": event.option_index}, self.pending["choices"][event.option_index])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._give({"answer": event.value.strip()}, event.value.strip())

    def _give(self, reply: Json, shown: str) -> None:
        self.query_one(OptionList).display = self.query_one(Input).display = False
        self.query_one(".title", Plain).say(lines((f"? {self.pending['question']}", "bold"), f"  {shown}"))
        self.post_message(Replied(reply))


class BudgetCard(Vertical, can_focus=True):
    """A bound was reached: raise it, or leave the run waiting."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "raise_it", "raise the bound")]

    def __init__(self, pending: Json) -> None:
        super().__init__()
        self.pending = pending

    def compose(self) -> ComposeResult:
        yield Plain(f"! A budget is spent: {self.pending['reached']} · b raises it", classes="title")

    def action_raise_it(self) -> None:
        from modelwright.tui.screens.ask import AskLine
        from modelwright.tui.texts import limits_of

        bound = self.pending["reached"].split()[0]

        def told(text: str | None) -> None:
            limits = limits_of(f"{bound} {text}") if text else None
            if limits:
                self.query_one(".title", Plain).say(f"! A budget was spent: {self.pending['reached']} · raised to {text}")
                self.post_message(Replied({"limits": limits}))
            elif text:
                self.app.notify(f"{text!r:.40} is not a number above zero", severity="error", markup=False)

        self.app.push_screen(AskLine(f"How many {bound} in all?"), told)


class OfferCard(Vertical, can_focus=True):
    """A run of this session that was left unfinished."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("u", "go_on", "go on")]

    def __init__(self, unfinished: Json) -> None:
        super().__init__()
        self.unfinished = unfinished

    def compose(self) -> ComposeResult:
        yield Plain(
            lines(
                (f"‖ {self.unfinished['stands']}", "bold"),
                f"  {self.unfinished['request'][:300]}",
                '  u, or saying "go on", goes on with it',
            ),
            classes="title",
        )

    def action_go_on(self) -> None:
        self.post_message(Said("go on"))


def heard(text: str) -> Plain:
    """What the person said."""
    return Plain(Content.assemble(("> ", "bold $text-accent"), plain(text, "bold")), classes="heard")


def trouble(error: Json) -> Plain:
    fix = [f"  fix: {error['fix']}"] if error.get("fix") else []
    return Plain(lines((f"✗ {error['message']}", "$text-error"), *fix), classes="trouble")
