""" "and the cache in q8_0?", "what about 32k?", "with recompute": a request without a verb is the newest plan that can take what it names.

Where its nouns name a tool, only plans with that tool are meant; a value names none, as q8_0 may be many things. A request with a verb
of its own, or with nothing that a plan could take, is none of these. What no plan takes goes to the planner, but for what is to go
("without Q6_K"): that is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from modelwright import tools
from modelwright.agent.followups import again, removal
from modelwright.agent.followups.words import words
from modelwright.agent.past import Past
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning import clauses, intents, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.sheet import THINGS

MOST_WORDS = 8
SURE_WORDS = 5
"""So few need no question mark."""


def change(request: str, pasts: Sequence[Past], workspace: Path) -> again.Changed | None:
    """The newest finished plan that takes every value of an elliptic request; None where it is not elliptic or no plan does.

    Raises QuestionOpen where a value is to go that no plan has.
    """
    if not is_elliptic(request):
        return None
    named, missed = about(request, workspace), None
    for past in _finished(pasts):
        if past.plan is None or not named <= {step.tool for step in past.plan.steps}:
            continue
        try:
            changed = again.applied(request, past.plan, past.run.id, workspace)
        except QuestionOpen as question:
            missed = missed or question
            continue
        if changed.changes:
            return changed
    if missed and removal.takes_out(request, workspace):
        raise missed
    return None


def _finished(pasts: Sequence[Past]) -> Iterator[Past]:
    """The last one however it ended; of those before it the ones that came to an end."""
    for number, past in enumerate(pasts):
        if not past.unfinished and (number == 0 or past.run.status in ("done", "unverified")):
            yield past


def is_elliptic(request: str) -> bool:
    """By its form: it opens so, is short, and names no deed."""
    opens, count = words().elliptic.match(request.strip()), len(request.split())
    if not opens or count > MOST_WORDS or not (request.rstrip().endswith("?") or "about" in opens.group().lower() or count <= SURE_WORDS):
        return False
    return not any(pattern.search(request) for pattern in words().verbs.values())


def about(request: str, workspace: Path) -> set[str]:
    """The tools that its words without its values are about: "the cache" is kv_cache's."""
    known, bare = tools.load_all(), request
    for value in _values(request, workspace):
        bare = bare[: value.start] + " " * (value.end - value.start) + bare[value.end :]
    return {i.tool for i in intents.find(clauses.split(clauses.read(bare, find(bare, workspace))), known) if i.tool in known}


def _values(request: str, workspace: Path) -> list[Candidate]:
    flags = [flag for name in phrases.phrases().flags if (flag := phrases.flag(name, request))]
    return [*flags, *(c for c in find(request, workspace) if c.kind not in THINGS)]
