"""The tool that measures how well one model answers a data set, every number with its 95% interval.

The last assistant turn of a row is its reference; the turns before it are the prompt. Answers are greedy. Rows, scores
and answers stand in the items file, so that each number can be worked out again.

It does NOT compare models (compare does, with paired tests), judge by another model, or reach endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.files import artifact
from modelwright.tools import _evaluation
from modelwright.tools._evaluation import Score
from modelwright.tools._evaluation_models import estimate_models, resolve_models
from modelwright.tools._evaluation_rows import EvaluationArgs, HashedFile, all_measured, count_lines, unchanged
from modelwright.types import Check, Effect, Estimate, ModelRef, ToolResult


class Args(EvaluationArgs):
    model: ModelRef = Field(description="what to evaluate: builtin, a .gguf file, a Hugging Face folder or an adapter folder")


class Result(ToolResult):
    model: ModelRef
    name: str = Field(description="the model's short name")
    rows: int = Field(description="rows that were answered")
    scores: dict[str, Score] = Field(description="by metric; perplexity over chat rows is called answer_perplexity")
    pass_rate: Score | None = Field(description="share of answers that pass the rubric, Wilson interval")
    checks: dict[str, Score] = Field(description="share of answers that pass each check of the rubric, Wilson interval")
    corpus_bleu: float | None = Field(description="BLEU over all answers together, 0..100")
    signatures: dict[str, str] = Field(description="what BLEU and ROUGE numbers must be quoted with")
    items_path: str = Field(description="JSON lines: prompt, reference, answer and scores of every row")
    engine: str = Field(description="llama.cpp or transformers")
    tokens_per_second: float | None = Field(description="written tokens per second, reading of prompts included")
    seconds: float = Field(description="time spent on answers, without loading")
    truncated: int = Field(description="answers cut at max_new_tokens")
    dataset: HashedFile
    rubric: HashedFile | None
    notes: list[str]


def estimate(args: Args, workspace: Path) -> Estimate:
    return estimate_models([args.model], args, workspace)


def checks(args: Args, result: Result) -> Sequence[Check]:
    lines = count_lines(result.items_path)
    wanted = result.scores["perplexity"].n if set(result.scores) == {"perplexity"} else result.rows
    files = [file for file in (result.dataset, result.rubric) if file]
    return [
        Check(name="every row has its outcome", passed=lines == wanted, detail=f"{lines} lines for {wanted} items"),
        Check(name="data set and rubric are unchanged", passed=all(map(unchanged, files)), detail=", ".join(file.path for file in files)),
        all_measured(args.metrics, result.scores),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "builtin", "dataset": "eval.jsonl", "limit": 32},
    estimate=estimate,
    checks=checks,
    decisive=_evaluation.DECISIVE,
    settle=_evaluation.settle,
    reads=lambda args, workspace: _evaluation.reads(args, [args.model], workspace),
    keywords=("evaluate", "test", "score", "measure", "accuracy", "perplexity", "rouge", "bleu", "quality", "rubric"),
)
def evaluate(args: Args, ctx: ToolContext) -> Result:
    """Measure how well a model answers a data set: rubric, exact match, ROUGE-L, BLEU, perplexity, with intervals."""
    models = resolve_models([args.model], ctx.workspace)
    setup = _evaluation.prepare(ctx, args)
    [one], scored = _evaluation.measure(ctx, models, setup)
    items = ctx.output_dir / "items.jsonl"
    rows = [{**{k: v for k, v in row.items() if k != "models"}, **row["models"][one.name]} for row in _evaluation.item_rows(setup, [one])]
    _evaluation.write_items(items, rows)
    return Result(
        summary=_summary(one, len(setup.data.items)),
        artifacts=[artifact(items, "items")],
        model=args.model,
        name=one.name,
        rows=len(setup.data.items),
        scores=one.scores,
        pass_rate=one.pass_rate,
        checks=one.checks,
        corpus_bleu=one.scored["corpus_bleu"],
        signatures=scored["signatures"],
        items_path=str(items),
        engine=one.engine,
        tokens_per_second=one.tokens_per_second,
        seconds=one.seconds,
        truncated=one.truncated,
        dataset=setup.data.file,
        rubric=setup.rubric,
        notes=_evaluation.notes_of(setup, [one]),
    )


def _summary(one: _evaluation.Measured, rows: int) -> str:
    parts = [f"{metric} {_evaluation.show(score)}" for metric, score in one.scores.items()]
    if one.pass_rate:
        parts.append(f"{round(one.pass_rate.mean * one.pass_rate.n)} of {one.pass_rate.n} pass")
    return f"{one.name} on {rows} rows: {', '.join(parts)}"
