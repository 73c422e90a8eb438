"""Looks for what was purged: its bytes in every file, its words and its meaning in every search.

The probes are the text itself, its sentences, runs of words from it, and paraphrases made by rule: other order, other case,
without its small words. A search counts as a hit when it finds an item that says nearly the same, so a copy that was
remembered in other words is found too and named.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.memory.items import Item
from modelwright.memory.store import Store
from modelwright.memory.words import split
from modelwright.memory.write_gate import likeness
from modelwright.types import Json
from modelwright.workspace import Workspace

if TYPE_CHECKING:
    from modelwright.memory.embedders import Vector

SHORTEST = 12
"""Characters of a part that is looked for by itself: shorter ones are anybody's."""
RUN_OF_WORDS = 6
SAME_MEANING = 0.95
SAME_WORDS = 0.8
FOUND = 5


@dataclass(frozen=True)
class Leak:
    """`where` is a file or a collection, `how` what found it; the text itself is not repeated."""

    where: str
    how: str

    def as_json(self) -> Json:
        return asdict(self)


def secrets_of(items: Sequence[Item]) -> list[str]:
    """What to delete wherever it stands: the texts, their sentences and the request of an episode, longest first."""
    texts = {item.text for item in items} | {str(item.metadata.get("request", "")) for item in items}
    parts = {part.strip() for text in texts for part in re.split(r"\n|(?<=[.!?])\s+", text)}
    return sorted((t for t in texts | parts if len(t) >= SHORTEST or (t in texts and t)), key=len, reverse=True)


def probe(store: Store, workspace: Workspace, items: Sequence[Item], vectors: Mapping[int, Vector | None]) -> tuple[int, list[Leak]]:
    """(number of probes, leaks)."""
    needles = [n for item in items for n in _exact(item.text)]
    leaks = [Leak(name, "bytes") for name in _holding(workspace.home, needles)]
    count = len(needles)
    for name in store.collections():
        for item in items:
            for text in paraphrases(item.text):
                count += 1
                if any(likeness(text, hit.item.text) >= SAME_WORDS for hit in store.search_lexical(name, text, FOUND)):
                    leaks.append(Leak(name, "words"))
            vector = vectors.get(item.id)
            if vector is not None and store.dim(name) == len(vector):
                count += 1
                leaks += [
                    Leak(f"{name}: item {hit.item.id}", "meaning")
                    for hit in store.search_dense(name, vector, 1)
                    if hit.score >= SAME_MEANING
                ]
    return count, sorted(set(leaks), key=lambda leak: (leak.where, leak.how))


def paraphrases(text: str) -> Iterator[str]:
    """The text, its words in another order, without its small words, and its sentences."""
    words = split(text)
    shuffled = list(words)
    random.Random(7).shuffle(shuffled)
    yield text
    yield " ".join(shuffled)
    yield " ".join(reversed(words))
    yield " ".join(word for word in words if len(word) > 3)
    yield from (part for part in re.split(r"(?<=[.!?])\s+", text) if len(part) >= SHORTEST and part != text)


def _exact(text: str) -> list[bytes]:
    """Parts whose bytes must not be anywhere: the text and runs of its words."""
    words = text.split()
    runs = [" ".join(words[i : i + RUN_OF_WORDS]) for i in range(0, max(1, len(words) - RUN_OF_WORDS + 1), RUN_OF_WORDS)]
    return [part.encode("utf-8", "backslashreplace") for part in dict.fromkeys([text, *runs]) if len(part) >= SHORTEST]


def _holding(home: Path, needles: Sequence[bytes]) -> list[str]:
    """Files below `home`, databases and index files too, that hold one of these, in whatever case."""
    lowered = [needle.lower() for needle in needles]
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes().lower()
            if any(needle in data for needle in lowered):
                found.append(str(path.relative_to(home)))
    return found
