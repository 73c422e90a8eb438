"""The conversation: what was said, plans, runs and results under each other, and the composer below.

The composer keeps the focus when a card appears, so that nobody answers by what was meant for another line; `waiting` is the card
that asks. Ctrl+G and Tab go to it, Escape and Ctrl+G come back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget

from modelwright.tui.commands import COMMANDS, named
from modelwright.tui.messages import Replied, Said
from modelwright.tui.state import RunView
from modelwright.tui.texts import plain
from modelwright.tui.widgets.composer import Composer
from modelwright.tui.widgets.keys import Keys
from modelwright.tui.widgets.plain import Plain
from modelwright.tui.widgets.reach import BACK, TO_ANSWER
from modelwright.types import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.tui.widgets.cards import BudgetCard
    from modelwright.tui.widgets.live import LiveCard
    from modelwright.tui.widgets.plan_card import PlanCard
    from modelwright.tui.widgets.question import QuestionCard
    from modelwright.tui.widgets.results import ResultCard

MOST_CARDS = 200
"""Older ones are taken off the screen; they stay in the session."""


class Chat(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "prompt", "to the prompt"),
        Binding("tab", "next_part", "next part", show=False),
    ]

    def __init__(self, session: str, root: Path) -> None:
        super().__init__()
        self._session, self._root = session, root
        self.plan_card: PlanCard | None = None
        self.live_card: LiveCard | None = None
        self.waiting: PlanCard | QuestionCard | BudgetCard | None = None
        self._doing = ""

    def compose(self) -> ComposeResult:
        yield Plain(f" modelwright · session {self._session} · {self._root.resolve().name}", id="head")
        yield VerticalScroll(id="talk", can_focus=False)
        yield Plain(id="doing")
        yield Composer(self._root, lambda: [(c.name, c.what) for c in COMMANDS], id="composer")
        yield Keys(compact=True)

    def on_mount(self) -> None:
        self.composer.entry.focus()

    async def begin(self, session: str) -> None:
        """An empty conversation under another name."""
        self._session = session
        self.new_turn()
        await self.talk.remove_children()
        self.composer.history.clear()
        self.stand("opening")

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def talk(self) -> VerticalScroll:
        return self.query_one("#talk", VerticalScroll)

    def stand(self, text: str) -> None:
        """The line at the top."""
        self.query_one("#head", Plain).say(plain(f" modelwright · session {self._session} · {text}"))

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

    def add(self, *cards: Widget) -> None:
        talk = self.talk
        talk.mount(*cards)
        for old in list(talk.children)[: max(0, len(talk.children) + len(cards) - MOST_CARDS)]:
            if old not in (self.plan_card, self.live_card):
                old.remove()
        talk.anchor()

    def on_result_card_sized(self, event: ResultCard.Sized) -> None:
        """The newest result, when it is longer than the screen, is shown from its beginning."""
        card, talk = event.card, self.talk
        if talk.is_anchored and talk.children[-1] is card and card.outer_size.height >= talk.size.height:
            talk.anchor(False)
            talk.scroll_to(y=card.virtual_region.y, animate=False, force=True)

    def show_past(self, turns: Sequence[tuple[str, str]], result: Json | None) -> None:
        """What was said and answered before this app was opened; of the last run the result, when it is over."""
        from modelwright.tui.widgets.cards import heard
        from modelwright.tui.widgets.results import ResultCard

        for at, (request, outcome) in enumerate(turns, 1):
            is_last = at == len(turns) and result is not None
            self.add(heard(request), *([Plain(outcome, classes="past")] if outcome and not is_last else []))
        if result is not None:
            self.add(ResultCard(result, curves=True))
        self.composer.history[:0] = [request for request, _ in turns]

    # the run ---------------------------------------------------------------------------------------------------------

    def new_turn(self) -> None:
        self.plan_card = self.live_card = None

    def show_run(self, view: RunView, policy: Path | None) -> None:
        """Draw what changed: the plan once there is one, the live part once something runs."""
        from modelwright.tui.widgets.live import LiveCard
        from modelwright.tui.widgets.plan_card import PlanCard

        if view.steps and self.plan_card is None:
            self.plan_card = PlanCard(view, self._root, policy)
            self.add(self.plan_card)
        begun = any(step.status != "pending" for step in view.steps.values())
        if begun and self.live_card is None:
            self.live_card = LiveCard(view)
            self.add(self.live_card)
        if self.live_card is not None:
            self.live_card.show()

    def plan_changed(self) -> None:
        if self.plan_card is not None:
            self.plan_card.show()

    # what is asked ---------------------------------------------------------------------------------------------------

    def ask(self, pending: Json, view: RunView, policy: Path | None) -> None:
        """Show what is asked. The focus stays where it is."""
        from modelwright.tui.widgets.cards import BudgetCard
        from modelwright.tui.widgets.question import QuestionCard

        if pending["kind"] == "approval":
            self.show_run(view, policy)
            self.waiting = self.plan_card
            if self.plan_card is not None:
                self.call_after_refresh(self.plan_card.ask, pending)
        else:
            self.waiting = QuestionCard(pending) if pending["kind"] == "question" else BudgetCard(pending)
            self.add(self.waiting)
        self._show_line()

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
        """The app takes the reply. An edit is asked about again, by the same card; after any other the next words are for the prompt."""
        self.waiting = None
        if "edit" not in message.reply:
            self._leave_card()

    def on_plan_taken(self) -> None:
        self.waiting = None
        self._leave_card()

    def _leave_card(self) -> None:
        self.talk.anchor()
        self.action_prompt()

    # the focus -------------------------------------------------------------------------------------------------------

    @property
    def at_prompt(self) -> bool:
        return self.focused is self.composer.entry

    def on_descendant_focus(self) -> None:
        self._show_line()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not self.at_prompt if action == "prompt" else True

    def action_prompt(self) -> None:
        self.set_focus(self.composer.entry)

    def action_next_part(self) -> None:
        """From the prompt the newest card is next."""
        if not (self.at_prompt and self.go_to_card()):
            self.focus_next()

    def turn_to_card(self) -> None:
        """To the card, or from anywhere else to the prompt."""
        if not self.at_prompt:
            self.action_prompt()
        elif not self.go_to_card():
            self.notify("there is no card yet", markup=False)

    def go_to_card(self) -> bool:
        """To what is asked, else to the last thing that takes keys. False when there is none."""
        cards = [*self.talk.children, *([self.waiting] if self.waiting else [])]
        for card in reversed(cards):
            part = _part_with_keys(card)
            if part is not None:
                self.set_focus(part, scroll_visible=False)
                self._bring_into_view(card)
                return True
        return False

    def on_asked_sized(self) -> None:
        """What a plan asks has got longer: while the person is elsewhere its end stays in view, also above a live run."""
        if self.waiting is not None and not self.waiting.has_focus_within:
            self._bring_into_view(self.waiting)

    def _bring_into_view(self, card: Widget) -> None:
        """What it asks and its buttons, which come first where there is no room for both; else all of it."""
        if self.talk.children[-1] is not card:
            self.talk.anchor(False)
        for part in [part for part in card.query(".asked, .buttons") if part.display] or [card]:
            self.talk.scroll_to_widget(part, animate=False, immediate=True)

    def settle(self) -> None:
        """A turn is over."""
        self.doing("")
        if self.plan_card is not None:
            self.plan_card.settled()
        if self.live_card is not None:
            self.live_card.show()
        self.action_prompt()


def _part_with_keys(card: Widget) -> Widget | None:
    """What the focus goes to in a card; None where nothing takes keys."""
    from modelwright.tui.widgets.cards import BudgetCard, OfferCard
    from modelwright.tui.widgets.plan_card import PlanCard
    from modelwright.tui.widgets.question import QuestionCard
    from modelwright.tui.widgets.results import ResultCard

    if isinstance(card, PlanCard):
        return card.table
    if isinstance(card, QuestionCard):
        return card.first if card.first.display else None
    return card if isinstance(card, BudgetCard | OfferCard | ResultCard) else None
