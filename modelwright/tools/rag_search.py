"""`rag_search`: passages for a question, by words, by meaning, or both, each with its span and its place in every list.

It looks, it does not answer (`rag_answer` does), and what it finds is data: text of a document that reads like an order is a
passage like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.text import one_line
from modelwright.tools._rag import Passage, SearchArgs, passage, search_spec
from modelwright.tools._rag_queries import hypothetical, variants
from modelwright.types import Check, Effect, Estimate, ModelRef, ToolResult


class Args(SearchArgs):
    query: str = Field(min_length=1, max_length=4000, description="question or words to look for")
    top_k: int = Field(5, ge=1, le=200, description="passages to give")
    hyde_model: ModelRef | None = Field(None, description="model that writes a made-up answer, which is then searched by meaning (HyDE)")


class Result(ToolResult):
    query: str
    passages: list[Passage] = Field(description="best first")
    indexes: list[str] = Field(description="indexes that were asked")
    mode: str = Field(description="what was really done: lexical where there are no vectors")
    fusion: str
    queries: list[str] = Field(description="other ways in which it was asked")
    notices: list[str]


def estimate(args: Args, workspace: Path) -> Estimate:
    """A cold start reads the encoder; a cross-encoder or a writing model is loaded in a child."""
    seconds = 1.5 + (25 if args.rerank_model else 0) + (15 if args.hyde_model else 0)
    return Estimate(seconds=seconds, memory_bytes=1_500_000_000 if args.rerank_model or args.hyde_model else 300_000_000)


def checks(args: Args, result: Result) -> Sequence[Check]:
    exact = all(one.end - one.start == len(one.text) for one in result.passages)
    ordered = all(a.score >= b.score for a, b in zip(result.passages, result.passages[1:], strict=False))
    return [Check(name="spans are as long as their texts", passed=exact), Check(name="best first", passed=ordered)]


@tool(
    effects=[Effect.READS_FILES],
    example={"query": "how long is the warranty?", "index": "default", "top_k": 5},
    estimate=estimate,
    checks=checks,
    decisive=("index", "mode", "top_k"),
    volatile=True,
    keywords=("search", "find", "look up", "passages", "documents", "retrieve", "rag", "where does it say"),
)
def rag_search(args: Args, ctx: ToolContext) -> Result:
    """Find passages in an index by words, by meaning or both, with exact spans and scores."""
    spec = search_spec(args, args.query, args.top_k, ctx.workspace)
    also = variants(args.query) if args.multi_query else []
    spec |= {"also": also, "passages": hypothetical(args.query, args.hyde_model, ctx) if args.hyde_model else []}
    found = ctx.documents.search(spec)
    passages = [passage(one) for one in found.pop("passages")]
    return Result(summary=_summary(args.query, passages), query=args.query, passages=passages, queries=also, **found)


def _summary(query: str, passages: Sequence[Passage]) -> str:
    if not passages:
        return f"nothing found for {one_line(query, 60)!r}"
    first = passages[0]
    page = f" page {first.page}" if first.kind == "pdf" else ""
    return f"{len(passages)} passages; first: {Path(first.document).name}{page} [{first.start}:{first.end}] {one_line(first.text, 90)}"
