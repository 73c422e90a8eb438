""" "and the cache in q8_0?", "what about 32k?": a request without a verb is the newest plan that can take what it names.

Where its words name a tool, only plans with that tool are meant. A request with a verb of its own, or with nothing that a plan
could take, is none of these. Nothing is asked: what no plan takes goes to the planner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright import tools
from modelwright.agent.followups import again
from modelwright.agent.followups.words import words
from modelwright.agent.past import Past
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning import clauses, intents
from modelwright.graphs.planning.candidates import find

MOST_WORDS = 8


def change(request: str, pasts: Sequence[Past], workspace: Path) -> again.Changed | None:
    """The newest finished plan that takes every value of an elliptic request; None where it is not elliptic or no plan does."""
    if not _is_elliptic(request):
        return None
    named = _tools(request, workspace)
    for past in pasts:
        if past.plan is None or past.unfinished or not named <= {step.tool for step in past.plan.steps}:
            continue
        try:
            changed = again.applied(request, past.plan, past.run.id, workspace)
        except QuestionOpen:
            continue
        if changed.changes:
            return changed
    return None


def _is_elliptic(request: str) -> bool:
    opens = words().elliptic.match(request.strip())
    if not opens or len(request.split()) > MOST_WORDS or not (request.rstrip().endswith("?") or "about" in opens.group().lower()):
        return False
    return not any(pattern.search(request) for pattern in words().verbs.values())


def _tools(request: str, workspace: Path) -> set[str]:
    """What its nouns are about: "the cache" is kv_cache's."""
    found = find(request, workspace)
    return {i.tool for i in intents.find(clauses.split(clauses.read(request, found)), tools.load_all()) if i.tool in tools.load_all()}
