"""Questions about the field in general ("explain KV cache to me"): nothing of the user's is named, so nothing is planned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.lexicon import LIKELY
from modelwright.graphs.planning.sheet import THINGS

_ADVICE = re.compile(
    r"^\W*(?:please |hi |hello |hey |ok |so )*(?:(?:what|who)(?:'s| is| are| does| do| was) "
    r"(?!wrong|in |inside|the (?:quality|score|accuracy|perplexity|format|size|speed|throughput|latency))|why\b|"
    r"how (?:do|does|can|should|would|could|come|to|is|are|many|long) |should (?:i|we)\b|explain\b|describe how\b|define\b|"
    r"when\b|where\b|who\b|"
    r"tell me (?:about|what|how|why)\b|is (?:lora|qlora|dora|quantization|fine-tuning)\b)",
    re.IGNORECASE,
)


_COURTESY = re.compile(
    r"^\W*(?:many |ok |okay |great |super )*(?:thanks|thank you|thx|ty|cheers|hi|hello|hey|good (?:morning|evening|afternoon|night)|bye"
    r"|see you|danke|hallo|guten (?:morgen|abend|tag)|tschüss|merci|bonjour|salut|gracias|hola|buenos días|grazie|ciao|obrigad[oa])\b",
    re.IGNORECASE,
)


def is_courtesy(request: str, found: Sequence[Candidate], likely: float) -> bool:
    """ "thanks, that was quick!": no thing is named, and the words speak for no tool more than a hint does (`likely` are their points)."""
    return bool(_COURTESY.search(request)) and likely < LIKELY and not found


def asked_for(request: str, found: Sequence[Candidate]) -> bool:
    return bool(_ADVICE.search(request)) and not any(c.kind in THINGS for c in found)
