"""Which values of a request an argument can take: its own kind, and the kinds that share a word with it.

"q8_0" is a type of weights and a number format of a key-value cache. It is the cache's where no argument of the plan takes types of
weights, or where "cache" stands beside it; so "also Q8_0" changes a list of types and never how an export before it is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelwright.graphs.planning.cache_types import is_one
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.fill_words import as_allowed
from modelwright.graphs.planning.lexicon import lexicon

QUANT, DTYPE, CACHE_LIST = "quant", "dtype", "kv_cache_types"


class Kinds:
    """Of one plan and one request. `fields` are the arguments of all its steps."""

    def __init__(self, request: str, fields: Sequence[FieldSpec]) -> None:
        self._request = request
        self._takes_quants = any(_kind(f) == QUANT for f in fields)
        self._has_cache = any(_is_of_cache(f) for f in fields)

    def value(self, spec: FieldSpec, candidate: Candidate, given: Sequence[str]) -> Any:
        """What the argument becomes by this value of the request; None where it does not take it. `given`: those its step has."""
        kinds = {_kind(spec)} - {""}
        if candidate.kind == QUANT and (spec.name == CACHE_LIST or _kind(spec) in (QUANT, DTYPE)):
            value = as_allowed(spec, candidate) if self._takes_type(spec, candidate) else None
            return value.lower() if value and spec.name == CACHE_LIST else value
        if candidate.kind == DTYPE and _weights_are_told(given) and not is_one(candidate, self._request):
            kinds = {DTYPE} if spec.name == "quantization" else kinds - {DTYPE}
        if candidate.kind == "cache" and _is_of_cache(spec):
            kinds = {"cache"}
        return as_allowed(spec, candidate) if candidate.kind in kinds else None

    def _takes_type(self, spec: FieldSpec, candidate: Candidate) -> bool:
        of_cache = is_one(candidate, self._request)
        if _is_of_cache(spec):
            return of_cache or not self._takes_quants
        return not (of_cache and self._has_cache) if _kind(spec) == QUANT else not self._takes_quants


def _weights_are_told(given: Sequence[str]) -> bool:
    """ "and at f16?" after the fit of a model in Q4_K_M is about its weights, where no format of the cache was named."""
    return "quantization" in given and "dtype" not in given


def _kind(spec: FieldSpec) -> str:
    return lexicon().tables.get(spec.name, "")


def _is_of_cache(spec: FieldSpec) -> bool:
    return spec.name == CACHE_LIST or (_kind(spec) == DTYPE and ("cache" in spec.description or "keys and values" in spec.description))
