"""Small questions over the screen: a yes or no, a line of text, one of several, a tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList
from textual.widgets.option_list import Option

from modelwright.tui.texts import plain
from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.plain import Plain

Given = TypeVar("Given")


class Ask(ModalScreen[Given], Generic[Given]):
    """Escape gives the empty answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave")]
    EMPTY: Given | None = None

    def on_mount(self) -> None:
        """The keys at the bottom are those that work here, and not those of what is below."""
        self.mount(Keys(compact=True))

    def action_leave(self) -> None:
        self.dismiss(self.EMPTY)


class Confirm(Ask[bool]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "yes", "yes"), Binding("n", "leave", "no")]
    EMPTY = False

    def __init__(self, title: str, text: str, *, yes: str = "Yes") -> None:
        super().__init__()
        self._title, self._text, self._yes = title, text, yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title")
            with VerticalScroll():
                yield Plain(self._text, id="asked")
            with Horizontal(classes="buttons"):
                yield Button(Content("No [n]"), id="no", compact=True)
                yield Button(Content(f"{self._yes} [y]"), id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_yes(self) -> None:
        self.dismiss(True)


class Discard(Confirm):
    """Before what was typed into a form is thrown away; Escape, said again, does it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "stay", "no"), Binding("escape", "leave", "leave")]
    EMPTY = True

    def __init__(self, what: str) -> None:
        super().__init__("Leave the form?", what, yes="Leave")

    def action_stay(self) -> None:
        self.dismiss(False)


class AskLine(Ask[str | None]):
    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._title, self._value = title, value

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title")
            yield Input(self._value, compact=True)
            yield Plain("Enter: done · Escape: leave it", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Choose(Ask[str | None]):
    """One of (value, what it is)."""

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._choices = title, list(choices)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title")
            yield Input(placeholder="type to find", compact=True)
            yield OptionList(markup=False, compact=True)

    def on_mount(self) -> None:
        self._fill("")

    def _fill(self, wanted: str) -> None:
        found = [(value, what) for value, what in self._choices if wanted.casefold() in f"{value} {what}".casefold()]
        shown = self.query_one(OptionList)
        shown.clear_options()
        width = max((len(value) for value, _ in found), default=0)
        shown.add_options(
            [Option(plain(f"{value:<{width}}  {what}"), id=f"c{self._choices.index((value, what))}") for value, what in found]
        )
        shown.highlighted = 0 if found else None

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self) -> None:
        shown = self.query_one(OptionList)
        if shown.highlighted is not None:
            self._choose(shown.get_option_at_index(shown.highlighted))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option)

    def _choose(self, option: Option) -> None:
        self.dismiss(self._choices[int(str(option.id)[1:])][0])

    def key_down(self) -> None:
        self.query_one(OptionList).focus()


class ChooseTool(Choose):
    def __init__(self) -> None:
        from modelwright import tools

        super().__init__("Which tool?", [(name, tools.load(name).summary) for name in sorted(tools.names())])
