"""The result of a past run on a screen of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen

from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.results import ResultCard

if TYPE_CHECKING:
    from modelwright.tui.app import Modelwright
    from modelwright.types import Json


class PastResult(ResultCard):
    """What follows from it happens in the conversation, and names this run."""

    @property
    def _desk(self) -> Modelwright:
        return cast("Modelwright", self.app)

    async def action_again(self) -> None:
        """Its request goes where one writes, to be changed and sent."""
        await self._desk.back_to_chat()
        self._desk.chat.composer.put(self.result["request"])

    async def action_go_on(self) -> None:
        run = self.result["run"]
        if why := self._desk.turns.not_now(run):
            self.notify(why, severity="warning", markup=False)
        else:
            await self._desk.back_to_chat()
            self._desk.turns.go_on(run)


class ResultScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "back")]

    def __init__(self, result: Json) -> None:
        super().__init__()
        self._result = result

    def compose(self) -> ComposeResult:
        yield Plain(f" Run {self._result['run']} · {self._result['request']}", id="head")
        with VerticalScroll(can_focus=False):
            yield PastResult(self._result, curves=True)
        yield Keys(compact=True)

    def on_mount(self) -> None:
        self.query_one(PastResult).focus()
