"""What a request means after others: a question about what was done, an earlier plan again, or a new request that says "it".

    meaning = read("now quantize it", pasts, workspace)        # pasts: the session's runs, newest first

No model is needed: phrases stand in words.toml. Nothing is run here; what is read are the records of past runs. A request
that is none of these goes to the planner as it was written, with the things that its words refer to beside it.

words.py     the phrases                      things.py    what the session's runs made and used
mentions.py  "it", "both" -> things           again.py     "again with rank 32" -> a changed plan
answers.py   "why?" -> an answer              ranking.py   "which run was best?" -> scores, and whether they can be told apart
corrections.py  "no, use Q6_K" -> a change of the plan that waits      of_plan.py   "how long will it take?" -> its estimates
elliptic.py  "and in q8_0?" -> the plan that takes it          progress.py  "how far is it?" -> what a run has reached
editor.py, kinds.py, removal.py  where a value goes in a plan, and which are to go from its lists
undecided.py  "why can't you tell?"          origins.py  where an argument came from, in words
spoken.py    a yes, a stop, a wish, an addition, "go on"
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.agent.followups import again, answers, corrections, elliptic, mentions, of_plan, spoken
from modelwright.agent.followups.ranking import rank
from modelwright.agent.followups.things import held, seen_from
from modelwright.agent.past import Past
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning.candidates import find
from modelwright.types import Json, Plan, Thing
from modelwright.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """Said, and nothing done. `exit_code` 3 when only the user can say more."""

    text: str
    exit_code: int = 0


@dataclass(frozen=True)
class Again:
    """Run this plan: the one of `run` with `changes` (step -> arguments)."""

    plan: Plan
    run: str
    changes: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """Answer what this run asks: `reply` is {edit} or {reject}, `plan` what comes of it."""

    run: str
    reply: Json
    plan: Plan | None = None


@dataclass(frozen=True)
class GoOn:
    """Resume this run: it failed or was stopped, and nothing is to be changed."""

    run: str


@dataclass(frozen=True)
class End:
    """Refuse what is left of this run, from `step` on; without a step, what it asks is dropped."""

    run: str
    step: str = ""


@dataclass(frozen=True)
class Ask:
    """Ask the planner. `things` are what the request's words refer to, and what it could."""

    things: tuple[Thing, ...] = ()


Meaning = Answer | Again | Reply | GoOn | End | Ask


NOTHING_LEFT = "nothing was left unfinished here, so there is nothing to go on with: say what you want"


def _no_others() -> Sequence[Past]:
    return ()


def read(request: str, pasts: Sequence[Past], workspace: Workspace, others: Callable[[], Sequence[Past]] = _no_others) -> Meaning:
    """What it means. `others` gives unfinished runs of other sessions of this folder, newest first, for "go on".

    Raises QuestionOpen when something is referred to that cannot be told from the records.
    """
    waits = pasts[0] if pasts and pasts[0].plan is not None and pasts[0].waits_for == "approval" else None
    if waits and (told := _to_plan(request, waits, workspace)):
        return told
    if waits is None and (no_more := _no_more(request, pasts, others)):
        return no_more
    if question := answers.kind_of(request):
        text = answers.answer(question, pasts or (others() if question == "progress" else ()), workspace)
        if text is not None:
            return Answer(text)
        if question == "best" and "run" in request.lower():
            return Answer("no run of this session measured a model yet: say, for example, compare both on eval.jsonl")
    if pasts and (pasts[0].unfinished or pasts[0].run.status == "failed") and again.is_retry(request):
        return GoOn(pasts[0].run.id)
    if target := spoken.go_on(request):
        if left := _left(target, pasts, others):
            return GoOn(left.run.id)
        if not target.named:
            return Answer(NOTHING_LEFT)
    if pasts and (corrected := _correction(request, pasts[0], workspace.root)):
        return corrected
    if again.is_again(request) and (changed := again.change(request, pasts, workspace.root)):
        return Again(changed.plan, changed.run, changed.changes)
    if short := elliptic.change(request, pasts, workspace.root):
        return Again(short.plan, short.run, short.changes)
    return Ask(tuple(_things(request, pasts, workspace.root)))


