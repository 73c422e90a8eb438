"""What quantization_quality is given and gives, one row a model, and what is decided before the first job. Not a tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field

from modelwright.contract import ToolContext
from modelwright.engines import gguf_header, low_bit
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model, resolve
from modelwright.sizing import kv
from modelwright.sizing.shapes import ModelShape
from modelwright.tools import _model_shape
from modelwright.tools._evaluation import Score
from modelwright.types import Json, Strict

FULL = frozenset({"F32", "F16", "BF16"})
AT_LOAD = low_bit.KINDS
"""Made by bitsandbytes or GPTQModel and read by transformers, not files of llama.cpp."""
DEFAULT_TYPES = ("Q8_0", "Q4_K_M")
SAMPLES = Path(__file__).parent / "samples"
SHIPPED = ("prose.txt", "english.txt", "legal.txt", "code.txt", "json.txt")
"""English, as a text in a language that the model does not know says little about its weights."""


class TaskScore(Strict):
    """The first metric on eval_dataset, and the paired difference from the original's."""

    metric: str = Field(description="the metric")
    score: Score = Field(description="of this model")
    difference: float | None = Field(description="this model's minus the original's, row by row; null for the original")
    low: float | None = Field(description="lower end of the difference's 95% interval")
    high: float | None = Field(description="upper end of the difference's 95% interval")
    verdict: str | None = Field(description="better, worse or cannot tell; null for the original")


class Quality(Strict):
    """One model beside its original. Intervals are 95% bootstraps over windows."""

    name: str = Field(description="type, file, or KV with the cache type")
    bytes: int = Field(description="of the file; for int8, nf4, gptq and awq of the weights in memory")
    bits_per_weight: float = Field(description="of all tensors, bits")
    kl_mean: Score = Field(description="mean of KL(original || this) over the scored tokens, nats")
    kl_p999: float = Field(description="99.9th percentile of the KL over the scored tokens, nats")
    same_top: Score = Field(description="share of tokens where both put the same token first")
    perplexity: Score = Field(description="exp of the mean NLL")
    write_tokens_per_second: float = Field(description="greedy, one request, median of five in turn with the others")
    dominated_by: str | None = Field(description="a model no larger, no slower and measurably nearer to the original; null: none")
    ln_perplexity_ratio: Score = Field(description="ln(perplexity / the original's), windows paired")
    kl_max: float = Field(description="largest KL of a token, nats")
    read_tokens_per_second: float = Field(description="windows, with the logits of every position, median")
    write_slowest: float = Field(description="slowest of the five, tokens a second")
    write_fastest: float = Field(description="fastest of the five, tokens a second")
    kind: str = Field(description="weights or kv_cache")
    engine: str = Field(description="llama.cpp or transformers")
    is_original: bool = Field(description="what the others of its engine are measured against")
    cache_bytes_per_token: int | None = Field(description="KV cache of one token, bytes; null where it is not reckoned")
    task: TaskScore | None = Field(None, description="null without eval_dataset, and for what is not a file")


@dataclass(frozen=True)
class Wanted:
    """What is measured against what."""

    original: Model
    models: list[Model]
    types: list[str]
    """Of llama.cpp, to be made."""
    kinds: list[str]
    """Of AT_LOAD."""
    caches: list[str]

    @property
    def needs_gguf(self) -> bool:
        return bool(self.models or self.types or self.caches)


def wanted(model: str | None, models: Sequence[str], types: Sequence[str], caches: Sequence[str], workspace: Path) -> Wanted:
    """Raises BadRequest when there is no original, nothing to measure, or a file that cannot be measured this way."""
    named = [*([model] if model else []), *(ref for ref in models if ref != model)]
    if not named:
        raise BadRequest("no model is named", fix="give model and types, or models with the F16 file first")
    first, *others = [resolve(ref, workspace) for ref in named]
    types = [*types] or ([] if others or caches else [*DEFAULT_TYPES])
    kinds = [kind.lower() for kind in types if kind.lower() in AT_LOAD]
    found = Wanted(first, others, [kind for kind in types if kind.lower() not in AT_LOAD], kinds, [kind.lower() for kind in caches])
    if first.kind == "endpoint":
        raise BadRequest(f"{first.ref} is an endpoint: its logits are not here", fix="name a .gguf file or a folder")
    for other in others:
        if other.kind != "gguf":
            raise BadRequest(f"{other.ref} is no GGUF file", fix="list quantized .gguf files, or give types=int8 or nf4 for a folder")
    if found.needs_gguf and first.kind == "gguf" and not first.is_builtin:
        _refuse_quantized(first)
    return found


def _refuse_quantized(original: Model) -> None:
    quantized = [name for name in gguf_header.read(Path(original.path)).types if name not in FULL]
    if quantized:
        raise BadRequest(
            f"the original, {original.ref}, is quantized itself ({quantized[0]})",
            fix="name the F16 file first: export_model format=gguf makes one",
        )


def caches(original: Path, types: Sequence[str]) -> tuple[int | None, list[Json]]:
    """Bytes a token of the original's f16 cache and of each type. Raises BadRequest for what llama.cpp refuses for this model."""
    for kind in types:
        if kind not in kv.CACHE_TYPES:
            raise BadRequest(f"llama.cpp has no cache type {kind!r:.40}", fix=f"use one of {', '.join(kv.CACHE_TYPES)}")
    try:
        shape = _model_shape.of_gguf(original) if types else None
    except BadRequest:  # a shape that is not reckoned here: the cache is measured, its size is not told
        shape = None
    sizes = [_bytes_per_token(shape, kind) for kind in ("f16", *types)]
    return sizes[0], [{"type": kind, "bytes_per_token": size} for kind, size in zip(types, sizes[1:], strict=True)]


def _bytes_per_token(shape: ModelShape | None, kind: str) -> int | None:
    return kv.llama_cpp(shape, 256, kv.LlamaCpp(type_k=kind, type_v=kind)).bytes_per_token if shape else None


def original_gguf(want: Wanted, place: Path, ctx: ToolContext) -> Path:
    """The F16 file: the one that was named, or an export that is proved equal to the model."""
    if want.original.kind == "gguf" and not want.original.is_builtin:
        return Path(want.original.path)
    output = place / f"{want.original.name.removesuffix('.gguf')}-f16.gguf"
    common = {"cache_dir": str(ctx.settings.cache_dir), "threads": ctx.settings.threads, "seed": ctx.settings.seed}
    given = {"model": asdict(want.original), "format": "gguf", "dtype": "f16", "output": str(output), "replace": True}
    return Path(ctx.job("export", {**given, **common})["artifact"]["path"])


def table(rows: Sequence[Quality]) -> list[str]:
    """The Pareto table: size, speed and quality, a line a model."""
    lines = [f"{'model':<24} {'MB':>8} {'bits':>6} {'tok/s':>7} {'PPL':>8} {'mean KL':>9} {'p99.9':>7} {'same top':>8}  dominated by"]
    for row in rows:
        mark = "original" if row.is_original else row.dominated_by or "-"
        cells = f"{row.bytes / 1e6:>8.1f} {row.bits_per_weight:>6.2f} {row.write_tokens_per_second:>7.1f} {row.perplexity.mean:>8.3f}"
        lines.append(f"{row.name:<24} {cells} {row.kl_mean.mean:>9.2e} {row.kl_p999:>7.3f} {row.same_top.mean:>8.2%}  {mark}")
    return lines
