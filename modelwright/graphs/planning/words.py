"""A request as tokens with their place in it: words, numbers, punctuation, and candidates as one token each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.graphs.planning.candidate import Candidate

_TOKEN = re.compile(r"\([1-9]\)(?=\s)|before ?/ ?after\b|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\w\s]|_")
_INSIDE = re.compile(r"[^\W_][.-][^\W_]|\d,\d")
_OF_COURSE = re.compile(r"of course\b|(?<=\bof )course\b", re.IGNORECASE)
"""Says nothing, and holds the "of" of "which of"."""
SOFT = frozenset({"number", "engine", "mode", "task", "preference", "cache", "index", "memory", "money", "gpu"})
"""Kinds that stay words: cues are made of words, and no cue names these."""


@dataclass(frozen=True)
class Token:
    text: str
    start: int
    end: int
    candidate: Candidate | None = None
    masked: bool = False
    """Part of a noun ("the tuned model", "training data"): no command by itself."""

    @property
    def word(self) -> str:
        return self.text.lower().replace("’", "'")


def tokenize(text: str, candidates: Sequence[Candidate]) -> list[Token]:
    """Words, numbers and punctuation; a thing (a file, a model, a quantization type …) is one token."""
    tokens: list[Token] = []
    taken = sorted((c for c in candidates if c.kind not in SOFT), key=lambda c: (c.start, -c.end))
    position = 0
    for candidate in taken:
        if candidate.start < position:
            continue
        tokens += _plain(text, position, candidate.start)
        tokens.append(Token(candidate.text, candidate.start, candidate.end, candidate))
        position = candidate.end
    return tokens + _plain(text, position, len(text))


def _plain(text: str, start: int, end: int) -> list[Token]:
    """A dot or hyphen inside a word (llama.cpp, fine-tune) and a comma inside a number are left out: they end no clause."""
    found = [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text, start, end) if not _OF_COURSE.match(text, m.start())]
    return [t for t in found if not _INSIDE.fullmatch(text, t.start - 1, t.end + 1)]
