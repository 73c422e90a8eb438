"""What evaluate and compare share: one generation job a model, one scoring job, the items file.

Every model gets exactly the same prompts. Everything that can be wrong with data, rubric or metrics is said before the
first model is loaded. Not a tool; nothing here imports a model library, the jobs do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import Field

from modelwright.contract import ToolContext
from modelwright.files import write_atomic
from modelwright.modelrefs import Model, base_paths
from modelwright.scoring import metrics as scoring
from modelwright.scoring import rubric as rubrics
from modelwright.tools._evaluation_models import TRANSFORMERS, choose_engines, short_names
from modelwright.tools._evaluation_rows import (
    EvalSet,
    EvaluationArgs,
    HashedFile,
    absolute,
    check_fits,
    default_metrics,
    holds_text,
    read_set,
)
from modelwright.types import Json, Strict

RUBRIC_FILE = "rubric.toml"
DECISIVE = ("metrics", "limit", "max_new_tokens")


class Score(Strict):
    """A mean, rate or perplexity with its 95% interval."""

    mean: float
    low: float | None = Field(description="lower end; null when there are too few values for one")
    high: float | None = Field(description="upper end; null when there are too few values for one")
    n: int = Field(description="rows, or windows for perplexity of texts")
    method: str = Field(description="how the interval was made")


@dataclass
class Measured:
    """One model's answers, numbers and speed."""

    name: str
    model: Model
    engine: str
    answers: list[str] | None = None
    details: list[Json] = field(default_factory=list)
    nll: Json | None = None
    seconds: float = 0.0
    tokens_per_second: float | None = None
    scored: Json = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, Score]:
        return {metric: Score(**values) for metric, values in self.scored["scores"].items() if metric != "rubric_pass"}

    @property
    def pass_rate(self) -> Score | None:
        values = self.scored["scores"].get("rubric_pass")
        return Score(**values) if values else None

    @property
    def checks(self) -> dict[str, Score]:
        return {name: Score(**values) for name, values in self.scored["checks"].items()}

    @property
    def truncated(self) -> int:
        return sum(1 for detail in self.details if detail["finish"] == "length")


@dataclass(frozen=True)
class Setup:
    """Everything that is decided before the first model is loaded."""

    data: EvalSet
    metrics: list[str]
    rubric: HashedFile | None
    pattern: str | None
    max_new_tokens: int
    seed: int


def prepare(ctx: ToolContext, args: EvaluationArgs) -> Setup:
    """Read and check everything that can be wrong, so that it is said before hours of generation."""
    seed = ctx.settings.seed if args.seed is None else args.seed
    path = absolute(ctx.workspace, args.dataset)
    data = read_set(path, args.limit, seed)
    beside = _rubric_beside(path)
    rubric_path = absolute(ctx.workspace, args.rubric) if args.rubric else beside
    chosen = list(dict.fromkeys(args.metrics or default_metrics(data.is_text, rubric_path)))
    scoring.require(chosen, rubric=rubric_path is not None, pattern=args.pattern)
    check_fits(data, chosen)
    form = rubrics.load(rubric_path) if rubric_path and "rubric" in chosen else None
    file = HashedFile(path=form.path, sha256=form.sha256) if form else None
    return Setup(data, chosen, file, args.pattern, args.max_new_tokens, seed)


def settle(args: EvaluationArgs, workspace: Path) -> Json:
    """What unset metrics and limit come to; perplexity alone writes no answers."""
    path = absolute(workspace, args.dataset)
    metrics = args.metrics or default_metrics(holds_text(path), Path(args.rubric) if args.rubric else _rubric_beside(path))
    return {"metrics": metrics, "limit": "all rows", "max_new_tokens": None if metrics == ["perplexity"] else args.max_new_tokens}


def _rubric_beside(dataset: Path) -> Path | None:
    beside = dataset.parent / RUBRIC_FILE
    return beside if beside.is_file() else None


def reads(args: EvaluationArgs, models: Sequence[str], workspace: Path) -> list[Path]:
    """What is read without being named: the rubric beside the data set, and the bases of adapters."""
    wanted = args.rubric is None and (args.metrics is None or "rubric" in args.metrics)
    beside = _rubric_beside(absolute(workspace, args.dataset)) if wanted else None
    return [*([beside] if beside else []), *base_paths(models, workspace)]


