"""What is said to a plan that stands: "no, use Q6_K", "only 2 epochs", "rank 8 instead", "with the other file data/b.jsonl", "no".

Such words change the plan they are said to, and nothing else of it; which values go where is again.py's. Two facts: a request of its
own ("now evaluate it") is no correction, also after a no; and words without a no, an "instead" or the like are one only when they
are few, as people write whole requests too while a plan waits. Asks no model, runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from modelwright import tools
from modelwright.agent.followups import again, answers
from modelwright.agent.followups.words import words
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning import clauses, intents
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.decide import rules_sure
from modelwright.graphs.planning.sheet import THINGS
from modelwright.types import Json, Plan

MOST_WORDS = 6
"""Of words that are taken for a change though nothing in them says so: "the other file data/b.jsonl please"."""
NOTHING_CHANGED = "nothing of the plan is changed by these words"
HOW = 'name what to change ("3 epochs", "use Q6_K", "with b.jsonl instead"), or an argument (epochs=3)'


@dataclass(frozen=True)
class Change:
    """Arguments of the plan's steps that are to be others."""

    changes: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """A plain no."""


@dataclass(frozen=True)
class Request:
    """Something else is wanted. `instead`: the plan is refused for it."""

    text: str
    instead: bool = False


@dataclass(frozen=True)
class Unclear:
    """It may have been meant for the plan; `why` nothing came of it."""

    why: str


Correction = Change | Refusal | Request | Unclear


def read(text: str, plan: Plan, workspace: Path) -> Correction:
    """What words say to a plan that waits for a yes. The plan itself stays as it is."""
    rest, refuses = without_no(text)
    if refuses and not rest:
        return Refusal()
    if not (says_change(text) or _is_fragment(text, workspace)) or _names_another_tool(rest, plan):
        return Request(rest if refuses else text, refuses)
    try:
        changes = again.changed(text, plan, workspace)
    except QuestionOpen as question:
        return _request_or(str(question), rest, refuses, workspace)
    return Change(changes.args) if changes.args else _request_or(f"{NOTHING_CHANGED}. {HOW}", rest, refuses, workspace)


def _request_or(why: str, rest: str, refuses: bool, workspace: Path) -> Request | Unclear:
    """What changed nothing: after a no it is a request only where it names a thing, as "no, too slow" asks for nothing."""
    asks = _is_request(rest, workspace) and not (refuses and not any(c.kind in THINGS for c in find(rest, workspace)))
    return Request(rest, refuses) if asks else Unclear(why)


def corrects(text: str) -> bool:
    """Whether words say by themselves that they are about what came before: "no, …", "… instead"."""
    rest, refuses = without_no(text)
    return bool(rest) and (refuses or words().instead.search(text) is not None)


def says_change(text: str) -> bool:
    """Whether words begin as a change of something does: also "use …", "only …", "with …"."""
    return corrects(text) or words().opens_change.match(text.strip()) is not None


def without_no(text: str) -> tuple[str, bool]:
    """What follows the no with which a text begins, and whether it does."""
    stripped = text.strip()
    found = words().no.match(stripped)
    return (stripped[found.end() :].lstrip(" ,.;:!-–—").strip(), True) if found else (stripped, False)


def _is_fragment(text: str, workspace: Path) -> bool:
    """ "2 epochs", "the other file b.jsonl"."""
    return len(text.split()) <= MOST_WORDS and not _is_request(text, workspace)


def _names_another_tool(text: str, plan: Plan) -> bool:
    said = {tool for tool, pattern in words().verbs.items() if pattern.search(text)}
    return not said <= {step.tool for step in plan.steps}


def _is_request(text: str, workspace: Path) -> bool:
    """Whether it says by itself what is to be done, or asks."""
    if answers.kind_of(text) or again.is_again(text) or again.is_go_on(text) or text.rstrip().endswith("?"):
        return True
    return rules_sure(intents.find(clauses.split(clauses.read(text, find(text, workspace))), tools.load_all()))
