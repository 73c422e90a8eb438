"""The rows that models are asked: prompt, reference and line, read once and hashed. Shared by evaluate and compare; not a tool.

The last assistant turn is the reference and the turns before it the prompt; of a preference row, the chosen answer.
A text row has text alone and gives perplexity only. Bad rows are counted in the notes, never dropped in silence.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from modelwright.canonical import sha256_of_path
from modelwright.data import reader, sources
from modelwright.data.formats import recognise
from modelwright.errors import BadRequest, DataError
from modelwright.scoring import metrics as scoring
from modelwright.scoring.metrics import MetricName
from modelwright.scoring.patterns import compile_pattern
from modelwright.types import Check, DatasetPath, FilePath, Json, Strict, ToolArgs

LOOKED_AT = 50_000_000
"""bytes of a file that is read whole for its first row (a JSON array, Parquet); a larger one is taken for questions"""


class EvaluationArgs(ToolArgs):
    """The arguments that evaluate and compare have in common."""

    dataset: DatasetPath = Field(description="questions with reference answers, or plain text for perplexity")
    metrics: list[MetricName] | None = Field(
        None,
        min_length=1,
        description="the first decides; unset: rubric when rubric.toml stands beside the data set, else rouge_l and exact_match; "
        "perplexity for plain text",
    )
    rubric: FilePath | None = Field(None, description="rubric file (TOML); unset: rubric.toml beside the data set")
    pattern: str | None = Field(None, description="regular expression that the metric regex looks for in each answer")
    limit: int | None = Field(None, ge=1, description="rows, a sample drawn with the seed and kept in file order; unset: all rows")
    max_new_tokens: int = Field(128, ge=1, le=8192, description="longest answer, tokens")
    seed: int | None = Field(None, ge=0, description="of the sample and the bootstrap; unset: the settings' seed")

    @model_validator(mode="after")
    def _something_to_look_for(self) -> Self:
        if "regex" in (self.metrics or ()) and self.pattern is None:
            raise ValueError("the metric regex needs a pattern")
        return self

    @field_validator("pattern")
    @classmethod
    def _can_be_read(cls, pattern: str | None) -> str | None:
        try:
            compile_pattern(pattern or "", "pattern")
        except BadRequest as error:
            raise ValueError(error.message) from None
        return pattern


class HashedFile(Strict):
    path: str = Field(description="absolute path")
    sha256: str = Field(description="of its bytes when it was read")


@dataclass(frozen=True)
class Item:
    """One row to answer. A row of a text data set has text alone."""

    line: int
    messages: list[Json] = field(default_factory=list)
    reference: str | None = None
    text: str = ""

    @property
    def prompt(self) -> str:
        if len(self.messages) == 1:
            return str(self.messages[0]["content"])
        return "\n".join(f"{m['role']}: {m['content']}" for m in self.messages)


@dataclass(frozen=True)
class EvalSet:
    file: HashedFile
    items: list[Item]
    is_text: bool
    notes: list[str]


def absolute(workspace: Path, path: str) -> Path:
    return (workspace / Path(path).expanduser()).absolute()


def default_metrics(is_text: bool, rubric: Path | None) -> list[str]:
    if is_text:
        return ["perplexity"]
    return ["rubric"] if rubric else ["rouge_l", "exact_match"]


def holds_text(path: Path) -> bool:
    """Whether the first row is plain text: a quick look, before all rows are read."""
    first = next(sources.records(path), None) if path.stat().st_size <= LOOKED_AT or path.suffix in (".jsonl", ".txt") else None
    return first is not None and first.flaw is None and recognise(first.value) == "text"


def read_set(path: Path, limit: int | None, seed: int) -> EvalSet:
    """The rows to answer: all, or a sample of `limit` drawn with `seed`, in file order."""
    found = reader.read(path)
    items = [_item(row.line, row.example, path) for row in found.rows]
    notes = [f"{found.bad_rows} bad rows of {path.name} are left out"] if found.bad_rows else []
    if limit is not None and limit < len(items):
        notes.append(f"{limit} of {len(items)} rows, drawn with seed {seed}")
        items = [items[index] for index in sorted(random.Random(seed).sample(range(len(items)), limit))]
    return EvalSet(HashedFile(path=str(path), sha256=found.sha256), items, found.format == "text", notes)


def _item(line: int, example: Json, path: Path) -> Item:
    if "text" in example:
        return Item(line, text=example["text"])
    if "chosen" in example:
        return Item(line, example["prompt"], str(example["chosen"][-1]["content"]))
    messages = example["messages"]
    if messages[-1]["role"] != "assistant":
        return Item(line, messages)
    if len(messages) == 1:
        raise DataError(f"{path}:{line}: there is an answer but no question before it", fix="put a user message in front")
    return Item(line, messages[:-1], str(messages[-1]["content"]))


def check_fits(data: EvalSet, metrics: Sequence[str]) -> None:
    """Metrics that these rows cannot give are refused."""
    if data.is_text and set(metrics) != {"perplexity"}:
        raise BadRequest(
            f"{data.file.path} holds plain text: only perplexity can be measured on it, not {', '.join(metrics)}",
            fix="use metrics=perplexity, or a data set of questions and answers",
        )
    needing = [metric for metric in metrics if metric in scoring.NEEDS_REFERENCE or metric == "perplexity"]
    bare = next((item.line for item in data.items if item.reference is None), None) if not data.is_text else None
    if needing and bare is not None:
        raise DataError(
            f"{data.file.path}:{bare}: the row has no answer to compare with, and {needing[0]} needs one",
            fix="add the assistant message, or use the metrics rubric or regex",
        )


def unchanged(file: HashedFile) -> bool:
    path = Path(file.path)
    return path.is_file() and sha256_of_path(path) == file.sha256


def count_lines(path: str) -> int:
    if not Path(path).is_file():
        return 0
    with Path(path).open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def all_measured(asked: Sequence[str] | None, found: Iterable[str]) -> Check:
    """Whether every metric that was asked for has a score; perplexity over chat rows is called answer_perplexity."""
    names = {"answer_perplexity": "perplexity"}
    have = {names.get(name, name) for name in found}
    missing = sorted(set(asked or ()) - have)
    detail = f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(have))
    return Check(name="every metric was measured", passed=bool(have) and not missing, detail=detail)
