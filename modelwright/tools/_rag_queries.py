"""Other ways to ask the same: for multi-query search, second tries, and HyDE.

Rewrites are made without a model, of the question's own words, so they can never ask for something else. Only `hypothetical`
asks a model, and its answer is searched for and then thrown away.
"""

from __future__ import annotations

import re

from modelwright.contract import ToolContext
from modelwright.scoring.citations import STOP, words
from modelwright.tools._rag_model import say

LONGEST_MADE_UP = 80
"""Tokens."""
_ASKING = re.compile(
    r"^(?:please\s+)?(?:what|which|who|whom|whose|when|where|why|how(?:\s+(?:much|many|long|often|far|old|loud))?|can|could|may|do|does|did|is"
    r"|are|was|were|will|would|should|tell me|explain|describe|find|show me)\b[\s,]*",
    re.I,
)
_JOINTS = re.compile(r"\s+(?:and|or|as well as|but also)\s+|[;?]\s+", re.I)


def variants(query: str) -> list[str]:
    """At most three rewrites that differ from the query and from each other: its key words, its statement, its parts."""
    found = [keywords(query), statement(query), *_parts(query)]
    plain = " ".join(query.lower().split())
    kept = {" ".join(one.lower().split()): one for one in found if len(one.split()) >= 2}
    return [one for key, one in kept.items() if key != plain][:3]


def keywords(query: str) -> str:
    """Without the words that carry no content."""
    return " ".join(word for word in words(query) if word.lower() not in STOP)


def statement(query: str) -> str:
    """Without the asking: `How long is the warranty?` -> `is the warranty`."""
    return _ASKING.sub("", query).rstrip("? .")


def _parts(query: str) -> list[str]:
    parts = [part.strip("? .") for part in _JOINTS.split(query) if part.strip("? .")]
    return parts if len(parts) > 1 else []


def hypothetical(query: str, model: str, ctx: ToolContext) -> list[str]:
    """A made-up answer to the query (HyDE, Gao et al. 2022, arXiv 2212.10496), in a list; empty when the model says nothing."""
    asked = f"Write two plain sentences that answer this question, as a handbook would: {query}"
    said = say([{"role": "user", "content": asked}], model, ctx, tokens=LONGEST_MADE_UP)
    return [said] if said.strip() else []
