"""What a type of the key-value cache costs in quality is measured by quantization_quality, whatever the words suggest.

"Does a q8_0 KV cache make m.gguf any dumber?" speaks of a cache, of a type, of an evaluation: none of their tools answers it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelwright.contract import Tool
from modelwright.graphs.planning.cache_types import is_one
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.intents import Intent

MEASURES = "quantization_quality"
_TAKEN_FOR = frozenset({"kv_cache", "quantize", "evaluate", "compare", "inspect_dataset", "rag_answer", MEASURES})
_QUALITY = re.compile(
    r"\b(?:qualit\w+|qualität\w*|perplexit\w+|ppl|kl|kld|divergence|dumb\w*|stupid\w*|worse|bad|hurts?|harm\w*|damag\w+|suffers?|degrad\w+"
    r"|kwaliteit\w*|kvalitet\w*|calidad|jakoś\w+|slechter|sämre|dårligere|gorsz\w+|peor|pire|peggio\w*|pior\w*|schlechter"
    r"|verli[ee]s\w*|verliezen|verlust\w*|pert[ea]|pérdida|perdita|perda|förlust\w*|dommer|dümmer"
    r"|los[et]s?|loss|accura\w+|predict\w+|same (?:next )?(?:words?|tokens?))\b",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"\b(?:how (?:big|large|much memory|many)|size|bytes|fits?|gi?b|memory (?:does|do|is|will)"
    r"|hoe groot|hoeveel geheugen|hur stor|hur mycket minne|hvor stor|hvor mye minne|hvor meget hukommelse|wie groß|wie viel speicher)\b",
    re.IGNORECASE,
)


def settled(asked: Sequence[Intent], request: str, found: Sequence[Candidate], tools: Mapping[str, Tool]) -> list[Intent]:
    """One measurement in place of what it was taken for, where nothing else is asked."""
    is_cache = any(c.kind == "quant" and is_one(c, request) for c in found)
    means = is_cache and MEASURES in tools and _QUALITY.search(request) and not _SIZE.search(request)
    if not means or not asked or not {i.tool for i in asked} <= _TAKEN_FOR:
        return list(asked)
    everything = {t.start: t for i in asked for t in i.clause.tokens}
    chosen = next((i.chosen for i in asked if i.tool == MEASURES), {})
    return [Intent(Clause(tuple(everything[start] for start in sorted(everything))), {}, MEASURES, chosen=chosen)]
