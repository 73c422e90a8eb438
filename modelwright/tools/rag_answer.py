"""`rag_answer`: an answer whose every sentence carries a quote of a document, or `not found`, said plainly.

Two facts to know. Sentences are chosen from the passages, not written, unless a model is named; either way a verifier
reopens each source by its hash, and a sentence whose quote does not stand there, or does not carry it, is cut. And
confidence below the threshold asks again in other words, at most `max_rewrites` times. Text of documents is data here: it
can be quoted, and nothing else. It does NOT reason over several documents or calculate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.text import one_line
from modelwright.tools._rag_answering import AnswerArgs, Cut, Try, answer
from modelwright.tools._rag_cite import Sentence, verify
from modelwright.types import Check, Effect, Estimate, ToolResult


class Args(AnswerArgs):
    question: str = Field(min_length=1, max_length=4000, description="the question to answer")


class Result(ToolResult):
    question: str
    found: bool = Field(description="false: nothing in the index carries an answer")
    answer: str = Field(description="the sentences with the numbers of their sources, or that nothing was found")
    sentences: list[Sentence] = Field(description="each with its citations")
    confidence: float = Field(description="score of the best sentence, 0 to 1")
    threshold: float
    tries: list[Try] = Field(description="the question and its rewrites")
    cut: list[Cut] = Field(description="sentences that did not survive the verifier")
    passages_read: int
    contexts: list[str] = Field(description="the passages that were answered from, best first")
    indexes: list[str]
    notices: list[str]


def estimate(args: Args, workspace: Path) -> Estimate:
    """Cold: reading the encoder, one search and one embedding of up to 60 sentences for each try."""
    return Estimate(
        seconds=3.0 + 2 * args.max_rewrites + (30 if args.model else 0), memory_bytes=1_500_000_000 if args.model else 400_000_000
    )


def checks(args: Args, result: Result) -> Sequence[Check]:
    """The sources are opened once more: what was proved must still be so."""
    bad = [one for one in verify(result.sentences, lambda citation: Path(citation.document)) if one.status != "verified"]
    plain = result.found == bool(result.sentences) and (result.found or "not found" in result.answer.lower())
    return [
        Check(name="every sentence is proved", passed=not bad, detail="; ".join(f"{one.status}: {one.detail}" for one in bad[:3])),
        Check(name="nothing found is said plainly", passed=plain),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.COMPUTES],
    example={"question": "how long is the warranty?", "index": "default"},
    estimate=estimate,
    checks=checks,
    decisive=("index", "top_k"),
    volatile=True,
    keywords=("answer", "question", "ask", "documents", "cite", "citation", "according to", "rag", "what do the documents say"),
)
def rag_answer(args: Args, ctx: ToolContext) -> Result:
    """Answer a question from an index; every sentence is proved by a quote of its source, or the answer is `not found`."""
    made = answer(args.question, args, ctx)
    return Result(
        summary=_summary(args, made.sentences, made.confidence),
        question=args.question,
        found=bool(made.sentences),
        answer=_text(args, made.sentences, made.indexes),
        sentences=made.sentences,
        confidence=round(made.confidence, 4),
        threshold=made.threshold,
        tries=made.tries,
        cut=made.cut,
        passages_read=len(made.passages),
        contexts=[one["window"] for one in made.passages],
        indexes=made.indexes,
        notices=made.notices,
    )


def _text(args: Args, kept: Sequence[Sentence], indexes: Sequence[str]) -> str:
    """`Sentence [1] …` and below it the sources."""
    if not kept:
        return f"Not found: nothing in {', '.join(indexes)} carries an answer to {one_line(args.question, 80)!r}."
    places: dict[str, int] = {}
    lines = []
    for sentence in kept:
        marks = []
        for citation in sentence.citations:
            page = f", page {citation.page}" if citation.page and citation.document.endswith(".pdf") else ""
            place = f"{Path(citation.document).name}{page} [{citation.start}:{citation.end}] {citation.sha256[:12]}"
            marks.append(f"[{places.setdefault(place, len(places) + 1)}]")
        lines.append(f"{sentence.text} {''.join(dict.fromkeys(marks))}")
    return " ".join(lines) + "\n\n" + "\n".join(f"[{number}] {place}" for place, number in places.items())


def _summary(args: Args, kept: Sequence[Sentence], confidence: float) -> str:
    if not kept:
        return f"not found (confidence {confidence:.2f}): {one_line(args.question, 80)}"
    first = kept[0].citations[0]
    others = {(c.document, c.start) for sentence in kept for c in sentence.citations} - {(first.document, first.start)}
    place = f"{Path(first.document).name} {first.start}:{first.end}" + (f" and {len(others)} more" if others else "")
    return f"{one_line(' '.join(sentence.text for sentence in kept), 180)} [{place}]"
