"""`rag_index`: a folder, a file or a glob into an index that can be searched and cited from.

Two facts to know. It keeps up: a file with the same bytes is skipped, a changed one replaced, one that is gone removed, and
one that cannot be read any more keeps what was indexed of it. And what was lost on the way is in the result: pages without
text, pictures, rows that are no rows. It does NOT describe pictures or rebuild the tables of a PDF.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.data.documents.walking import files_under, root_and_pattern
from modelwright.errors import DataError
from modelwright.tools._rag import DEFAULT_INDEX, NAME
from modelwright.types import Check, Effect, Estimate, FilePath, Strict, ToolArgs, ToolResult

REFUSED_SHOWN = 3
COUNTED = 20_000
"""Files that an estimate looks at; more make a longer estimate, not a longer look."""


class Args(ToolArgs):
    path: FilePath = Field(description="folder, file or glob (docs/**/*.md) to index")
    index: str = Field(DEFAULT_INDEX, pattern=NAME, description="name of the index")
    chunker: Literal["auto", "recursive", "section", "code", "sentence_window", "parent_child"] = Field(
        "auto", description="how texts are cut; auto: by section, definition or row where a file has them"
    )
    chunk_tokens: int = Field(200, ge=16, le=2000, description="longest chunk, tokens of the embedder; it reads 254 of them")
    overlap: int = Field(0, ge=0, le=1000, description="tokens that a chunk shares with the one before it")
    access: list[str] = Field(default_factory=list, description="groups that may find these documents; everyone if empty")
    max_file_mb: float = Field(200, gt=0, le=2000, description="larger files are named and skipped, megabytes")


class Refusal(Strict):
    path: str
    reason: str = Field(description="broken, binary, too large, empty, encrypted, no text, changing, vanished, unreadable")
    message: str


class Loss(Strict):
    """What went in and came out of one document."""

    path: str
    kind: str
    chunks: int
    characters_in: int = Field(description="characters of its own text, markup taken off")
    characters_out: int
    pages: int
    pages_without_text: list[int]
    pages_by_ocr: list[int]
    tables: int
    skipped: int = Field(description="pictures, attachments, scripts, rows that were left out")
    notes: list[str]


class Result(ToolResult):
    index: str
    documents: int = Field(description="in the index now")
    chunks: int = Field(description="in the index now")
    found: int = Field(description="files that the path means")
    added: int
    changed: int
    unchanged: int = Field(description="same bytes, skipped")
    removed: int = Field(description="gone from the folder, taken out of the index")
    kept: int = Field(description="cannot be read now; their old version stays")
    new_chunks: int
    refused_files: int
    refused: list[Refusal] = Field(description="the first 200")
    losses: list[Loss] = Field(description="of the first 200 documents that were read in this run")
    seconds: float
    chunks_per_second: float
    embedder: str = Field(description="what made the vectors; empty when the index is lexical")
    peak_memory_bytes: int
    notices: list[str]


def estimate(args: Args, workspace: Path) -> Estimate:
    """As measured on two cores: 15 chunks a second, 150 MB and about the size of the texts on disk once more."""
    size = sum(bytes_of for bytes_of in _sizes(args, workspace) if bytes_of <= args.max_file_mb * 1e6)
    chunks = size / (4 * max(1, args.chunk_tokens - args.overlap))
    return Estimate(
        seconds=round(3 + chunks / 15, 1), memory_bytes=400_000_000 + 4 * min(size, 10**9), disk_bytes=int(2.5 * size + chunks * 2000)
    )


def _sizes(args: Args, workspace: Path) -> Iterator[int]:
    for path in islice(files_under(*root_and_pattern(args.path, workspace)), COUNTED):
        with contextlib.suppress(OSError):  # it may go at any time
            yield path.stat().st_size


def checks(args: Args, result: Result) -> Sequence[Check]:
    accounted = result.added + result.changed + result.unchanged + result.refused_files
    lost = [one.path for one in result.losses if one.characters_out < 0.5 * one.characters_in]
    return [
        Check(name="every file is accounted for", passed=accounted == result.found, detail=f"{accounted} of {result.found}"),
        Check(name="there is something to find", passed=result.chunks > 0, detail=f"{result.chunks} chunks"),
        Check(name="no text was lost", passed=not lost, detail=", ".join(lost[:3])),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.COMPUTES],
    example={"path": "docs", "index": "default"},
    estimate=estimate,
    checks=checks,
    decisive=("index", "chunker", "chunk_tokens"),
    volatile=True,
    keywords=("index", "documents", "folder", "pdf", "read into", "knowledge base", "ingest", "embed", "rag"),
)
def rag_index(args: Args, ctx: ToolContext) -> Result:
    """Index documents of a folder, file or glob for search and cited answers; unchanged files are skipped.

    Reads Markdown, text, HTML, PDF, Word, code, CSV, JSON Lines, notebooks and e-mail.
    """
    if args.index == "auto":
        raise DataError("an index cannot be called auto: searches use that word for `the one that fits`", fix="choose another name")
    root, pattern = root_and_pattern(args.path, ctx.workspace)
    done = ctx.documents.index(
        {
            "root": str(root),
            "pattern": pattern,
            "index": args.index,
            "chunker": args.chunker,
            "chunk_tokens": args.chunk_tokens,
            "overlap": args.overlap,
            "access": sorted(args.access),
            "max_file_bytes": int(args.max_file_mb * 1e6),
        }
    )
    done.pop("embed_seconds")
    speed = round(done["new_chunks"] / done["seconds"], 1) if done["seconds"] else 0.0
    return Result(summary=_summary(done), chunks_per_second=speed, **done)


def _summary(done: dict[str, Any]) -> str:
    parts = [f"{done['index']}: {done['documents']} documents, {done['chunks']} chunks"]
    changes = [f"{done[name]} {name}" for name in ("added", "changed", "unchanged", "removed") if done[name]]
    parts.append(", ".join(changes))
    if refused := done["refused_files"]:
        shown = [f"{Path(one['path']).name} ({one['reason']})" for one in done["refused"][:REFUSED_SHOWN]]
        more = ["…"] if refused > REFUSED_SHOWN else []
        parts.append(f"{refused} {'file' if refused == 1 else 'files'} refused: {', '.join(shown + more)}")
    return "; ".join(part for part in parts if part)
