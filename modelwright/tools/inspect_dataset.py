"""The tool that looks at a data set before anything is trained on it.

It reads the whole file and changes nothing. Tokens are counted only when a model is named, since a count belongs to a
tokenizer. It does NOT judge whether the answers are right or find near duplicates by meaning.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from pydantic import Field

from modelwright.canonical import sha256_of_path
from modelwright.contract import ToolContext, tool
from modelwright.data import shape
from modelwright.data.formats import Format
from modelwright.data.reader import Dataset, read
from modelwright.modelrefs import resolve
from modelwright.text import human_bytes
from modelwright.types import Check, DatasetPath, Effect, Estimate, ModelRef, Strict, ToolArgs, ToolResult


class Args(ToolArgs):
    dataset: DatasetPath = Field(description="a .jsonl, .json, .csv, .tsv, .parquet or .txt file")
    model: ModelRef | None = Field(None, description="count tokens with this model's tokenizer and chat template; unset counts none")
    max_problems: int = Field(20, ge=0, le=10_000, description="how many problems to list; all are counted")


class RowProblem(Strict):
    file: str
    line: int = Field(description="from 1; 0 speaks of the whole file; for Parquet the row number")
    what: str
    fix: str
    notice: bool = Field(description="true: worth knowing, the row is used; false: the row is not used")


class Duplicates(Strict):
    exact: int = Field(description="usable rows that repeat an earlier one to the letter")
    near: int = Field(description="usable rows that differ from an earlier one in case, punctuation and spaces only")


class Spread(Strict):
    """How a length is spread over the usable rows; of a preference row, the longer side counts."""

    min: int
    median: float
    p95: int = Field(description="95 of 100 rows are not longer (nearest rank)")
    max: int
    total: int


class Result(ToolResult):
    dataset: str = Field(description="absolute path")
    format: Format
    bytes: int
    sha256: str
    rows: int = Field(description="rows in the file, blank lines not counted")
    usable_rows: int
    bad_rows: int
    problems: list[RowProblem] = Field(description="the first max_problems; those that cost a row come before notices")
    problem_count: int = Field(description="all problems that cost a row")
    notice_count: int = Field(description="all notices")
    duplicates: Duplicates
    characters: Spread
    words: Spread = Field(description="separated by spaces")
    tokens: Spread | None = Field(None, description="by the model's tokenizer, its chat template included; null without a model")
    without_template: int = Field(0, description="rows that the chat template refused, counted by their contents alone")
    roles: dict[str, int] = Field(description="turns by role; empty for text")


def path_of(args: Args, workspace: Path) -> Path:
    return (workspace / Path(args.dataset).expanduser()).absolute()


def estimate(args: Args, workspace: Path) -> Estimate:
    """As measured: reading and checking does 3 MB/s and holds 3 to 6 times the file; llama.cpp tokenizes 0.25 MB/s."""
    path = path_of(args, workspace)
    size = path.stat().st_size if path.is_file() else 0
    seconds = 0.2 + size / 3e6
    if args.model:
        seconds += 4 + size / 2.5e5
    return Estimate(seconds=round(seconds, 1), memory_bytes=100_000_000 + 6 * size)


def checks(args: Args, result: Result) -> Sequence[Check]:
    path = Path(result.dataset)
    same = path.is_file() and sha256_of_path(path) == result.sha256
    made = [
        Check(
            name="every row is accounted for",
            passed=result.usable_rows + result.bad_rows == result.rows,
            detail=f"{result.usable_rows} usable and {result.bad_rows} bad of {result.rows}",
        ),
        Check(name="the file did not change meanwhile", passed=same, detail=result.sha256[:12]),
        Check(name="lengths are in order", passed=all(_in_order(s) for s in (result.characters, result.words, result.tokens) if s)),
    ]
    if args.model:
        made.append(Check(name="tokens were counted", passed=result.tokens is not None and result.tokens.max > 0))
    return made


@tool(
    effects=[Effect.READS_FILES],
    example={"dataset": "data/train.jsonl", "model": "builtin"},
    estimate=estimate,
    checks=checks,
    keywords=(
        "inspect",
        "look at",
        "check",
        "validate",
        "dataset",
        "data set",
        "rows",
        "format",
        "problems",
        "duplicates",
        "tokens",
        "statistics",
    ),
)
def inspect_dataset(args: Args, ctx: ToolContext) -> Result:
    """Say what is in a data set: format, rows, lengths in tokens, duplicates, and each problem with its line and fix.

    Reads JSON Lines, JSON, CSV, Parquet and plain text; chat, ShareGPT, Alpaca, prompt/completion, preference and text rows.
    """
    path = path_of(args, ctx.workspace)
    model = resolve(args.model, ctx.workspace) if args.model else None
    ctx.progress("reading the data set")
    data = read(path)
    tokens, refused = None, 0
    if model:
        spec = {"model": asdict(model), "dataset": str(path), "cache_dir": str(ctx.settings.cache_dir)}
        counted = ctx.job("tokens", spec)
        tokens, refused = _spread(counted["counts"]), counted["without_template"]
    return _result(data, path, args.max_problems, tokens, refused)


def _result(data: Dataset, path: Path, max_problems: int, tokens: Spread | None, refused: int) -> Result:
    examples = [row.example for row in data.rows]
    ordered = sorted(data.problems, key=lambda problem: problem.notice)
    notices = sum(problem.notice for problem in ordered)
    return Result(
        summary=_summary(data, tokens),
        dataset=str(path),
        format=data.format,
        bytes=path.stat().st_size,
        sha256=data.sha256,
        rows=data.records,
        usable_rows=len(examples),
        bad_rows=data.bad_rows,
        problems=[RowProblem(**asdict(problem)) for problem in ordered[:max_problems]],
        problem_count=len(ordered) - notices,
        notice_count=notices,
        duplicates=Duplicates(exact=data.exact_duplicates, near=data.near_duplicates),
        characters=_spread([shape.characters(example) for example in examples]),
        words=_spread([shape.words(example) for example in examples]),
        tokens=tokens,
        without_template=refused,
        roles=dict(sum((shape.roles(example) for example in examples), Counter())),
    )


def _summary(data: Dataset, tokens: Spread | None) -> str:
    parts = [f"{data.path.name}: {data.format}, {len(data.rows)} usable rows of {data.records}"]
    parts.append(human_bytes(data.path.stat().st_size))
    if tokens:
        parts.append(f"{tokens.total} tokens (median {tokens.median:g}, longest {tokens.max})")
    if data.exact_duplicates or data.near_duplicates:
        parts.append(f"{data.exact_duplicates} exact and {data.near_duplicates} near duplicates")
    first = next((problem for problem in data.problems if not problem.notice), None)
    if first:
        parts.append(f"first problem: {first}")
    return ", ".join(parts)


def _spread(values: Sequence[int]) -> Spread:
    ordered = sorted(values)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Spread(min=ordered[0], median=median(ordered), p95=p95, max=ordered[-1], total=sum(ordered))


def _in_order(spread: Spread) -> bool:
    return spread.min <= spread.median <= spread.max and spread.min <= spread.p95 <= spread.max <= spread.total
