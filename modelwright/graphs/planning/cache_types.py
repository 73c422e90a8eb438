"""Types of the key-value cache among types of the weights: "q8_0" may be either, and what stands around it tells.

A type beside "KV" or "cache" is the cache's. So is one in a clause of its own after a question about the cache, unless a
deed or a model stands with it: "and kept in q8_0?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.intents import Intent

_BEFORE = re.compile(
    r"\b(?:kv|cache)\b(?:[^.;?!]|\.(?=\S)){0,60}$"
    r"|\b(?:keys?|values?|clés?|valeurs?|schlüssel|werte|claves?|valores|chiavi|valori|chaves|sleutels|waarden)"
    r" (?:(?:in|en|as|at|als|em|à) )?$",
    re.IGNORECASE,
)
_CACHE = r"(?:i?q\d_(?:\d|nl)|bf16|fp?(?:8|16|32))"
_AFTER = re.compile(
    rf"(?:\s*(?:,|/|\b(?:and|or|vs|versus|und|et|y|e)\b)*\s*(?:an? |the )?{_CACHE})*"
    r"[\s-]*(?:(?:for|of|in|für|pour|para|per|voor|för|til|dla) (?:(?:the|its|den|le|la|el|il|de|o) )?)?"
    r"(?:(?:kv|k/v)?[\s-]*cach(?:e|é)\w*|keys?(?: and|/| ?&| \+) ?values?\b)",
    re.IGNORECASE,
)
"""Behind a type, maybe with others between: "a q8_0 and a q4_0 KV cache"."""
_OF_WEIGHTS = re.compile(r"q\d_?k|xx?s$|gptq|awq|nf4", re.IGNORECASE)
"""No cache has such a type."""
_MAKES = re.compile(r"quant|shrink|compress|small|make|creat|convert|build|produc|turn|write|cut|squeez", re.IGNORECASE)


def is_one(candidate: Candidate, request: str) -> bool:
    if _OF_WEIGHTS.search(candidate.text):
        return False
    return bool(_BEFORE.search(request[: candidate.start]) or _AFTER.match(request[candidate.end :]))


def or_weights(field: FieldSpec, found: Sequence[Candidate], request: str) -> list[Candidate]:
    """The types that are meant by `types` or `kv_cache_types`; the cache's are written small."""
    types = [c for c in found if c.kind == "quant"]
    if field.name == "types":
        return [c for c in types if not is_one(c, request)]
    return [replace(c, value=str(c.value).lower()) for c in types if is_one(c, request)]


def without_their_clauses(asked: Sequence[Intent]) -> list[Intent]:
    """A clause that seems to ask for quantize only by a type of the cache belongs to the one before."""
    kept: list[Intent] = []
    for intent in asked:
        of_weights = any(c.kind == "quant" and _OF_WEIGHTS.search(c.text) for c in intent.clause.candidates)
        if intent.tool == "quantize" and not of_weights and not _makes_files(intent) and kept:
            kept[-1].clause = kept[-1].clause + intent.clause
        else:
            kept.append(intent)
    return kept


def _makes_files(intent: Intent) -> bool:
    words = " ".join(t.text for t in intent.clause.tokens if t.candidate is None)
    return bool(_MAKES.search(words)) or any(c.kind == "model" for c in intent.clause.candidates)
