"""A type that only quantize can make asks for quantize, whoever takes the words: "compare a.gguf with its Q4 version"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwright.contract import Tool
from modelwright.graphs.planning import cache_types
from modelwright.graphs.planning.intents import Intent


def with_quantize(asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[Intent]:
    """ "compare a.gguf with its Q4 version", "export it as Q4_K_M": a type that only quantize can make asks for quantize."""
    if "quantize" not in tools:
        return list(asked)
    if any(i.tool in ("kv_cache", "quantization_quality") for i in asked):
        asked = cache_types.without_their_clauses(asked)
    if any(i.tool == "quantize" for i in asked):
        return [i for i in asked if not (i.tool == "export_model" and _is_file(i))]
    result: list[Intent] = []
    for intent in asked:
        types = [c for c in intent.clause.candidates if c.kind == "quant"]
        models = {c.value for c in intent.clause.candidates if c.kind == "model"}
        makes = intent.tool == "export_model" and (_is_file(intent) or any(c.value != "Q8_0" for c in types))
        if types and (makes or (intent.tool == "compare" and len(models) < 2)):
            result.append(Intent(intent.clause, {}, "quantize"))
        if not (types and makes):
            result.append(intent)
    return result


def _is_file(intent: Intent) -> bool:
    """Whether its model is a GGUF file, of which nothing is left to export."""
    return any(c.kind == "model" and str(c.value).lower().endswith(".gguf") for c in intent.clause.candidates)
