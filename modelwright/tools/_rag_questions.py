"""An evaluation set for answers: questions with the quotes that answer them, or without any when nothing should be found.

JSON Lines: {"question", "evidence": [quote …], "answer"?, "document"?}. What became of each question is sorted by the stage
that failed, since a better model does not help where the passage was never found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelwright.contract import ToolContext
from modelwright.data import sources
from modelwright.errors import DataError
from modelwright.scoring import retrieval
from modelwright.tools._rag import search_spec
from modelwright.tools._rag_answering import Answer, AnswerArgs, answer
from modelwright.tools._rag_cite import verify

DEEP = 100
STAGES = ("right", "retrieval", "ranking", "threshold", "choice", "citation", "should have abstained")
"""retrieval: no list held the evidence; ranking: it stood below top_k; threshold: read, but not sure enough; choice: another
sentence was said; citation: the verifier cut it."""


@dataclass(frozen=True)
class Question:
    question: str
    evidence: list[str]


@dataclass(frozen=True)
class Outcome:
    """What became of one question."""

    question: Question
    stage: str
    ranks: dict[str, int]
    """Place of the first passage that holds evidence by system; 0 for none in the first 100."""
    said: Answer
    citations: int
    verified: int
    relevance: float | None


def read_questions(path: Path) -> list[Question]:
    """Raises DataError naming the line that is no question."""
    found = []
    for record in sources.records(path):
        row = record.value
        if (
            record.flaw
            or not isinstance(row, dict)
            or not isinstance(row.get("question"), str)
            or not isinstance(row.get("evidence"), list)
        ):
            what = record.flaw.what if record.flaw else "no object with a question and a list of evidence"
            raise DataError(f"{path}, line {record.line}: {what}", fix='write {"question": "…", "evidence": ["a quote of the document"]}')
        found.append(Question(row["question"], [str(one) for one in row["evidence"]]))
    return found


def ask(question: Question, args: AnswerArgs, ctx: ToolContext) -> Outcome:
    said = answer(question.question, args, ctx)
    verdicts = verify(said.sentences, lambda citation: Path(citation.document))
    spoken = " ".join(sentence.text for sentence in said.sentences)
    cosine = ctx.documents.similarities(question.question, [spoken]) if spoken else None
    ranks = {name: _first(question, args, ctx, name) for name in ("lexical", "dense", "minmax", "rrf")} if question.evidence else {}
    cited = [one for one in verdicts if one.status != "not supported"]
    return Outcome(
        question,
        _stage(question, said, ranks),
        ranks,
        said,
        len(cited),
        sum(one.status == "verified" for one in cited),
        cosine[0] if cosine else None,
    )


def _first(question: Question, args: AnswerArgs, ctx: ToolContext, system: str) -> int:
    spec = search_spec(args, question.question, DEEP, ctx.workspace)
    spec |= {"mode": system} if system in ("lexical", "dense") else {"mode": "hybrid", "fusion": system}
    passages = ctx.documents.search(spec | {"rerank_model": None})["passages"]
    return next((rank for rank, one in enumerate(passages, 1) if retrieval.holds_evidence(question.evidence, one["window"])), 0)


def _stage(question: Question, said: Answer, ranks: dict[str, int]) -> str:
    if not question.evidence:
        return "should have abstained" if said.sentences else "right"
    quotes = [citation.quote for sentence in said.sentences for citation in sentence.citations]
    if any(_agree(quote, evidence) for quote in quotes for evidence in question.evidence):
        return "right"
    if not any(retrieval.holds_evidence(question.evidence, one["window"]) for one in said.passages):
        return "ranking" if any(ranks.values()) else "retrieval"
    if any(_agree(cut.text, evidence) for cut in said.cut for evidence in question.evidence):
        return "citation"
    return "choice" if said.sentences else "threshold"


def _agree(quote: str, evidence: str) -> bool:
    """One holds the other: a row may be quoted whole, a long piece of evidence in part."""
    return retrieval.holds_evidence([evidence], quote) or (len(quote) > 20 and retrieval.holds_evidence([quote], evidence))


def best_threshold(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """(threshold, accuracy): the middle of the widest gap between confidences among those that decide most questions rightly.

    A question is decided rightly when it is answered and has evidence, or is not and has none.
    """
    marks = sorted({0.0, 1.0, *(one.said.confidence for one in outcomes)})
    middles = [((low + high) / 2, high - low) for low, high in pairwise(marks)]
    scored = [(_decided(outcomes, middle), gap, middle) for middle, gap in middles]
    accuracy, _, middle = max(scored, default=(0.0, 0.0, 0.5))
    return round(middle, 3), accuracy


def _decided(outcomes: Sequence[Outcome], threshold: float) -> float:
    return sum((one.said.confidence >= threshold) == bool(one.question.evidence) for one in outcomes) / len(outcomes)


def fields(outcome: Outcome) -> dict[str, Any]:
    """As the tool's result shows it."""
    return {
        "question": outcome.question.question,
        "answerable": bool(outcome.question.evidence),
        "stage": outcome.stage,
        "confidence": outcome.said.confidence,
        "said": " ".join(sentence.text for sentence in outcome.said.sentences),
        "ranks": outcome.ranks,
    }
