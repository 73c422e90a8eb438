"""Words that are said to a plan while it waits for a yes, for every front end: the approver's {"said": text} becomes what it means.

A change of the plan becomes {edit}, also where it is the reason of a no; a no becomes {reject}. Words that do neither are told back:
the same is asked again with `pending["said"]` beside it, {text, why}; an empty `why` says that they are a request of their own. What
words mean is followups/corrections.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import tools
from modelwright.agent.followups import corrections
from modelwright.agent.followups.corrections import Change, Correction, Refusal, Request, Unclear
from modelwright.errors import ModelwrightError
from modelwright.graphs.gate import edited
from modelwright.types import Json, Plan

if TYPE_CHECKING:
    from modelwright.agent.driver import Approver


def understood(approver: Approver, plan: Callable[[], Plan], root: Path) -> Approver:
    """The approver, with words understood. `plan` gives the plan as it waits."""

    def ask(pending: Json) -> Json | None:
        reply = approver(pending)
        while pending["kind"] == "approval" and reply and (text := reply.get("said")):
            meant = _meant(str(text), plan(), root)
            if isinstance(meant, Change):
                return {"edit": meant.changes, "said": text}
            if isinstance(meant, Refusal) or (isinstance(meant, Request) and meant.instead):
                return {"reject": {pending["calls"][0]["id"]: "" if isinstance(meant, Refusal) else text}}
            reply = approver({**pending, "said": {"text": text, "why": meant.why if isinstance(meant, Unclear) else ""}})
        return _not_refused(reply, plan, root) if reply and reply.get("reject") else reply

    return ask


def _not_refused(reply: Json, plan: Callable[[], Plan], root: Path) -> Json:
    """A no whose reason says what to change refuses nothing."""
    reason = str(next(iter(reply["reject"].values())))
    meant = _meant(reason, plan(), root) if corrections.says_change(reason) else None
    return {"edit": meant.changes, "said": reason} if isinstance(meant, Change) else reply


def _meant(text: str, plan: Plan, root: Path) -> Correction:
    """A change that the steps do not take is none, and says why."""
    meant = corrections.read(text, plan, root)
    try:
        if isinstance(meant, Change):
            edited(plan.model_copy(update={"hash": None}), meant.changes, tools.load_all(), root.resolve())
    except ModelwrightError as error:
        return Unclear(str(error))
    return meant
