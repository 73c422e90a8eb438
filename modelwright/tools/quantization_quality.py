"""`quantization_quality`: what quantizing costs, measured beside the original on the same windows of text.

Two facts to know. Perplexity alone cannot tell 8 bits from 5 on a short text, as its interval is wide; the KL divergence from
the original on the same tokens can, and the ratio of perplexities is paired. And "dominated" is said only where the
difference is outside its interval; models that the text cannot tell apart both stay.

It does NOT keep the files it quantizes (quantize does), and does not measure serving speed (benchmark does).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field, model_validator

from modelwright.contract import ToolContext, tool
from modelwright.engines import weights
from modelwright.errors import ModelwrightError
from modelwright.files import artifact, discard, write_atomic
from modelwright.modelrefs import Model, base_paths
from modelwright.scoring.metrics import MetricName
from modelwright.tools import _evaluation, _quality
from modelwright.tools._evaluation_models import BUILTIN_BYTES, LLAMA, SPEED, rows_and_tokens, short_names
from modelwright.tools._evaluation_rows import EvaluationArgs, absolute
from modelwright.tools._quality import Quality, TaskScore, Wanted
from modelwright.tools._quantizing import seconds_a_weight
from modelwright.tools._type_names import CacheType, QuantType, refuse_without_imatrix
from modelwright.types import Check, DatasetPath, Effect, Estimate, Json, ModelRef, ToolArgs, ToolResult

TEMPORARY = "temporary"
BUILTIN_NOTE = (
    "the original is made from the built-in 4-bit file: types on its grid (Q4_1, Q8_0) look better than they would for F16 weights"
)


class Args(ToolArgs):
    model: ModelRef | None = Field(None, description="the original: F16 or F32 .gguf, folder or builtin; quantized to types")
    models: list[ModelRef] = Field(
        default_factory=list, max_length=13, description="the original first (or in model), then its quantized .gguf files"
    )
    types: list[QuantType] = Field(
        default_factory=list,
        max_length=12,
        description="made for the measurement only: llama.cpp's names, int8, nf4, gptq, awq; Q8_0 and Q4_K_M if nothing is given",
    )
    dataset: DatasetPath | None = Field(None, description="text or rows to measure on; unset: a shipped English sample")
    kv_cache_types: list[CacheType] = Field(
        default_factory=list, max_length=6, description="types of the KV cache to measure: q8_0, q4_0 …"
    )
    imatrix_dataset: DatasetPath | None = Field(None, description="text to weigh columns by when quantizing to types")
    eval_dataset: DatasetPath | None = Field(None, description="questions with answers: each file's score on them is added")
    metrics: list[MetricName] | None = Field(None, min_length=1, description="on eval_dataset, as in evaluate")
    limit: int | None = Field(None, ge=1, description="rows of eval_dataset; unset: all")
    max_new_tokens: int = Field(128, ge=1, le=8192, description="longest answer on eval_dataset, tokens")
    window: int = Field(512, ge=64, le=4096, description="tokens of one window; the second half is scored")
    windows: int = Field(32, ge=2, le=4096, description="at most this many windows, evenly spread over the text")
    seed: int | None = Field(None, ge=0, description="of the bootstraps; unset: the settings' seed")

    @model_validator(mode="after")
    def _something_to_measure(self) -> Args:
        if not (self.model or self.models):
            raise ValueError("name the original in model, or first in models")
        if set(self.metrics or ()) - {"perplexity"} and not self.eval_dataset:  # perplexity is measured on the text in any case
            raise ValueError("metrics need an eval_dataset")
        if "regex" in (self.metrics or ()):
            raise ValueError("regular expressions are looked for by evaluate and compare, not here")
        refuse_without_imatrix(self.types, self.imatrix_dataset)
        return self


class Result(ToolResult):
    models: list[Quality] = Field(description="one a model, the originals first of their engine")
    table: list[str] = Field(description="size, speed and quality, one line a model")
    dominated: dict[str, str] = Field(description="model -> the one that is no larger, no slower and measurably better")
    tokens: int = Field(description="scored tokens a model")
    window: int = Field(description="tokens of one window")
    imatrix_tokens: int = Field(description="tokens of the importance matrix; 0 without one")
    windows_path: str = Field(description="JSON lines: NLL, mean KL and same top tokens of every window and model")
    plot_path: str | None = Field(description="size against KL; null without matplotlib")
    notes: list[str] = Field(description="what a reader should know beside the numbers")


def settle(args: Args, workspace: Path) -> Json:
    """Types are made of their own accord only where there is nothing else to measure."""
    others = [ref for ref in args.models if ref != args.model]
    return {"types": None if len(others) + bool(args.model) > 1 or args.kv_cache_types else [*_quality.DEFAULT_TYPES]}


def estimate(args: Args, workspace: Path) -> Estimate:
    """The windows read by every model at the built-in model's speed, scaled by its weights; quantizing and export as those tools say."""
    try:
        want = _quality.wanted(args.model, args.models, args.types, args.kv_cache_types, workspace)
        count = weights.count(want.original)
    except ModelwrightError:  # an earlier step makes it
        want, count = Wanted(Model("?", "gguf", "?"), [], [*args.types], [], [*args.kv_cache_types]), 135_000_000
    compared = len(want.models) + len(want.types) + len(want.caches) + len(want.kinds)
    scale = max(0.02, count * 0.73 / BUILTIN_BYTES)
    reading = _windows(args, workspace) * args.window * scale * (1 / 120 + 1 / 500) + 2 * scale
    making = want.needs_gguf and (want.original.is_builtin or want.original.kind != "gguf")
    seconds = (
        6
        + reading * (compared + 1 + bool(want.kinds))
        + 15 * bool(want.kinds)
        + 30 * making
        + count * sum(map(seconds_a_weight, want.types))
    )
    seconds += 60 * bool(args.imatrix_dataset) + scale * _answering(args, workspace) * (compared + 1)
    memory = int(700e6 + count * (2 + 1.1 * compared) + count * (5 if want.kinds or making else 0))
    return Estimate(seconds=round(seconds, 1), memory_bytes=memory, disk_bytes=2_000_000)


