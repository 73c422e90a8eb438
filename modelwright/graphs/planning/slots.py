"""The question that a planning model is asked: the request with a tag on every value, and the cards of the recalled tools.

    fine-tune [M1 builtin] on [D1 train.jsonl] for [N1 three] epochs

A path that is not there is tagged by what its name says that it is. Text that a document says, or that is quoted, is
left out: what is no command is no input.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.contract import Tool
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import card
from modelwright.graphs.planning.clauses import quoted_data
from modelwright.graphs.planning.paths import DATA_ENDINGS, MODEL_ENDINGS
from modelwright.models.base import DraftQuestion, Slot

LETTERS = {
    "dataset": "D",
    "model": "M",
    "folder": "F",
    "glob": "F",
    "file": "P",
    "output": "O",
    "number": "N",
    "memory": "G",
    "money": "C",
    "quant": "Q",
    "gpu": "U",
    "index": "X",
}
"""Kinds that are slots, with the letter of their tags. Named values (lora, gguf, bm25) stay words: they are choices."""


def looks(candidate: Candidate) -> str:
    """The kind; of a path that is not there, the kind that its name speaks of."""
    if candidate.kind != "missing":
        return candidate.kind
    name = str(candidate.value).lower().rsplit("/", 1)[-1]
    if name.endswith(tuple(MODEL_ENDINGS)):
        return "model"
    if name.endswith(tuple(DATA_ENDINGS)):
        return "dataset"
    return "file" if "." in name.strip(".") else "folder"


def tagged(found: Sequence[Candidate]) -> dict[str, Candidate]:
    """Tag -> candidate, in the order of the request; one that lies inside another has none, nor has the same value twice."""
    tags: dict[str, Candidate] = {}
    counts: dict[str, int] = {}
    end = -1
    for candidate in sorted(found, key=lambda c: (c.start, -c.end)):
        letter = LETTERS.get(looks(candidate))
        if letter is None or candidate.start < end:
            continue
        end = candidate.end
        counts[letter] = counts.get(letter, 0) + 1
        tags[f"{letter}{counts[letter]}"] = candidate
    return tags


def question(request: str, found: Sequence[Candidate], tools: Sequence[Tool]) -> tuple[DraftQuestion, dict[str, Candidate]]:
    """The question, and what its tags stand for. `tools` are the recalled ones, best first."""
    data = quoted_data(request, found)
    outside = [c for c in found if not any(start <= c.start < end for start, end in data)]
    tags = tagged(outside)
    slots = tuple(Slot(tag, looks(c), c.text, c.value) for tag, c in tags.items())
    cards = tuple(card(tool, request, outside) for tool in tools)
    return DraftQuestion(request, masked(request, tags, data), slots, cards), tags


def masked(request: str, tags: dict[str, Candidate], data: Sequence[tuple[int, int]] = ()) -> str:
    """The request with [TAG text] for every slot, and three dots for every quoted text."""
    pieces = [(c.start, c.end, f"[{tag} {c.text}]") for tag, c in tags.items()] + [(start, end, "…") for start, end in _merged(data)]
    text, position = "", 0
    for start, end, new in sorted(pieces):
        if start >= position:
            text += request[position:start] + new
            position = end
    return " ".join((text + request[position:]).split())


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