def _no_more(request: str, pasts: Sequence[Past], others: Callable[[], Sequence[Past]]) -> Answer | End | None:
    """A no, a stop or a "cancel it" where no plan waits for an answer."""
    left = next((past for past in pasts if past.unfinished), None)
    if spoken.is_end(request) and left:
        return _ended(left)
    if spoken.is_end(request) and (left := next(iter(others()), None)):
        at = next((step.id for step in left.steps if step.status != "done"), "s1")
        return Answer(f"nothing is running; {left.stands()}, of another session: modelwright resume {left.run.id} --reject {at} ends it")
    if spoken.is_stop(request):
        return Answer("nothing is running" + (f'; {left.stands()}: "go on" goes on with it, "cancel it" ends it' if left else ""))
    rest, refuses = corrections.without_no(request)
    if spoken.is_dismissal(request) or (refuses and not rest):
        return Answer("all right; nothing waits for an answer" + (f", but {left.stands()}" if left else ""))
    return None


def _ended(left: Past) -> End:
    """A question or a bound that waits is dropped, as nothing of the run is there to be refused; so is what has no plan."""
    if left.waits_for in ("question", "budget") or not left.steps:
        return End(left.run.id)
    at = left.asked or [step.id for step in left.steps if step.status != "done"]
    return End(left.run.id, next(iter(at), left.steps[-1].id))


def _left(target: spoken.Target, pasts: Sequence[Past], others: Callable[[], Sequence[Past]]) -> Past | None:
    """What "go on" means: what was stopped, was cut off or waits; else the last run, where it failed; else what other sessions left."""
    left = [past for past in pasts if past.unfinished] + [past for past in pasts[:1] if past.run.status == "failed"]
    return next((past for runs in (lambda: left, others) for past in runs() if _is_meant(past, target)), None)


def _is_meant(past: Past, target: spoken.Target) -> bool:
    if target.run:
        return past.run.id == target.run
    return target.tools <= {step.tool for step in (past.plan.steps if past.plan else [])}


def _to_plan(request: str, past: Past, workspace: Workspace) -> Answer | None:
    """What is said to a plan that waits, where nobody sits beside it: a question about it, or a yes."""
    assert past.plan is not None
    meant = corrections.read(request, past.plan, workspace.root)
    if isinstance(meant, corrections.Yes) and not spoken.is_go_on(request):
        return Answer(f"words allow nothing: `modelwright resume {past.run.id} --approve` does", 3)
    if isinstance(meant, corrections.Question) and answers.kind_of(request) not in ("why", "where"):
        return Answer(of_plan.answer(meant.text, past.plan, workspace))
    return None


def _correction(request: str, past: Past, root: Path) -> Again | Reply | None:
    """What the words say to the last plan: while it waits for a yes, after it was refused, or where they say so ("… instead")."""
    waits = past.waits_for == "approval"
    if past.plan is None or not (waits or past.refused or corrections.corrects(request)):
        return None
    meant = corrections.read(request, past.plan, root)
    if isinstance(meant, corrections.Refusal) and waits:
        return Reply(past.run.id, {"reject": {past.asked[0]: ""}})
    if isinstance(meant, corrections.Change):
        changed = again.applied(request, past.plan, past.run.id, root, adds=spoken.adds(corrections.without_no(request)[0]))
        return Reply(past.run.id, {"edit": meant.changes}, changed.plan) if waits else Again(changed.plan, past.run.id, changed.changes)
    if isinstance(meant, corrections.Unclear) and corrections.corrects(request):
        raise QuestionOpen(meant.why)
    return None


def _things(request: str, pasts: Sequence[Past], root: Path) -> list[Thing]:
    spoken = mentions.mentions(request, root)
    best = _best(request, pasts, root) if any(mention.to == "best" for mention in spoken) else None
    return mentions.resolve(request, held(pasts, root), root, best)


def _best(request: str, pasts: Sequence[Past], root: Path) -> str | None:
    """The model that was measured to be best. Raises QuestionOpen when the measurements do not tell."""
    named = next((str(c.value) for c in find(request, root) if c.kind == "metric"), None)
    ranking = rank(pasts, named) or rank(pasts)
    if ranking is None:
        return None
    if ranking.winner is None:
        raise QuestionOpen(ranking.text(), fix="name the model that you mean")
    return seen_from(root, ranking.winner.model)