def _windows(args: Args, workspace: Path) -> int:
    path = absolute(workspace, args.dataset) if args.dataset else None
    size = path.stat().st_size if path and path.is_file() else 10_000
    return max(2, min(args.windows, int(size / 3.5 / args.window) + 1))


def _answering(args: Args, workspace: Path) -> float:
    """Seconds that the built-in model takes for the questions of eval_dataset."""
    if not args.eval_dataset:
        return 0.0
    rows, prompt_tokens = rows_and_tokens(absolute(workspace, args.eval_dataset), args.limit)
    read, write = SPEED[LLAMA]
    return rows * (prompt_tokens / read + args.max_new_tokens / write)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """The numbers follow from the windows' file, originals are equal to themselves, all that was asked for is there, nothing is left."""
    originals = [row for row in result.models if row.is_original]
    asked = len(args.types) + len(args.kv_cache_types) + len([ref for ref in args.models if ref != args.model]) - (args.model is None)
    found = len(result.models) - len(originals)
    left = Path(result.windows_path).parent / TEMPORARY
    return [
        Check(name="numbers follow from the windows", passed=_follow(result), detail=result.windows_path),
        Check(name="originals equal themselves", passed=bool(originals) and all(row.kl_max == 0 for row in originals)),
        Check(name="every model was measured", passed=found >= max(1, asked), detail=f"{found} beside {len(originals)} originals"),
        Check(name="temporary files are gone", passed=not left.exists()),
    ]


def _follow(result: Result) -> bool:
    """Perplexity, mean KL and same-top rate worked out again from the file."""
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * 4)
    try:
        for line in Path(result.windows_path).read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            parts = (one["tokens"], one["nll"], one["kl_mean"] * one["tokens"], one["same"])
            sums[one["engine"], one["model"]] = [a + b for a, b in zip(sums[one["engine"], one["model"]], parts, strict=True)]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return all(_same(row, sums[row.engine, row.name]) for row in result.models)


def _same(row: Quality, sums: Sequence[float]) -> bool:
    tokens, nll, kl, same = sums
    if not tokens:
        return False
    pairs = ((math.exp(nll / tokens), row.perplexity.mean), (kl / tokens, row.kl_mean.mean), (same / tokens, row.same_top.mean))
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for a, b in pairs)


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "model-f16.gguf", "types": ["Q8_0", "Q4_K_M"], "dataset": "eval.txt", "kv_cache_types": ["q8_0"]},
    estimate=estimate,
    checks=checks,
    decisive=("types", "windows", "window"),
    settle=settle,
    volatile=True,
    reads=lambda args, workspace: base_paths([ref for ref in (args.model, *args.models) if ref], workspace),
    keywords=(
        "quantization",
        "quality",
        "kl divergence",
        "perplexity",
        "pareto",
        "dominated",
        "bits",
        "int8",
        "nf4",
        "gptq",
        "awq",
        "lost",
    ),
)
def quantization_quality(args: Args, ctx: ToolContext) -> Result:
    """Measure what quantizing costs: perplexity, KL divergence, same top token and speed against the original."""
    want = _quality.wanted(args.model, args.models, args.types, args.kv_cache_types, ctx.workspace)
    setup = _evaluation.prepare(ctx, _evaluation_args(args)) if args.eval_dataset else None
    place = ctx.output_dir.absolute() / TEMPORARY
    given = _gguf(args, want, place, ctx) if want.needs_gguf else None
    done = ctx.job("quality", _specification(args, want, given, ctx))
    rows = [Quality.model_validate(row) for row in done["rows"]]
    notes = [*done["notes"], *([BUILTIN_NOTE] if want.original.is_builtin else [])]
    if setup and given:
        rows = _with_scores(rows, given, setup, ctx)
    elif setup:
        notes.append("no task score: it is measured for GGUF files only")
    discard(place)
    return _result(args, rows, done, notes, given["imatrix_tokens"] if given else 0)


