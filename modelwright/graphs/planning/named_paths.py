"""Files and folders that the request names beside what they are for: "validate on b.jsonl", "weighted with c.txt"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from modelwright.graphs.planning import named, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec

KINDS_BESIDE = {"model": ("model", "missing"), "documents": ("model", "folder", "missing")}
_FROM = "aus|mit|auf|anhand|de|du|avec|sur|con|sobre|da|di|su|com|em|met|uit|op|med|på|från|fra|z"
"""From, with and on in other languages."""


def paths(fields: Mapping[str, FieldSpec], main: str, candidates: Sequence[Candidate], text: str) -> dict[str, Candidate]:
    """Which path fills which data set or file beside the main one, by the words next to it."""
    placed: dict[str, Candidate] = {}
    roles = phrases.phrases().roles
    own = [f for f in fields.values() if f.role in ("dataset", "file", "model") or (f.role and f.name in roles)]
    wanted = [f for f in own if f.name not in (main, "model") and not f.is_list]
    for field in wanted:
        before, after = _path_patterns(field.name)
        kinds = KINDS_BESIDE.get(field.role, ("dataset", "file", "missing"))
        for candidate in candidates:
            if candidate in placed.values() or candidate.kind not in kinds:
                continue
            stands = phrases.role(field.name, text, candidate.start, candidate.end)
            if stands or before.search(text[max(0, candidate.start - 60) : candidate.start]) or after.match(text[candidate.end :]):
                placed.setdefault(field.name, candidate)
    return placed


@lru_cache(maxsize=64)
def _path_patterns(field: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    spoken = "|".join(re.escape(n).replace(r"\ ", r"[\s_-]+") for n in named.names_of(field))
    before = re.compile(
        rf"\b(?:{spoken})\b(?:\s+(?:on|in|from|with|set|data|dataset|file|is|the|against|text|using|by|{_FROM}|=))*[\s:='\"`(]*$",
        re.IGNORECASE,
    )
    after = re.compile(rf"['\"`]?\s*(?:\(|(?:as|for|is|being|serves as|to)\s+)(?:the|an|a|my|our|its)?\s*(?:{spoken})\b", re.IGNORECASE)
    return before, after
