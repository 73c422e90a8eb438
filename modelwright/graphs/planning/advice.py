"""Questions about the field in general ("explain KV cache to me"): nothing of the user's is named, so nothing is planned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.sheet import THINGS

_ADVICE = re.compile(
    r"^\W*(?:please |hi |hello |hey |ok |so )*(?:(?:what|who)(?:'s| is| are| does| do| was) "
    r"(?!wrong|in |inside|the (?:quality|score|accuracy|perplexity|format|size|speed|throughput|latency))|why\b|"
    r"how (?:do|does|can|should|would|could|come|to|is|are|many|long) |should (?:i|we)\b|explain\b|describe how\b|define\b|"
    r"when\b|where\b|who\b|"
    r"tell me (?:about|what|how|why)\b|is (?:lora|qlora|dora|quantization|fine-tuning)\b)",
    re.IGNORECASE,
)


def asked_for(request: str, found: Sequence[Candidate]) -> bool:
    return bool(_ADVICE.search(request)) and not any(c.kind in THINGS for c in found)
