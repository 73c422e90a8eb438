"""Requests as people really type them: lower case, slips, no full stop, politeness, talk around the matter.

Works on the text with its slots, {d}, which stay whole, and so do words that are values ("dpo", "hybrid").
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Collection

from modelwright.models.adapter import FOLDER

_WORDINGS = tomllib.loads((FOLDER / "wordings.toml").read_text(encoding="utf-8"))["noise"]
_PIECE = re.compile(r"\{\w+\}|[^\W\d_]+|.", re.DOTALL)
_IMPERATIVE = re.compile(r"[A-Za-z]+\b(?! (?:is|are|does|do|did|was|has|have)\b)")
_QUESTION = re.compile(
    r"(?:what|how|why|who|which|where|when|is|are|does|do|did|can|could|will|would|should|i|we|my|our|the|there|hey|hi|please)\b", re.I
)


def noisy(text: str, chance: random.Random, keep: Collection[str] = ()) -> str:
    """`text`, or in about half of the cases some variation of it."""
    if chance.random() < 0.12:
        text = _wrapped(text, chance)
    if chance.random() < 0.2:
        text = re.sub(r"[.!?]+$", "", text)
    if chance.random() < 0.06:
        text = re.sub(r"(?<!\d)[,;:](?= )", "", text)
    if chance.random() < 0.25:
        text = _outside_slots(text, str.lower)
    elif chance.random() < 0.03:
        text = _outside_slots(text, str.upper)
    if chance.random() < 0.15:
        text = slipped(text, chance, keep)
    return text


def _wrapped(text: str, chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.4 and _IMPERATIVE.match(text) and not _QUESTION.match(text):
        return str(chance.choice(_WORDINGS["before"])) + text[0].lower() + text[1:]
    if kind < 0.75:
        return text.rstrip(".!?") + str(chance.choice(_WORDINGS["after"]))
    return str(chance.choice(_WORDINGS["talk"])) + text


def _outside_slots(text: str, change: Callable[[str], str]) -> str:
    return "".join(piece if piece.startswith("{") else change(piece) for piece in _PIECE.findall(text))


def slipped(text: str, chance: random.Random, keep: Collection[str] = ()) -> str:
    """One typing slip in a word of five letters or more."""
    pieces = _PIECE.findall(text)
    words = [i for i, piece in enumerate(pieces) if len(piece) > 4 and piece.isalpha() and piece.lower() not in keep]
    if words:
        at = chance.choice(words)
        pieces[at] = slip(pieces[at], chance)
    return "".join(pieces)


def slip(word: str, chance: random.Random) -> str:
    """Two letters swapped, one lost, or one twice; never the first."""
    at = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]
