"""Which sentences of the passages answer the question, and how sure that is.

A sentence's score is the mean of two numbers from 0 to 1: the cosine between question and sentence (read with the headings
above it), and the share of the question's content words that stand in it, each weighed by how rare it is among the passages;
those that stand only in the headings count half. A question in a document is read together with what follows it. A number or
name of the question that sentence and headings lack halves the score, since such a sentence is about something else. The
best score is the confidence. Without an encoder the second number stands alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelwright.contract import ToolContext
from modelwright.data.documents.sentences import sentences
from modelwright.scoring.citations import content_words, names, stem
from modelwright.tools._rag_telling import MOST, speaks_of, telling

LONGEST = 60
"""Sentences that are embedded for one question."""
LOOKED_INTO = 12
"""The likeliest sentences, whose words are embedded one by one: 12 short sentences take 0.1 s on two cores."""
THRESHOLD = 0.4
"""Below it nothing is said. Chosen on examples/docs/questions.jsonl; docs/retrieval.md has the table."""
NEAR_BEST = 0.85
"""A second sentence must score so many times the best one."""
_ROWS = frozenset({"csv", "jsonl", "html", "docx", "email", "notebook"})


@dataclass(frozen=True)
class Candidate:
    """A sentence of a passage, with its span in the document."""

    passage: dict[str, Any]
    start: int
    end: int
    text: str
    score: float
    similarity: float | None
    overlap: float


def candidates(question: str, passages: Sequence[dict[str, Any]], ctx: ToolContext) -> list[Candidate]:
    """The sentences of the passages, best first; the same span once."""
    spans: dict[tuple[str, int, int], tuple[dict[str, Any], str]] = {}
    for one in passages:
        for start, end in _spans(one["window"], one["kind"]):
            at = one["window_start"]
            spans.setdefault((one["document"], at + start, at + end), (one, one["window"][start:end]))
    chosen = list(spans.items())[:LONGEST]
    weights = _weights(question, [f"{one['context']}\n{one['window']}" for one in passages])
    cosines = ctx.documents.similarities(question, [f"{_heading(one)}{text}" for _, (one, text) in chosen])
    found: list[Candidate] = []
    for place, ((_, start, end), (one, text)) in enumerate(chosen):
        overlap = (_overlap(weights, text) + _overlap(weights, f"{one['context']}\n{text}")) / 2
        similarity = cosines[place] if cosines else None
        score = overlap if similarity is None else (max(0.0, similarity) + overlap) / 2
        if _lacks(question, _with_headings(one, text)):
            score /= 2
        found.append(Candidate(one, start, end, text, round(score, 4), similarity, round(overlap, 4)))
    found.sort(key=lambda one: (-one.score, one.start))
    wanted = telling(question)
    return found if cosines is None or len(wanted) > MOST else _on_the_subject(wanted, weights, found, ctx)


def _on_the_subject(wanted: Sequence[str], weights: Mapping[str, float], found: Sequence[Candidate], ctx: ToolContext) -> list[Candidate]:
    """Ordered anew: a sentence that speaks of too little of what was asked counts half. The others are too unlikely to be looked into."""
    near = ctx.documents.similarities
    looked = [
        one if speaks_of(wanted, weights, _with_headings(one.passage, one.text), near) else replace(one, score=round(one.score / 2, 4))
        for one in found[:LOOKED_INTO]
    ]
    rest = [replace(one, score=round(one.score / 2, 4)) for one in found[LOOKED_INTO:]]
    return sorted([*looked, *rest], key=lambda one: (-one.score, one.start))


def chosen(found: Sequence[Candidate], threshold: float, most: int) -> list[Candidate]:
    """Those worth saying, in the order of the documents they come from; none when the best is below the threshold."""
    if not found or found[0].score < threshold:
        return []
    least = max(threshold, NEAR_BEST * found[0].score)
    kept: list[Candidate] = []
    for one in found:
        if one.score >= least and len(kept) < most and not any(_repeats(one.text, other.text) for other in kept):
            kept.append(one)
    return kept


def _with_headings(passage: dict[str, Any], text: str) -> str:
    return f"{passage['context']}\n{passage['title']}\n{text}"


def _heading(passage: dict[str, Any]) -> str:
    return f"{passage['context']}\n" if passage["context"] else ""


def _spans(text: str, kind: str) -> list[tuple[int, int]]:
    """Sentences, headings left out; one that asks goes with the one behind it."""
    found: list[tuple[int, int]] = []
    asked: int | None = None
    for start, end in _pieces(text, kind):
        first = start if asked is None else asked
        asked = first if text[start:end].rstrip("\"'”’)").endswith(("?", "？")) else None
        if asked is None:
            found.append((first, end))
    return found


def _pieces(text: str, kind: str) -> list[tuple[int, int]]:
    """Where rows and lines carry the sense, each line is cut by itself."""
    if kind not in _ROWS:
        return [span for span in sentences(text) if not text[span[0] : span[1]].startswith("#")]
    lines = [match.span() for match in re.finditer(r"[^\r\n]+", text) if match.group().strip()]
    return [span for start, end in lines for span in sentences(text, start, end)]


def _weights(question: str, texts: Sequence[str]) -> dict[str, float]:
    """stem -> log(1 + N / (0.5 + passages that hold it)): what stands everywhere says little, what stands nowhere most."""
    stems = [{stem(word) for word in content_words(text)} for text in texts]
    wanted = dict.fromkeys(stem(word) for word in telling(question))
    return {word: math.log(1 + len(stems) / (0.5 + sum(word in held for held in stems))) for word in wanted}


def _overlap(weights: dict[str, float], text: str) -> float:
    held = {stem(word) for word in content_words(text)}
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in held) / total if total else 0.0


def _lacks(question: str, text: str) -> bool:
    held = {word.lower() for word in content_words(text)}
    wanted = names(question) | {word for word in content_words(question) if word[0].isdigit()}
    return any(word.lower() not in held and stem(word) not in {stem(one) for one in held} for word in wanted)


def _repeats(text: str, other: str) -> bool:
    a, b = ({stem(word) for word in content_words(one)} for one in (text, other))
    return len(a & b) >= 0.8 * min(len(a), len(b)) if a and b else text == other
