"""Which of some texts a model would write next, token by token in the tree of their tokens.

The model decides only where more than one token may come; what is forced in between is read in one batch. Where one text
begins another ("compare", "compare_tokenizers"), what may follow the shorter one stands for it. The score of each text is
its log-probability among the texts; those that share a beginning which was not followed share what it had.
Not here: a grammar (the parent knows what may come next, models/compact.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Several
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

Tokens = list[int]


class Reader(Protocol):
    """A sequence that grows (engines/sequence.py)."""

    @property
    def last(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Logits after the last token."""

    def read(self, ids: Tokens) -> object:
        """Add tokens."""


@dataclass
class Node:
    """A place in the tree: the texts that are still possible, and the token that each continuation begins with."""

    texts: list[int] = field(default_factory=list)
    children: dict[int, Node] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    """Token -> the text that ends here, if that token comes after it; -1 stands for any."""


def trie(texts: Several[Tokens], follow: Several[Tokens] | None = None) -> Node:
    """The tree of `texts`; `follow` has for each text the first tokens of what may come after it."""
    root = Node()
    for index, tokens in enumerate(texts):
        node = root
        node.texts.append(index)
        for token in tokens:
            node = node.children.setdefault(token, Node())
            node.texts.append(index)
        for token in follow[index] if follow else [-1]:
            node.ends.setdefault(token, index)
    return root


def pick(root: Node, reader: Reader, count: int) -> tuple[int, list[float]]:
    """The text that was chosen and read, and the log-probability of each of the `count` texts."""
    scores, mass = [0.0] * count, 0.0
    node, forced = root, list[int]()
    while True:
        if not node.children:
            index = node.texts[0]
            scores[index] = mass
            if forced:
                reader.read(forced)
            return index, scores
        if len(node.texts) == 1 or (len(node.children) == 1 and not node.ends):
            token, node = next(iter(node.children.items()))
            forced.append(token)
            continue
        if forced:
            reader.read(forced)
            forced = []
        if -1 in node.ends:
            raise ValueError("one text begins another: say what may follow")
        chances = branch(reader.last, [*node.children, *(token for token in node.ends if token not in node.children)])
        _share(node, chances, mass, scores)
        best = max(chances, key=lambda token: chances[token])
        mass += chances[best]
        if best not in node.children:
            index = node.ends[best]
            scores[index] = mass
            return index, scores
        forced.append(best)
        node = node.children[best]


def branch(logits: np.ndarray[tuple[int, ...], np.dtype[np.float64]], tokens: Several[int]) -> dict[int, float]:
    """Log-probabilities among `tokens`, in nats."""
    values = logits[list(tokens)]
    values = values - values.max()
    values = values - math.log(float(np.exp(values).sum()))
    return dict(zip(tokens, map(float, values), strict=True))


def _share(node: Node, chances: dict[int, float], mass: float, scores: list[float]) -> None:
    """Give every text below each branch an equal part of what the branch has."""
    for token, chance in chances.items():
        child = node.children.get(token)
        texts = child.texts if child else [node.ends[token]]
        for index in texts:
            scores[index] = mass + chance - math.log(len(texts))
