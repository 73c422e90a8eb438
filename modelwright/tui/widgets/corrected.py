"""A plan that words have changed, as a person sees it: as it was, the words below it, and below them a card of what it is now.

Whether words change a plan is known only when the run asks again; until then its card stands as it was.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.tui.state import RunView
    from modelwright.tui.widgets.plain import Plain
    from modelwright.tui.widgets.plan_card import PlanCard
    from modelwright.types import Json

CHANGED = "· changed below"


class Corrected:
    def __init__(self) -> None:
        self._words: Plain | None = None
        self._before: RunView | None = None

    def said_to(self, card: PlanCard | None, words: Plain | None = None) -> None:
        """Something was said to the plan of this card, shown as `words`."""
        self._words = words
        if card is not None:
            self._before = copy.copy(card.view)
            self._before.steps = copy.deepcopy(card.view.steps)

    def take_back(self) -> None:
        """The words were not for the plan."""
        if self._words is not None:
            self._words.remove()
            self._words = None

    @property
    def has_words(self) -> bool:
        """Whether words stand below the plan that they were said to."""
        return self._words is not None

    def over(self) -> None:
        """Nothing is asked of that plan any more."""
        self._words = self._before = None

    def leaves(self, card: PlanCard | None, pending: Json) -> bool:
        """Whether the run asks for another plan now; then its card shows the plan as it was."""
        before, self._before = self._before, None
        if before is None or card is None or "said" in pending or not _differ(before, card.view):
            return False
        for step in before.steps.values():
            if step.decision == "ask":
                step.decision, step.rule, step.reason = CHANGED, "", ""
        card.superseded(before)
        self._words = None
        return True


def _differ(before: RunView, now: RunView) -> bool:
    return {name: step.args for name, step in before.steps.items()} != {name: step.args for name, step in now.steps.items()}
