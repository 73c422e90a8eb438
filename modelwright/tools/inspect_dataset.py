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
from modelwright.text import counted, human_bytes, one_line
from modelwright.types import Check, DatasetPath, Effect, Estimate, ModelRef, Strict, ToolArgs, ToolResult

MOST_COLUMNS = 8
STEP = 64
"""tokens"""


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
    columns: list[str] = Field(description="fields of the usable rows, as first met")
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
    suggested_max_length: int | None = Field(
        None, description="tokens that hold the longest row, or 95 of 100 where a few are more than twice as long; null without a model"
    )
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
        told = ctx.job("tokens", spec)
        tokens, refused = _spread(told["counts"]), told["without_template"]
    return _result(data, path, args.max_problems, tokens, refused)


def _result(data: Dataset, path: Path, max_problems: int, tokens: Spread | None, refused: int) -> Result:
    examples = [row.example for row in data.rows]
    ordered = sorted(data.problems, key=lambda problem: problem.notice)
    notices = sum(problem.notice for problem in ordered)
    words = _spread([shape.words(example) for example in examples])
    return Result(
        summary=_summary(data, words, tokens),
        dataset=str(path),
        format=data.format,
        columns=list(data.fields),
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
        words=words,
        tokens=tokens,
        suggested_max_length=suggested_max_length(tokens) if tokens else None,
        without_template=refused,
        roles=dict(sum((shape.roles(example) for example in examples), Counter())),
    )


def _summary(data: Dataset, words: Spread, tokens: Spread | None) -> str:
    """What one wants to know before training: rows and their shape, lengths with the max_length they ask for, what is wrong."""
    columns = ", ".join(one_line(name, 24) for name in data.fields[:MOST_COLUMNS]) + (" …" if len(data.fields) > MOST_COLUMNS else "")
    rows = f"{data.path.name}: {data.format}, {len(data.rows)} usable rows of {data.records}, {human_bytes(data.path.stat().st_size)}"
    return "; ".join([rows, f"columns {columns}", _lengths(words, tokens), *_flaws(data)])


def _lengths(words: Spread, tokens: Spread | None) -> str:
    length = tokens or words
    shown = f"{length.median:g} / {length.p95} / {length.max} (median / p95 / longest)"
    if tokens is None:
        return f"words a row {shown}, {words.total:,} in all; name a model to count tokens"
    enough = suggested_max_length(tokens)
    cut = "cuts none" if enough >= tokens.max else "cuts at most 5 of 100 rows"
    return f"tokens a row {shown}, {tokens.total:,} in all: max_length {enough} {cut}"


def suggested_max_length(tokens: Spread) -> int:
    """The longest row, or where a few rows are more than twice as long as the rest the 95th percentile; in steps of 64 tokens."""
    wanted = tokens.max if tokens.max <= 2 * tokens.p95 else tokens.p95
    return -(-wanted // STEP) * STEP


def _flaws(data: Dataset) -> list[str]:
    repeated = [f"{count} {kind}" for count, kind in ((data.exact_duplicates, "exact"), (data.near_duplicates, "near")) if count]
    costly = [problem for problem in data.problems if not problem.notice]
    notices = [problem for problem in data.problems if problem.notice and "exact duplicate" not in problem.what]
    said = [f"duplicates: {' and '.join(repeated)}" if repeated else "no duplicates"]
    said += [f"{counted(len(costly), 'problem')}, first problem: {one_line(str(costly[0]), 120)}"] if costly else ["no problems"]
    return said + ([f"{counted(len(notices), 'notice')}, first: {one_line(str(notices[0]), 80)}"] if notices else [])


def _spread(values: Sequence[int]) -> Spread:
    ordered = sorted(values)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Spread(min=ordered[0], median=median(ordered), p95=p95, max=ordered[-1], total=sum(ordered))


def _in_order(spread: Spread) -> bool:
    return spread.min <= spread.median <= spread.max and spread.min <= spread.p95 <= spread.max <= spread.total
