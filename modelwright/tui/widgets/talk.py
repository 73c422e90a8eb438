"""What was said and what came of it, under each other; below it what was said and has to wait for its turn.

The newest stays in view, unless the person looks at what is above. Which card asks, and where the keys go, is the screen's
(screens/chat.py).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.widget import Widget

from modelwright.tui.texts import lines
from modelwright.tui.widgets.plain import Plain

if TYPE_CHECKING:
    from textual.timer import Timer

    from modelwright.tui.data import PastTurn
    from modelwright.tui.widgets.cards import Answer
    from modelwright.tui.widgets.results import ResultCard
    from modelwright.types import Json

MOST_CARDS = 200
"""Older ones are taken off the screen; they stay in the session."""
MOST_QUEUED = 3
"""Lines that are shown."""
SETTLES_SECONDS = 1.0
"""After the terminal got another size: so long its cards find their new heights."""

EXAMPLES = ("what can you do?", "quantize the built-in model to Q4_K_M", "does llama-3.1-8b fit in memory at 16k?")


class Examples(Plain):
    """What one can say where nothing was said yet; gone with the first words."""

    def __init__(self) -> None:
        super().__init__(lines("Say what you want, for example", *(f"  {text}" for text in EXAMPLES), "F1 shows more"), classes="hint")


class Talk(VerticalScroll, can_focus=False):
    """What was looked at stays in view when this gets another size: the end where one was there, else what stood at the top.

    Textual keeps an end only while the size stays: it reckons with the height that was.
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._at_end = True
        self._place: tuple[Widget, int] | None = None
        """The card at the top, and how many of its lines are above."""
        self._noted_at = self._terminal = Size(0, 0)
        self._settling: Timer | None = None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.outer_size == self._noted_at and self._settling is None:  # else it is the layout that moves, and nobody who looks
            self._note()

    def _note(self) -> None:
        at = round(self.scroll_y)
        self._at_end = at >= self.max_scroll_y
        top = next((card for card in self.children if card.virtual_region.bottom > at), None)
        self._place = (top, at - top.virtual_region.y) if top is not None else None

    def on_resize(self, event: events.Resize) -> None:
        if self._terminal != self.app.size:
            self._settle()
        self._noted_at = event.size
        self._keep_place()

    def _settle(self) -> None:
        """The cards get other heights one after the other."""
        before, self._terminal = self._terminal, self.app.size
        if before and self._settling is None:
            self._settling = self.set_timer(SETTLES_SECONDS, self._settled)

    def _settled(self) -> None:
        self._keep_place()
        self._moved()

    def _moved(self) -> None:
        """What is in view now is what somebody wants there."""
        if self._settling is not None:
            self._settling.stop()
            self._settling = None
        self._note()

    def on_mouse_scroll_up(self) -> None:
        self._moved()

    def on_mouse_scroll_down(self) -> None:
        self._moved()

    def watch_virtual_size(self) -> None:
        if self._settling is not None or not self._at_end:
            self.call_after_refresh(self._keep_place)
        elif self.outer_size == self._noted_at and not self.is_anchored:
            self._note()

    def _keep_place(self) -> None:
        if self._at_end:
            if self.is_anchored or self.max_scroll_y > 0:  # an anchor pulls what has room to the bottom
                self.anchor()
        elif self._place is not None and self._place[0].parent is self:
            card, above = self._place
            self.scroll_to(y=card.virtual_region.y + min(above, card.outer_size.height - 1), animate=False, force=True, immediate=True)

    def add(self, *cards: Widget, keep: Container[Widget | None] = ()) -> None:
        """Below all others; the oldest go, but for those to keep."""
        self.query(Examples).remove()
        self.mount(*cards)
        for old in list(self.children)[: max(0, len(self.children) + len(cards) - MOST_CARDS)]:
            if old not in keep:
                old.remove()
        self._at_end = True
        self.anchor()

    def add_past(self, turns: Sequence[PastTurn], result: Json | None, root: Path) -> None:
        """What happened before this app was opened: what was said, the plans, how they ended; of the last run also its curves."""
        from modelwright.tui.widgets.cards import heard
        from modelwright.tui.widgets.plan_card import PlanCard
        from modelwright.tui.widgets.results import ResultCard

        for turn in turns:
            is_last = turn is turns[-1] and result is not None
            found = result if is_last else turn.result
            self.add(heard(turn.request), *([PlanCard(turn.view, root, None)] if turn.view else []))
            if found is not None:
                self.add(ResultCard(found, curves=is_last))
            elif turn.outcome:
                self.add(Plain(turn.outcome, classes="past"))
        if not self.children:
            self.mount(Examples())

    def page(self, by: int) -> None:
        """What is above or below."""
        if by < 0:
            self.release_anchor()
        self._moved()
        (self.scroll_page_up if by < 0 else self.scroll_page_down)(animate=False)

    def bring_into_view(self, card: Widget) -> None:
        """What it asks and its buttons, which come first where there is no room for both; else all of it."""
        if self.children[-1] is not card:
            self.anchor(False)
        for part in [part for part in card.query(".asked, .buttons") if part.display] or [card]:
            self.scroll_to_widget(part, animate=False, immediate=True, force=True)  # also where all has room, but stands too low
        self._moved()

    def newest_with_keys(self, waiting: Widget | None) -> tuple[Widget, Widget] | None:
        """The card that waits, else the newest one that takes keys; with the part of it that the focus goes to."""
        for card in reversed([*self.children, *([waiting] if waiting else [])]):
            part = _part_with_keys(card)
            if part is not None:
                return card, part
        return None

    def on_answer_written(self, event: Answer.Written) -> None:
        """The end of the newest thing that is said, unless the person looks at what is above."""
        if self._at_end and self.children[-1] is event.answer:
            self.anchor()

    def on_result_card_sized(self, event: ResultCard.Sized) -> None:
        """The newest result, when it is longer than the screen, is shown from its beginning."""
        card = event.card
        is_long = card.outer_size.height >= self.size.height
        if self._settling is None and self.is_anchored and self.children[-1] is card and is_long:
            self.anchor(False)
            self._at_end, self._place = False, (card, 0)  # cards above may not have found their heights yet
            self.call_after_refresh(self._keep_place)


class Queue(Plain):
    """What was said and comes later: under all that has happened, until its turn begins."""

    def __init__(self) -> None:
        super().__init__(id="queued", classes="hint")
        self.display = False

    def tell(self, texts: Sequence[str], way: str) -> None:
        """What waits, each with how it does; `way` says what can be done about it."""
        more = [f"   … {len(texts) - MOST_QUEUED} more"] if len(texts) > MOST_QUEUED else []
        self.display = bool(texts)
        self.say(lines(*(f" > {text}" for text in texts[:MOST_QUEUED]), *more, f"   {way}"))


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
