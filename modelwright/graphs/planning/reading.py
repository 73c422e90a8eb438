"""What code found in a request, before any tool is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelwright.graphs.planning.arguments import Said
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.words import Token


@dataclass(frozen=True)
class Reading:
    request: str
    found: Sequence[Candidate]
    tokens: Sequence[Token]
    tags: Mapping[str, Candidate]
    """What the marks of the model's draft stand for."""
    said: Sequence[Said] = ()
    """The arguments that the request speaks of."""