def _evaluation_args(args: Args) -> EvaluationArgs:
    return EvaluationArgs(
        dataset=args.eval_dataset or "", metrics=args.metrics, limit=args.limit, max_new_tokens=args.max_new_tokens, seed=args.seed
    )


def _gguf(args: Args, want: Wanted, place: Path, ctx: ToolContext) -> Json:
    """The files to measure; those that are made here stand in `place`."""
    if want.original.kind == "gguf" and not want.original.is_builtin:
        _quality.caches(Path(want.original.path), want.caches)  # what llama.cpp refuses is said before it is quantized
    original = _quality.original_gguf(want, place, ctx)
    per_token, caches = _quality.caches(original, want.caches)
    files = [{"name": model.name, "path": model.path} for model in want.models]
    tokens = 0
    if want.types:
        made = _quantized(args, original, want.types, place, ctx)
        files += [{"name": one["type"], "path": one["model"]} for one in made["quantizations"]]
        tokens = made["imatrix_tokens"]
    names = short_names([Model(one["path"], "gguf", one["path"]) for one in files])
    twice = len({one["name"] for one in files}) < len(files)
    files = [{**one, "name": name if twice else one["name"]} for one, name in zip(files, names, strict=True)]
    return {"original": str(original), "original_cache": per_token, "files": files, "caches": caches, "imatrix_tokens": tokens}


def _quantized(args: Args, original: Path, types: Sequence[str], place: Path, ctx: ToolContext) -> Json:
    return ctx.job(
        "quantize",
        {
            "model": asdict(Model(str(original), "gguf", str(original))),
            "types": list(types),
            "imatrix_dataset": str(absolute(ctx.workspace, args.imatrix_dataset)) if args.imatrix_dataset else None,
            "output": str(place),
            "replace": True,
            "cache_dir": str(ctx.settings.cache_dir),
            "threads": ctx.settings.threads,
            "seed": ctx.settings.seed,
        },
    )


def _specification(args: Args, want: Wanted, given: Json | None, ctx: ToolContext) -> Json:
    texts = [absolute(ctx.workspace, args.dataset)] if args.dataset else [_quality.SAMPLES / name for name in _quality.SHIPPED]
    return {
        "gguf": given,
        "folder": {"model": asdict(want.original), "kinds": want.kinds} if want.kinds else None,
        "texts": list(map(str, texts)),
        "window": args.window,
        "windows": args.windows,
        "threads": ctx.settings.threads,
        "cache_dir": str(ctx.settings.cache_dir.absolute()),
        "output_dir": str(ctx.output_dir.absolute()),
        "seed": ctx.settings.seed if args.seed is None else args.seed,
    }


def _with_scores(rows: list[Quality], given: Json, setup: _evaluation.Setup, ctx: ToolContext) -> list[Quality]:
    """The original and every file answer the same questions; differences from the original are paired."""
    paths = [given["original"], *(one["path"] for one in given["files"])]
    measured, scored = _evaluation.measure(ctx, [Model(path, "gguf", path) for path in paths], setup)
    files = [row for row in rows if row.kind == "weights" and row.engine == "llama.cpp"]
    tasks = {row.name: _task(one, measured[0], scored["pairs"]) for row, one in zip(files, measured, strict=True)}
    return [row.model_copy(update={"task": tasks.get(row.name)}) if row.engine == "llama.cpp" else row for row in rows]


def _task(one: _evaluation.Measured, original: _evaluation.Measured, pairs: Sequence[Json]) -> TaskScore:
    metric, score = next(iter(one.scores.items()))
    pair = next((pair for pair in pairs if (pair["a"], pair["b"], pair["metric"]) == (original.name, one.name, metric)), None)
    paired = {name: pair[name] if pair else None for name in ("difference", "low", "high", "verdict")}
    return TaskScore(metric=metric, score=score, **paired)


def _result(args: Args, rows: list[Quality], done: Json, notes: list[str], imatrix_tokens: int) -> Result:
    dominated = {row.name: row.dominated_by for row in rows if row.dominated_by}
    lines = _quality.table(rows)
    page = Path(done["windows_path"]).with_name("quality.txt")
    write_atomic(page, "\n".join([*lines, "", *notes]) + "\n")
    written = {"quality": page, "windows": Path(done["windows_path"])}
    if done["plot_path"]:
        written["plot"] = Path(done["plot_path"])
    return Result(
        summary=_summary(rows, dominated),
        artifacts=[artifact(path, kind) for kind, path in written.items()],
        models=rows,
        table=lines,
        dominated=dominated,
        tokens=done["tokens"],
        window=done["window"],
        imatrix_tokens=imatrix_tokens,
        windows_path=done["windows_path"],
        plot_path=done["plot_path"],
        notes=notes,
    )


def _summary(rows: Sequence[Quality], dominated: dict[str, str]) -> str:
    shown = [f"{row.name} mean KL {row.kl_mean.mean:.2g}, same top {row.same_top.mean:.1%}" for row in rows if not row.is_original]
    said = ", ".join(f"{name} is dominated by {by}" for name, by in dominated.items()) or "none is dominated"
    return f"{'; '.join(shown)}: {said}"
