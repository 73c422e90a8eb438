"""Which values of a request are named as those that are not to be: "without Q5_K_M", "replace Q6_K with Q3_K_M", "not rank 16 but 8".

Two facts: what is joined to such a value shares its fate ("drop Q6_K and Q8_0"), and a bare "no" before a value takes it out only where
no comma parts them ("no Q6_K", but "no, Q6_K"). What becomes of a list is `relisted`; which list it is, editor.py finds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.agent.followups.words import words
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.candidates import find

LISTED = frozenset({"quant", "metric"})
"""Kinds of values that stand in lists."""
_NAME = re.compile(
    r"(?:\s+(?!(?:but|use|take|with|set|make|try|only|keep|add|and|or|nimm|mit|usa|con|utilise|avec)\b)[^\W\d]+){0,2}\s*$", re.IGNORECASE
)
"""Words between "not" and its value: "the rank", "learning rate"."""
_JOINED = re.compile(r"\s*(?:(?:,|/|&|\b(?:and|or|nor|und|oder|y|o|et|ou)\b)\s*){1,2}", re.IGNORECASE)
_EXCHANGED = re.compile(r"\b(?:replace|swap|exchange|change|turn|switch|ersetze|reemplaza|cambia|remplace)\b[^,;.]*$", re.IGNORECASE)
_BY_ANOTHER = re.compile(r"[^,;.]*?\s(?:to|into|for|with|by|durch|gegen|por|par)\s", re.IGNORECASE)
_FROM = re.compile(r"\b(?:switch|change|move|go)\b[^,;.]*\sfrom\s+$", re.IGNORECASE)
_TAKEN = re.compile(r"\b(?:take|leave|throw|kick|cut)\s+(?:the\s+)?$", re.IGNORECASE)
_OUT = re.compile(r"\s+(?:out|away|off)\b", re.IGNORECASE)
_MAY_GO = re.compile(
    r"\s+(?:(?:is|are)(?:\s+not|n't)\s+(?:needed|wanted|necessary)|(?:can|should|must|may)\s+(?:go|be\s+(?:dropped|removed|left\s+out)))\b",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:^|[,;.]\s*|\b(?:and|but|with)\s+)(?:no|kein|keine|ningún|pas\s+de)\s+(?:more\s+)?$", re.IGNORECASE)
_ONLY = re.compile(r"\b(?:only|just|nur|solo|sólo|seulement)\s+$", re.IGNORECASE)


def unwanted(candidates: Sequence[Candidate], request: str) -> frozenset[Candidate]:
    """Those that the request names as not to be used. Candidates of one place (a method, a task) share their fate."""
    gone: set[Candidate] = set()
    for candidate in sorted(candidates, key=lambda c: c.start):
        before = max((c for c in candidates if c.end <= candidate.start), key=lambda c: c.end, default=None)
        if _is_refused(candidate, before, candidates, request) or (before in gone and _shares(before, candidate, request)):
            gone.add(candidate)
    return frozenset(gone)


def takes_out(request: str, workspace: Path) -> bool:
    """Whether it says that a value of a list is to go."""
    return any(c.kind in LISTED for c in unwanted(find(request, workspace), request))


def _is_refused(candidate: Candidate, before: Candidate | None, candidates: Sequence[Candidate], request: str) -> bool:
    start = before.end if before else 0
    lead, rest = request[start : candidate.start], request[candidate.end :]
    if candidate.kind in LISTED and (_NO.search(lead) or _MAY_GO.match(rest) or (_TAKEN.search(lead) and _OUT.match(rest))):
        return True
    if _FROM.search(lead):
        return True
    exchanged = _EXCHANGED.search(lead) and (goes_to := _BY_ANOTHER.match(rest))
    if exchanged and goes_to and any(c.start >= candidate.end + goes_to.end() for c in candidates):
        return True
    named = _NAME.search(lead)
    return any(named is not None and match.end() >= named.start() for match in words().unwanted.finditer(lead))


def _shares(before: Candidate | None, candidate: Candidate, request: str) -> bool:
    """ "instead of Q6_K, Q8_0" names the new one behind the comma; "drop Q6_K, Q8_0" does not."""
    if before is None or before.kind != candidate.kind or not _JOINED.fullmatch(between := request[before.end : candidate.start]):
        return False
    return not ("," in between and words().instead.search(request[: before.start]))


def is_only(candidate: Candidate, request: str) -> bool:
    """ "only Q8_0": nothing else stays."""
    return _ONLY.search(request[: candidate.start]) is not None


def relisted(present: Sequence[Any], wanted: Sequence[Any], gone: Sequence[Any]) -> list[Any]:
    """The list without what is to go; what is wanted stands in the place of the first of them."""
    new = [value for value in wanted if value not in present]
    at = next((i for i, value in enumerate(present) if value in gone), len(present))
    kept = [value for value in present[at:] if value not in gone]
    return list(dict.fromkeys([*present[:at], *new, *kept]))