def measure(ctx: ToolContext, models: Sequence[Model], setup: Setup) -> tuple[list[Measured], Json]:
    """Every model's answers and numbers, and the result of the scoring job."""
    found = [Measured(name, model, engine) for name, model, engine in zip(short_names(models), models, choose_engines(models), strict=True)]
    for number, one in enumerate(found, 1):
        ctx.progress(f"evaluating {one.name} ({number} of {len(found)})", step=number - 1, steps=len(found))
        _run_model(ctx, one, setup)
    scored = ctx.job(
        "score",
        {
            "references": [item.reference for item in setup.data.items],
            "metrics": setup.metrics,
            "pattern": setup.pattern,
            "seed": setup.seed,
            "rubric": setup.rubric.path if setup.rubric else None,
            "models": [{"name": one.name, "answers": one.answers, "nll": one.nll} for one in found],
        },
    )
    for one, result in zip(found, scored["models"], strict=True):
        one.scored = result
    return found, scored


def _run_model(ctx: ToolContext, one: Measured, setup: Setup) -> None:
    cache = str(ctx.settings.cache_dir.absolute())
    common = {"model": asdict(one.model), "engine": one.engine, "threads": ctx.settings.threads, "cache_dir": cache}
    if set(setup.metrics) - {"perplexity"}:
        prompts = [item.messages for item in setup.data.items]
        made = ctx.job("generate", {**common, "prompts": prompts, "max_new_tokens": setup.max_new_tokens})
        one.answers, one.details = made["answers"], made["details"]
        one.seconds, one.tokens_per_second = made["seconds"], made["tokens_per_second"]
    if "perplexity" in setup.metrics:
        one.nll = ctx.job("perplexity", {**common, **_perplexity_input(setup.data)})
        one.seconds += one.nll["seconds"]


def _perplexity_input(data: EvalSet) -> Json:
    if data.is_text:
        return {"texts": [item.text for item in data.items]}
    return {"conversations": [[*item.messages, {"role": "assistant", "content": item.reference}] for item in data.items]}


def write_items(path: Path, rows: Sequence[Json]) -> None:
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def item_rows(setup: Setup, measured: Sequence[Measured]) -> list[Json]:
    """One JSON line a row (for texts: a window): prompt, reference and what each model made of it, by name."""
    if setup.data.is_text:
        heads: list[Json] = [{"window": index} for index in range(max(len(one.nll["nll"]) for one in measured if one.nll))]
    else:
        heads = [{"line": item.line, "prompt": item.prompt, "reference": item.reference} for item in setup.data.items]
    return [{**head, "models": {one.name: _at(one, index) for one in measured}} for index, head in enumerate(heads)]


def _at(one: Measured, index: int) -> Json:
    row: Json = {}
    if one.answers is not None:
        detail = one.details[index]
        row = {
            "answer": one.answers[index],
            "finish": detail["finish"],
            "output_tokens": detail["output_tokens"],
            "scores": {metric: values[index] for metric, values in one.scored["items"].items()},
            "checks": {name: values[index] for name, values in one.scored["check_items"].items()},
        }
    if one.nll and index < len(one.nll["nll"]):  # another tokenizer may cut a text into fewer windows
        row |= {"nll": one.nll["nll"][index], "tokens": one.nll["tokens"][index]}
    return row


def notes_of(setup: Setup, measured: Sequence[Measured]) -> list[str]:
    """What a reader of the numbers must know."""
    notes = list(setup.data.notes)
    for one in measured:
        if one.truncated:
            notes.append(f"{one.name}: {one.truncated} of {len(one.details)} answers were cut at {setup.max_new_tokens} tokens")
    if any(one.nll for one in measured):
        notes.append("perplexity is comparable only between models with the same tokenizer, run by the same runtime on the same data")
    if any(one.model.is_builtin and one.engine == TRANSFORMERS for one in measured):
        notes.append("builtin ran by transformers in float32, as the others do; its 4-bit file in llama.cpp gives somewhat other answers")
    if len({one.engine for one in measured}) > 1:
        notes.append("different runtimes: " + ", ".join(f"{one.name} by {one.engine}" for one in measured))
    return notes


def show(score: Score, digits: int = 2) -> str:
    """0.41 [0.36, 0.46]"""
    if score.low is None or score.high is None:
        return f"{score.mean:.{digits}f} (n={score.n}, no interval)"
    return f"{score.mean:.{digits}f} [{score.low:.{digits}f}, {score.high:.{digits}f}]"
