"""What is said to a plan that stands: "no, use Q6_K", "also Q8_0", "only 2 epochs", "how long will it take?", "yes", "no".

Such words change the plan they are said to, and nothing else of it; which values go where is again.py's. Three facts: a request of
its own ("now evaluate it") is no correction, also after a no; words without a no, an "instead" or the like are one only when they are
few, as people write whole requests too while a plan waits; and a yes in words allows nothing. Asks no model, runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from modelwright import tools
from modelwright.agent.followups import again, answers, elliptic, removal, spoken
from modelwright.agent.followups.words import words
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning import clauses, intents
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.sheet import THINGS
from modelwright.graphs.planning.weighing import rules_sure
from modelwright.types import Json, Plan

MOST_WORDS = 6
"""Of words that are taken for a change though nothing in them says so: "the other file data/b.jsonl please"."""
NOTHING_CHANGED = "nothing of the plan is changed by these words"
HOW = 'name what to change ("3 epochs", "use Q6_K", "also Q8_0", "with b.jsonl instead"), or an argument (epochs=3)'
NO_STEP = 'words add no step to a plan: say no and the whole of what you want ("no, fine-tune … and evaluate it on …")'
NO_HASTE = "nothing runs until it is allowed: the plan waits as long as you like"
ABOUT_THE_PLAN = ("why", "where", "time", "cost", "help", "able", "progress", "hello", "thanks", "quit")
"""Kinds of questions that a plan which waits is asked."""


@dataclass(frozen=True)
class Change:
    """Arguments of the plan's steps that are to be others."""

    changes: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """A plain no."""


@dataclass(frozen=True)
class Yes:
    """A yes in words, or "go on": it has to be given by its key or its command."""


@dataclass(frozen=True)
class Question:
    """Something is asked about the plan."""

    text: str


@dataclass(frozen=True)
class Request:
    """Something else is wanted. `instead`: the plan is refused for it."""

    text: str
    instead: bool = False


@dataclass(frozen=True)
class Unclear:
    """It may have been meant for the plan; `why` nothing came of it."""

    why: str


Correction = Change | Refusal | Yes | Question | Request | Unclear


def read(text: str, plan: Plan, workspace: Path, *, is_reason: bool = False) -> Correction:
    """What words say to a plan that waits for a yes. The plan itself stays as it is. `is_reason`: they are known to be about it."""
    rest, refuses = without_no(text)
    if spoken.is_later(text):
        return Unclear(NO_HASTE)
    if (refuses and not rest) or spoken.is_dismissal(text):
        return Refusal()
    if spoken.is_yes(text) or spoken.is_go_on(text):
        return Yes()
    wish = spoken.wish(rest)
    if not refuses and _is_question(text, wish, workspace):
        return Question(wish)
    if spoken.opens_step(wish) and not spoken.tools_named(wish) <= _tools(plan):
        return Unclear(NO_STEP)
    if _names_another_tool(rest, plan):
        return Request(rest, refuses)
    if not (is_reason or _may_change(text, rest, wish, plan, workspace)):
        return _request_or(f"{NOTHING_CHANGED}. {HOW}", rest, refuses, workspace)
    return _changed(text, rest, plan, workspace)


def _changed(text: str, rest: str, plan: Plan, workspace: Path) -> Change | Request | Unclear:
    refuses = rest != text.strip()
    is_short = len(text.split()) <= MOST_WORDS and _is_about(rest, plan, workspace)
    try:
        changes = again.changed(text, plan, workspace, adds=spoken.adds(rest))
    except QuestionOpen as question:
        if removal.takes_out(text, workspace) or is_short:
            return Unclear(str(question))
        return _request_or(str(question), rest, refuses, workspace)
    if changes.args:
        return Change(changes.args)
    has = is_short and not refuses and bool(find(rest, workspace))
    return Unclear(f"{NOTHING_CHANGED}. {HOW}") if has else _request_or(f"{NOTHING_CHANGED}. {HOW}", rest, refuses, workspace)


def _request_or(why: str, rest: str, refuses: bool, workspace: Path) -> Request | Unclear:
    """What changed nothing: after a no it is a request only where it names a thing, as "no, too slow" asks for nothing."""
    asks = _is_request(spoken.wish(rest).rstrip(" ?"), workspace) and not (
        refuses and not any(c.kind in THINGS for c in find(rest, workspace))
    )
    return Request(rest, refuses) if asks else Unclear(why)


def _may_change(text: str, rest: str, wish: str, plan: Plan, workspace: Path) -> bool:
    """Whether words say that they change something, are put as a wish, or are few."""
    if says_change(text) or says_change(wish) or removal.takes_out(text, workspace):
        return True
    hinted = wish != rest.strip(" ,.;:!-–—…\t") or spoken.adds(rest) or len(text.split()) <= MOST_WORDS
    said = wish.rstrip(" ?")
    return hinted and not _asks(said) and (not _sure(said, workspace) or _is_about(said, plan, workspace))


def _is_about(text: str, plan: Plan, workspace: Path) -> bool:
    """ "export in f16", "values in q5_1": it names no thing, and a deed only if that is a step of the plan."""
    return not any(c.kind in THINGS for c in find(text, workspace)) and elliptic.about(text, workspace) <= _tools(plan)


def _is_question(text: str, wish: str, workspace: Path) -> bool:
    """About the plan, or about nothing that another run could look at."""
    if kind := answers.kind_of(text) or answers.kind_of(wish):
        return kind in ABOUT_THE_PLAN
    if elliptic.is_elliptic(text) and not words().asks.match(wish) and find(text, workspace):  # "and at 32k?"
        return False
    own = _sure(wish, workspace) and any(c.kind in THINGS for c in find(wish, workspace))
    return spoken.is_question(wish) and not own


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


def _names_another_tool(text: str, plan: Plan) -> bool:
    return not {tool for tool, pattern in words().verbs.items() if pattern.search(text)} <= _tools(plan)


def _tools(plan: Plan) -> set[str]:
    return {step.tool for step in plan.steps}


def _is_request(text: str, workspace: Path) -> bool:
    """Whether it says by itself what is to be done, or asks."""
    return _asks(text) or _sure(text, workspace)


def _asks(text: str) -> bool:
    return bool(answers.kind_of(text)) or again.is_again(text) or spoken.is_go_on(text) or text.rstrip().endswith("?")


def _sure(text: str, workspace: Path) -> bool:
    return rules_sure(intents.find(clauses.split(clauses.read(text, find(text, workspace))), tools.load_all()))
