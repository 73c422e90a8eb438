"""A type that only quantize can make asks for quantize, whoever takes the words: "compare a.gguf with its Q4 version"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelwright.contract import Tool
from modelwright.graphs.planning import cache_types
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.tool_names import LOSS, TRAINS

_LOST = re.compile(
    r"\b(?:loss|los[et]s?|lost|degrad\w+|damage\w*|worse|hurts?|impact|gap|kld?|diverge\w+|difference|original\w*"
    r"|verlust\w*|verlor\w*|verli[ee]s\w*|slechter|förlust\w*|förlor\w*|sämre|försämr\w*|stryk|tab|tabt|tapt\w*|dårligere|forringe\w*|ringere"
    r"|perd\w+|pérdida|pire|peor|peggio\w*|pior|gorsz\w+|strac\w+|strat\w+|schlechter|verschlechter\w*)\b",
    re.IGNORECASE,
)


def with_quantize(asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[Intent]:
    """ "compare a.gguf with its Q4 version", "export it as Q4_K_M": a type that only quantize can make asks for quantize."""
    if "quantize" not in tools:
        return list(asked)
    if any(i.tool in ("kv_cache", LOSS) for i in asked):
        asked = cache_types.without_their_clauses(asked)
    if any(i.tool == "quantize" for i in asked):
        return _measured([i for i in asked if not (i.tool == "export_model" and _is_file(i))], tools)
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


def _measured(asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[Intent]:
    """ "make a Q4_K_S and tell me its loss on text.txt": behind a quantizing, a comparison on plain text, or an evaluation where a
    loss is spoken of, measures what that cost."""
    names = [i.tool for i in asked]
    measures = [i for i in asked[names.index("quantize") + 1 :] if i.tool in ("compare", "evaluate") and _on_text(i)]
    words = " ".join(t.text for i in asked for t in i.clause.tokens if t.candidate is None)
    if LOSS in names or LOSS not in tools or not measures or not TRAINS.isdisjoint(names):
        return list(asked)
    if not any(i.tool == "compare" for i in measures) and not _LOST.search(words):
        return list(asked)
    kept = [i for i in asked if i not in measures[:-1]]
    return [Intent(i.clause, {}, LOSS, i.waits, {"dataset": _texts(i)[:1]}) if i is measures[-1] else i for i in kept]


def _on_text(intent: Intent) -> bool:
    others = {c.value for name, values in intent.chosen.items() if name == "models" for c in values}
    return bool(_texts(intent)) and len(others) < 2


def _texts(intent: Intent) -> list[Candidate]:
    """The plain text that it measures on."""
    found = [*intent.chosen.get("dataset", ()), *intent.clause.candidates]
    return [c for c in found if c.kind == "dataset" and str(c.value).lower().endswith((".txt", ".md"))]


def _is_file(intent: Intent) -> bool:
    """Whether its model is a GGUF file, of which nothing is left to export."""
    return any(c.kind == "model" and str(c.value).lower().endswith(".gguf") for c in intent.clause.candidates)
