"""One question to an answer: retrieve, choose or write, prove, and ask again in other words when confidence is low.

The tools rag_answer and evaluate_retrieval share it. What comes back is proved: a sentence that the verifier could not find
in its source, or that its quotes do not carry, is under `cut`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from modelwright.contract import ToolContext
from modelwright.data.documents import loading
from modelwright.tools import _rag_sentences as scoring
from modelwright.tools._rag import Box, SearchArgs, search_spec
from modelwright.tools._rag_cite import Citation, Sentence, verify
from modelwright.tools._rag_queries import variants
from modelwright.tools._rag_sentences import Candidate
from modelwright.tools._rag_write import written
from modelwright.types import ModelRef, Strict


class AnswerArgs(SearchArgs):
    """What answering may be told."""

    top_k: int = Field(8, ge=1, le=50, description="passages to answer from")
    threshold: float | None = Field(
        None, ge=0, le=1, description="confidence below which nothing is said; the index's own, or 0.4, if unset"
    )
    max_rewrites: int = Field(2, ge=0, le=5, description="times that the question is asked in other words when confidence is low")
    max_sentences: int = Field(3, ge=1, le=20, description="longest answer, sentences")
    model: ModelRef | None = Field(
        None, description="model that writes the answer (local file, folder or endpoint); unset quotes the documents"
    )


class Try(Strict):
    """One round of retrieval."""

    query: str
    confidence: float


class Cut(Strict):
    text: str
    why: str


@dataclass(frozen=True)
class Answer:
    sentences: list[Sentence]
    cut: list[Cut]
    tries: list[Try]
    confidence: float
    threshold: float
    passages: list[dict[str, Any]]
    indexes: list[str]
    notices: list[str]


def answer(question: str, args: AnswerArgs, ctx: ToolContext) -> Answer:
    least = threshold(args, ctx)
    tries, passages, found, read = _ask(question, args, least, ctx)
    best = found[0].score if found else 0.0
    kept, cut = _proved(_said(question, args, found, least, ctx))
    return Answer(kept, cut, tries, best, least, passages, read["indexes"], read["notices"])


def threshold(args: AnswerArgs, ctx: ToolContext) -> float:
    if args.threshold is not None:
        return args.threshold
    tuned = ctx.documents.describe(args.index).get("threshold") if args.index in ctx.documents.names() else None
    return float(scoring.THRESHOLD if tuned is None else tuned)


def _ask(
    question: str, args: AnswerArgs, least: float, ctx: ToolContext
) -> tuple[list[Try], list[dict[str, Any]], list[Candidate], dict[str, Any]]:
    """The best round: first the question, then its rewrites, until one is above the threshold."""
    rounds = [question, *variants(question)[: args.max_rewrites]]
    tries: list[Try] = []
    best: tuple[list[dict[str, Any]], list[Candidate], dict[str, Any]] | None = None
    for query in rounds:
        spec = search_spec(args, query, args.top_k, ctx.workspace) | {"also": variants(query) if args.multi_query else []}
        read = ctx.documents.search(spec)
        passages = read.pop("passages")
        found = scoring.candidates(question, passages, ctx)  # always against what was asked, never against the rewrite
        confidence = found[0].score if found else 0.0
        tries.append(Try(query=query, confidence=confidence))
        if best is None or confidence > (best[1][0].score if best[1] else 0.0):
            best = passages, found, read
        if confidence >= least:
            break
        ctx.progress("ask in other words", confidence=confidence, threshold=least)
    assert best is not None
    return (tries, *best)


def _said(question: str, args: AnswerArgs, found: Sequence[Candidate], least: float, ctx: ToolContext) -> list[tuple[str, list[Candidate]]]:
    """Sentences with the candidates they rest on: quoted, or written by the model from the best ones."""
    if args.model is None or args.model == "builtin":
        return [(_line(one.text), [one]) for one in scoring.chosen(found, least, args.max_sentences)]
    if not found or found[0].score < least:
        return []
    return written(question, found[: args.top_k], args.model, ctx)[: args.max_sentences]


def _line(text: str) -> str:
    return " ".join(text.split())


def _proved(said: Sequence[tuple[str, list[Candidate]]]) -> tuple[list[Sentence], list[Cut]]:
    """Those whose every citation stands in its source and carries them; the others with the reason."""
    kept, cut = list[Sentence](), list[Cut]()
    for text, rests_on in said:
        sentence = Sentence(text=text, citations=[_citation(one) for one in rests_on])
        bad = [one for one in verify([sentence], lambda citation: Path(citation.document)) if one.status != "verified"]
        if bad:
            cut.append(Cut(text=text, why=f"{bad[0].status}: {bad[0].detail}"))
        else:
            kept.append(sentence)
    return kept, cut


def _citation(one: Candidate) -> Citation:
    boxes = [Box(page=page, x0=x0, y0=y0, x1=x1, y1=y1) for page, x0, y0, x1, y1 in one.passage["boxes"]]
    return Citation(
        document=one.passage["document"],
        sha256=one.passage["sha256"],
        text_sha256=one.passage["text_sha256"],
        loader=loading.VERSION,
        start=one.start,
        end=one.end,
        quote=one.text,
        page=one.passage["page"],
        boxes=boxes,
    )
