"""Words that are said to a plan while it waits for a yes, for every front end: the approver's {"said": text} becomes what it means.

A change of the plan becomes {edit}, also where it is the reason of a no; a no becomes {reject}. Words that do neither are told back:
the same is asked again with `pending["said"]` beside it, {text, means, why}. `means` is yes (which words cannot give), question (`why` is
the answer), request (one of its own, for later) or unclear (`why` nothing came of it). What words mean is followups/corrections.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import tools
from modelwright.agent.followups import corrections, of_plan
from modelwright.agent.followups.corrections import Change, Correction, Question, Refusal, Request, Unclear, Yes
from modelwright.errors import ModelwrightError
from modelwright.graphs.gate import edited
from modelwright.types import Json, Plan
from modelwright.workspace import Workspace

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
            reply = approver({**pending, "said": {"text": text, **_told_back(meant, plan(), root)}})
        return _not_refused(reply, plan, root) if reply and reply.get("reject") else reply

    return ask


def _told_back(meant: Correction, plan: Plan, root: Path) -> Json:
    if isinstance(meant, Question):
        return {"means": "question", "why": of_plan.answer(meant.text, plan, Workspace(root))}
    if isinstance(meant, Unclear):
        return {"means": "unclear", "why": meant.why}
    return {"means": "yes" if isinstance(meant, Yes) else "request", "why": ""}


def _not_refused(reply: Json, plan: Callable[[], Plan], root: Path) -> Json:
    """A no whose reason says what to change refuses nothing."""
    reason = str(next(iter(reply["reject"].values())))
    meant = _meant(reason, plan(), root, is_reason=True) if reason.strip() else None
    return {"edit": meant.changes, "said": reason} if isinstance(meant, Change) else reply


def _meant(text: str, plan: Plan, root: Path, *, is_reason: bool = False) -> Correction:
    """A change that the steps do not take is none, and says why."""
    meant = corrections.read(text, plan, root, is_reason=is_reason)
    try:
        if isinstance(meant, Change):
            edited(plan.model_copy(update={"hash": None}), meant.changes, tools.load_all(), root.resolve())
    except ModelwrightError as error:
        return Unclear(str(error))
    return meant
