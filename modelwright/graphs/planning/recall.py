"""Which tools may be meant: BM25 over the words of their cards, embeddings where somebody brings them, both merged.

A card's text is its name, summary, keywords, the descriptions of its arguments and the examples of the lexicon. The two
rankings are merged by reciprocal rank (Cormack, Clarke and Büttcher 2009, k = 60), as their scores have no common scale.
Plans that are remembered take part as further texts of the tools that they used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from modelwright.contract import Tool
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.stems import stem

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Texts -> vectors of one length each."""
MOST_CARDS = 8
RANK_CONSTANT = 60


@dataclass(frozen=True)
class RememberedPlan:
    """A request of the past that ended well, with the tools of its plan."""

    request: str
    tools: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """A tool with its points: merged, and of each ranking (0 where that did not find it)."""

    tool: str
    score: float
    lexical: float = 0.0
    dense: float = 0.0
    remembered: str = ""
    """The remembered request that spoke for it most."""


@dataclass
class Recall:
    """The texts of all tools, read once."""

    tools: Mapping[str, Tool]
    embed: Embed | None = None
    remembered: Sequence[RememberedPlan] = ()
    _owners: list[str] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _vectors: Sequence[Sequence[float]] = ()

    def __post_init__(self) -> None:
        from rank_bm25 import BM25Okapi

        for name, tool in self.tools.items():
            self._owners.append(name)
            self._texts.append(text_of(tool))
        for plan in self.remembered:
            for name in plan.tools:
                if name in self.tools:
                    self._owners.append(name)
                    self._texts.append(plan.request)
        self._bm25 = BM25Okapi([words_of(text) or [""] for text in self._texts]) if self._texts else None

    def find(self, request: str, count: int = MOST_CARDS) -> list[Found]:
        """The likeliest tools, best first."""
        if self._bm25 is None:
            return []
        lexical = self._best([float(s) for s in self._bm25.get_scores(words_of(request))])
        dense = self._best(self._similar(request)) if self.embed else {}
        merged: dict[str, float] = {}
        for ranking in (lexical, dense):
            for rank, name in enumerate(sorted(ranking, key=lambda n: -ranking[n][0]), 1):
                merged[name] = merged.get(name, 0.0) + 1 / (RANK_CONSTANT + rank)
        names = sorted(merged, key=lambda n: -merged[n])[:count]
        return [self._found(n, merged[n], lexical, dense) for n in names]

    def _found(self, name: str, score: float, lexical: Mapping[str, tuple[float, int]], dense: Mapping[str, tuple[float, int]]) -> Found:
        places = [r[name][1] for r in (lexical, dense) if name in r and r[name][1] >= len(self.tools)]
        said = self._texts[places[0]] if places else ""
        return Found(name, round(score, 5), round(lexical.get(name, (0.0, 0))[0], 3), round(dense.get(name, (0.0, 0))[0], 3), said)

    def _best(self, scores: Sequence[float]) -> dict[str, tuple[float, int]]:
        """Tool -> (its best text's points, which text); those without points are left out."""
        best: dict[str, tuple[float, int]] = {}
        for place, (name, score) in enumerate(zip(self._owners, scores, strict=True)):
            if score > best.get(name, (0.0, 0))[0]:
                best[name] = (score, place)
        return best

    def _similar(self, request: str) -> list[float]:
        assert self.embed
        if not self._vectors:
            self._vectors = self.embed(self._texts)
        [asked] = self.embed([request])
        return [_cosine(asked, vector) for vector in self._vectors]


def text_of(tool: Tool) -> str:
    """What a card is found by."""
    known = lexicon().of(tool)
    fields = [f"{f.name.replace('_', ' ')} {f.description}" for f in fields_of(tool.args).values()]
    return " ".join([tool.name.replace("_", " "), tool.summary, known.does, *tool.keywords, *known.examples, *fields])


def words_of(text: str) -> list[str]:
    """Stems of the words that say something."""
    small = lexicon().words["fillers"] | lexicon().words["function_words"]
    return [stem(word) for word in re.findall(r"[^\W\d_]{2,}", text.lower()) if word not in small]


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    length = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0
