"""The conversation: what was said, plans, runs and results under each other, and the composer below.

The composer keeps the focus when a card appears, so that nobody answers by what was meant for another line; `waiting` is the card
that asks. Ctrl+G and Tab go to it, Escape and Ctrl+G come back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from modelwright.tui.commands import COMMANDS, named
from modelwright.tui.screens.prompted import Prompted
from modelwright.tui.texts import plain
from modelwright.tui.widgets.composer import Composer
from modelwright.tui.widgets.corrected import Corrected
from modelwright.tui.widgets.head import Head
from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.reach import BACK, TO_ANSWER
from modelwright.tui.widgets.talk import Queue, Talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.tui.data import PastTurn
    from modelwright.tui.messages import Replied, Said
    from modelwright.tui.state import RunView
    from modelwright.tui.widgets.cards import BudgetCard
    from modelwright.tui.widgets.live import LiveCard
    from modelwright.tui.widgets.plan_card import PlanCard
    from modelwright.tui.widgets.question import QuestionCard
    from modelwright.tui.widgets.results import ResultCard
    from modelwright.types import Json

IMPORTANT = (-1, 1, 2)
"""Of the parts of the line at the top: how things stand, then the session, then the model."""


class Chat(Prompted):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "prompt", "to the prompt"),
        Binding("tab", "next_part", "next part", show=False),
        Binding("pageup", "page(-1)", "earlier", show=False, priority=True),
        Binding("pagedown", "page(1)", "later", show=False, priority=True),
    ]

    def __init__(self, session: str, root: Path) -> None:
        super().__init__()
        self._session, self._root = session, root
        self.plan_card: PlanCard | None = None
        self.live_card: LiveCard | None = None
        self.waiting: PlanCard | QuestionCard | BudgetCard | None = None
        self._doing = ""
        self._corrected = Corrected()
        self._told = ""
        """The run whose result stands at the end of this turn: it is drawn no more."""

    def compose(self) -> ComposeResult:
        yield Head("modelwright", f"session {self._session}", self._root.resolve().name, order=IMPORTANT)
        yield Talk(id="talk")
        yield Queue()
        yield Plain(id="doing")
        yield Composer(self._root, lambda: [(c.name, c.what) for c in COMMANDS], id="composer")
        yield Keys(compact=True)

    def on_mount(self) -> None:
        self.composer.entry.focus()

    async def begin(self, session: str) -> None:
        """An empty conversation under another name."""
        self._session = session
        self.new_turn()
        self.doing("")
        await self.talk.remove_children()
        self.composer.history.clear()
        self.stand("opening")

    @property
    def talk(self) -> Talk:
        return self.query_one(Talk)

    def stand(self, text: str, model: str = "") -> None:
        """The line at the top: how things stand is what a narrow terminal leaves out last."""
        self.query_one(Head).tell("modelwright", f"session {self._session}", *([model] if model else []), text)

    def doing(self, text: str, *, waits: bool = False) -> None:
        """The line above the composer: what is done while there is nothing else to see, or where what waits is answered."""
        self._doing = text
        if not waits:
            self._answered()
        self._show_line()

    def _show_line(self) -> None:
        line, text = self.query_one("#doing", Plain), self._doing or self._way()
        line.display = bool(text)
        line.say(plain(text, "bold $text-warning" if self.waiting is not None and self.at_prompt else ""))

    def show_queue(self, texts: Sequence[str], way: str) -> None:
        self.query_one(Queue).tell(texts, way)

    def add(self, *cards: Widget) -> None:
        self.talk.add(*cards, keep=(self.plan_card, self.live_card))

    def add_result(self, card: ResultCard) -> None:
        """It tells all that the live part told, which goes."""
        self._told = card.result["run"]
        if self.live_card is not None and self.live_card.view.run == self._told:
            self.live_card.remove()
            self.live_card = None
        self.add(card)

    def show_past(self, turns: Sequence[PastTurn], result: Json | None) -> None:
        self.talk.add_past(turns, result, self._root)
        self.composer.history[:0] = [turn.request for turn in turns]

    # the run ---------------------------------------------------------------------------------------------------------

    def new_turn(self) -> None:
        self.plan_card = self.live_card = None
        self._told = ""
        self._corrected.over()

    def show_run(self, view: RunView, policy: Path | None) -> None:
        """Draw what changed: the plan once there is one, the live part once something runs."""
        from modelwright.tui.widgets.live import LiveCard
        from modelwright.tui.widgets.plan_card import PlanCard

        if view.steps and self.plan_card is None:
            self.plan_card = PlanCard(view, self._root, policy)
            self.add(self.plan_card)
        begun = any(step.status != "pending" for step in view.steps.values())
        if begun and self.live_card is None and view.run != self._told:
            self.live_card = LiveCard(view)
            self.add(self.live_card)
        if self.live_card is not None:
            self.live_card.show()

    def plan_changed(self) -> None:
        if self.plan_card is not None:
            self.plan_card.show()

    def works(self) -> None:
        """A step runs: of the plan nothing is asked any more."""
        if self.plan_card is not None and self.plan_card.pending is not None:
            self.plan_card.settled()
        self._answered()
        self._show_line()

    # what is asked ---------------------------------------------------------------------------------------------------

    def ask(self, pending: Json, view: RunView, policy: Path | None) -> None:
        """Show what is asked. The focus stays where it is."""
        from modelwright.tui.widgets.cards import BudgetCard
        from modelwright.tui.widgets.question import QuestionCard

        if pending["kind"] == "approval":
            if self._corrected.leaves(self.plan_card, pending):
                self.plan_card = None
            self.show_run(view, policy)
            self.waiting = self.plan_card
            if self.plan_card is not None:
                self.call_after_refresh(self.plan_card.ask, pending)
        else:
            self.waiting = QuestionCard(pending) if pending["kind"] == "question" else BudgetCard(pending)
            self.add(self.waiting)
        self._show_line()

    def say_to_plan(self, text: str) -> None:
        """Words for the plan that waits."""
        from modelwright.tui.widgets.cards import heard

        words = heard(text)
        self.add(words)
        self._corrected.said_to(self.plan_card, words)

    def take_back(self) -> None:
        self._corrected.take_back()

    def _answered(self) -> None:
        """Nothing is asked any more."""
        from modelwright.tui.widgets.cards import BudgetCard
        from modelwright.tui.widgets.question import QuestionCard

        if isinstance(self.waiting, QuestionCard | BudgetCard):
            self.waiting.close()
        self.waiting = None

    def _way(self) -> str:
        """Where what is asked can be answered from here."""
        from modelwright.tui.widgets.question import QuestionCard

        if self.waiting is None:
            return ""
        if not self.at_prompt:
            return BACK
        typed = "type it here, or " if isinstance(self.waiting, QuestionCard) else ""
        return f"? waits for your answer · {typed}{TO_ANSWER}"

    def on_said(self, message: Said) -> None:
        """Words that are said while a question is open answer it."""
        from modelwright.tui.widgets.question import QuestionCard

        is_command = message.text.startswith("/") and named(message.text)[0] is not None
        if isinstance(self.waiting, QuestionCard) and not is_command:
            message.stop()
            self.waiting.call_later(self.waiting.answer, message.text)  # its own message: one that the screen sends ends at the screen

    def on_composer_nothing_said(self) -> None:
        """Enter on an empty line is no yes."""
        if self.waiting is not None:
            self.notify("Enter answers nothing here: Ctrl+G goes to the card", markup=False)

    def on_replied(self, message: Replied) -> None:
        """The next words are for the prompt, also where the same card asks again after an edit."""
        self.waiting = None
        if "reject" in message.reply:  # its reason may say what to change
            self._corrected.said_to(self.plan_card)
        self._leave_card()

    def on_plan_taken(self) -> None:
        self.waiting = None
        self._leave_card()

    def _leave_card(self) -> None:
        self.talk.anchor()
        self.action_prompt()

    # the focus -------------------------------------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        self._show_line()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not self.at_prompt if action == "prompt" else True

    def action_next_part(self) -> None:
        """From the prompt the newest card is next."""
        if not (self.at_prompt and self.go_to_card()):
            self.focus_next()

    def action_page(self, by: int) -> None:
        self.talk.page(by)

    def turn_to_card(self) -> None:
        """To the card, or from anywhere else to the prompt."""
        if not self.at_prompt:
            self.action_prompt()
        elif not self.go_to_card():
            self.notify("there is no card yet", markup=False)

    def go_to_card(self) -> bool:
        """To what is asked, else to the last thing that takes keys. False when there is none."""
        found = self.talk.newest_with_keys(self.waiting)
        if found:
            self.set_focus(found[1], scroll_visible=False)
            self.talk.bring_into_view(found[0])
        return found is not None

    def on_asked_sized(self) -> None:
        """What a plan asks has got longer: while the person is elsewhere its end stays in view; but not instead of words said to it."""
        if self.waiting is not None and not self.waiting.has_focus_within and not self._corrected.has_words:
            self.talk.bring_into_view(self.waiting)

    def settle(self) -> None:
        """A turn is over."""
        self._corrected.over()
        self.doing("")
        if self.plan_card is not None:
            self.plan_card.settled()
        if self.live_card is not None:
            self.live_card.show()
        self.action_prompt()
