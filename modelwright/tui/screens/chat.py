"""The conversation: what was said, plans, runs and results under each other, and the composer below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from modelwright.tui.commands import COMMANDS
from modelwright.tui.state import RunView
from modelwright.tui.texts import plain
from modelwright.tui.widgets.composer import Composer
from modelwright.tui.widgets.plain import Plain
from modelwright.types import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.tui.widgets.live import LiveCard
    from modelwright.tui.widgets.plan_card import PlanCard
    from modelwright.tui.widgets.results import ResultCard

MOST_CARDS = 200
"""Older ones are taken off the screen; they stay in the session."""


class Chat(Screen[None]):
    def __init__(self, session: str, root: Path) -> None:
        super().__init__()
        self._session, self._root = session, root
        self.plan_card: PlanCard | None = None
        self.live_card: LiveCard | None = None

    def compose(self) -> ComposeResult:
        yield Plain(f" modelwright · session {self._session} · {self._root.resolve().name}", id="head")
        yield VerticalScroll(id="talk", can_focus=False)
        yield Plain(id="doing")
        yield Composer(self._root, lambda: [(c.name, c.what) for c in COMMANDS], id="composer")
        yield Footer(compact=True, show_command_palette=True)

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

    def doing(self, text: str) -> None:
        """The line above the composer, while there is nothing else to see."""
        line = self.query_one("#doing", Plain)
        line.display = bool(text)
        line.say(text)

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

    def ask(self, pending: Json, view: RunView, policy: Path | None) -> None:
        """Show what is asked; the focus goes there unless the person is writing."""
        from modelwright.tui.widgets.cards import BudgetCard, QuestionCard

        if pending["kind"] == "approval":
            self.show_run(view, policy)
            if self.plan_card is not None:
                self.call_after_refresh(self.plan_card.ask, pending)
        else:
            self.add(QuestionCard(pending) if pending["kind"] == "question" else BudgetCard(pending))
        if not self.composer.text:
            self.call_after_refresh(self.go_to_card)

    def go_to_card(self) -> None:
        """The last thing that takes keys."""
        from modelwright.tui.widgets.cards import BudgetCard, OfferCard, QuestionCard
        from modelwright.tui.widgets.plan_card import PlanCard
        from modelwright.tui.widgets.results import ResultCard

        for card in reversed(list(self.talk.children)):
            if isinstance(card, QuestionCard):
                return card.take_focus()
            if isinstance(card, PlanCard):
                card.query_one("DataTable").focus()
                self.talk.scroll_to_widget(card.query_one(".asked"), animate=False)
                return None
            if isinstance(card, BudgetCard | OfferCard | ResultCard):
                card.focus()
                return None
        return None

    def settle(self) -> None:
        """A turn is over."""
        self.doing("")
        if self.plan_card is not None:
            self.plan_card.settled()
        if self.live_card is not None:
            self.live_card.show()
        self.composer.entry.focus()
