"""What the document tools share: places, filters, passages as results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from modelwright.types import FilePath, Strict, ToolArgs

DEFAULT_INDEX = "default"
NAME = r"^[\w.-]{1,60}$"
Mode = Literal["lexical", "dense", "hybrid"]
Fusion = Literal["minmax", "rrf"]


class SearchArgs(ToolArgs):
    """What a search may be told, whoever asks."""

    index: str = Field(DEFAULT_INDEX, pattern=NAME, description="name of the index; auto asks the one that fits the question")
    mode: Mode = Field("hybrid", description="by words, by meaning, or both")
    fusion: Fusion | None = Field(
        None, description="how hybrid joins the lists; what an evaluation chose for the index, or minmax, if unset"
    )
    multi_query: bool = Field(False, description="also ask with the key words alone and with the question's parts")
    graph: bool = Field(False, description="also look at passages that share names with the question and the best hits")
    kinds: list[str] = Field(default_factory=list, description="only documents of these kinds: markdown, pdf, code …")
    path: str | None = Field(None, description="only documents whose path holds this text or matches this glob")
    groups: list[str] = Field(
        default_factory=list, description="groups that the reader belongs to; restricted documents are found by theirs only"
    )
    rerank_model: FilePath | None = Field(None, description="folder of a cross-encoder that orders the first 50 anew")


class Box(Strict):
    """Where scanned words stand; pixels of the page's picture from its top left corner."""

    page: int
    x0: int
    y0: int
    x1: int
    y1: int


class Passage(Strict):
    index: str
    document: FilePath = Field(description="absolute path")
    sha256: str = Field(description="of the file when it was indexed")
    title: str
    kind: str
    context: str = Field(description="title and headings above it")
    page: int = Field(description="page, row, cell or message, from 1; 0 for none")
    start: int = Field(description="first character in the document's text")
    end: int = Field(description="behind the last character")
    text: str = Field(description="the document's text from start to end")
    score: float = Field(description="of the last stage; compare within one search only")
    ranks: dict[str, int] = Field(description="its place in each list that holds it, from 1")
    scores: dict[str, float] = Field(description="its score in each list: BM25 points or cosine")
    window_start: int = Field(description="the wider span that is read with it; start and end without one")
    window_end: int
    boxes: list[Box] = Field(default_factory=list, description="of scanned passages")


def passage(found: dict[str, Any]) -> Passage:
    """A passage as ctx.documents gives it, as a result."""
    boxes = [Box(page=page, x0=x0, y0=y0, x1=x1, y1=y1) for page, x0, y0, x1, y1 in found["boxes"]]
    fields = {name: found[name] for name in Passage.model_fields if name != "boxes"}
    return Passage(**fields, boxes=boxes)


def search_spec(args: SearchArgs, query: str, top_k: int, workspace: Path) -> dict[str, Any]:
    """The specification for ctx.documents.search."""
    model = None if args.rerank_model is None else str((workspace / Path(args.rerank_model).expanduser()).absolute())
    return {
        "query": query,
        "index": args.index,
        "top_k": top_k,
        "mode": args.mode,
        "fusion": args.fusion,
        "kinds": args.kinds,
        "path": args.path,
        "groups": args.groups,
        "graph": args.graph,
        "rerank_model": model,
    }
