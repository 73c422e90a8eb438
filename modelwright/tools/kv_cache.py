"""`kv_cache`: how large the KV cache of a model is, what fits into a memory limit, and what could be changed to make it smaller.

Two facts to know. `context_length` is that of one sequence; llama.cpp splits its `n_ctx` among sequences, so this asks for
`context_length * batch_size` and shows in `tokens` what each really gets. And the three engines differ: llama.cpp pads to
256 cells, vLLM hands out pages of 16 tokens, transformers keeps exactly what it saw.

Nothing is loaded and nothing is run. Weights and working memory are not counted; `memory_fit` adds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from modelwright.contract import ToolContext, tool
from modelwright.errors import BadRequest
from modelwright.sizing import kv, kv_engines, layout, levers
from modelwright.sizing.kv import Cache
from modelwright.sizing.shapes import ModelShape, explicit
from modelwright.text import human_bytes
from modelwright.tools._model_shape import find, reads, shape_of
from modelwright.types import Check, Effect, Estimate, ModelRef, Strict, ToolArgs, ToolResult

Engine = Literal["llama.cpp", "vllm", "transformers"]
DType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl", "fp8", "int8"]
LONGEST, MOST_BATCH = 1 << 24, 1 << 16
"""contexts and batches that are looked at when the largest is asked for"""


class Args(ToolArgs):
    model: ModelRef | None = Field(
        None,
        description="GGUF file, Hugging Face folder or config.json, or a known name (Llama-3.1-8B); or give layers, kv_heads, head_dim",
    )
    layers: int | None = Field(None, ge=1, le=2000, description="layers with attention, when no model is named")
    kv_heads: int | None = Field(None, ge=1, le=4096, description="key-value heads of a layer, when no model is named")
    head_dim: int | None = Field(None, ge=1, le=65_536, description="numbers of a head, when no model is named")
    context_length: int = Field(4096, ge=1, le=LONGEST, description="tokens of one sequence")
    batch_size: int = Field(1, ge=1, le=MOST_BATCH, description="sequences at the same time")
    dtype: DType = Field("f16", description="number format of keys and values; q… and iq… are llama.cpp's, fp8 and int8 vLLM's")
    dtype_v: DType | None = Field(None, description="format of the values if it is another one (llama.cpp)")
    engine: Engine = Field("llama.cpp", description="whose rules of rounding and paging count")
    memory_gib: float | None = Field(
        None, gt=0, le=1e6, allow_inf_nan=False, description="GiB for the cache; with vllm of the whole GPU, weights in 16 bits included"
    )
    swa_full: bool = Field(False, description="llama.cpp keeps whole contexts for sliding-window layers too (llama-cpp-python does)")
    unified: bool = Field(False, description="llama.cpp shares one pool among all sequences, as its server does")
    ubatch: int = Field(512, ge=1, le=65_536, description="tokens that llama.cpp computes at once; windows grow by it")
    flash_attention: bool = Field(True, description="llama.cpp with flash attention; quantized values need it")
    gpu_memory_utilization: float = Field(kv_engines.UTILISATION, gt=0, le=1, description="share of memory_gib that vLLM takes")

    @model_validator(mode="after")
    def _one_source(self) -> Args:
        given = [name for name in ("layers", "kv_heads", "head_dim") if getattr(self, name) is not None]
        if self.model is None and len(given) < 3:
            raise ValueError("name a model, or give layers, kv_heads and head_dim")
        if self.model is not None and given:
            raise ValueError(f"a model is named and {given[0]} is given: one of them")
        return self


class LeverResult(Strict):
    """One change that makes the cache smaller."""

    change: dict[str, str | int | float | bool]
    bytes: int = Field(description="of the cache then")
    saved_bytes: int = Field(description="less than now")
    level: str = Field(description="free, hardly measurable, noticeable, or less than asked")
    cost: str = Field(description="what is given up")


class Result(ToolResult):
    bytes: int = Field(description="of the whole cache")
    bytes_per_token: int = Field(description="bytes of one token in one sequence, all layers counted")
    growing_bytes_per_token: int = Field(description="bytes of one more token once every sliding window is full")
    tokens: int = Field(description="tokens of one sequence that there is room for, after the engine's rounding")
    parts: dict[str, int] = Field(description="bytes of full attention, of sliding windows and of recurrent states")
    fits: bool | None = Field(description="whether it fits into memory_gib; null without a limit")
    budget_bytes: int | None = Field(description="bytes for the cache; null without a limit")
    largest_context: int | None = Field(
        description="tokens of a sequence that fit at this batch_size; null without a limit, or when nothing limits it"
    )
    largest_batch: int | None = Field(
        description="sequences that fit at this context_length; null without a limit, or when nothing limits it"
    )
    max_concurrency: float | None = Field(
        description="vLLM's own figure: requests of context_length that its pages hold; null for other engines"
    )
    levers: list[LeverResult] = Field(description="what would make it smaller, cheapest first")
    layers: int = Field(description="of the model")
    kv_heads: int = Field(description="key-value heads of its widest layer")
    head_dim: int = Field(description="numbers of a head of its widest layer")
    source: str = Field(description="where the model's shape comes from")
    notes: list[str] = Field(default_factory=list, description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    return Estimate(seconds=0.1, memory_bytes=50_000_000)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """The parts add up, and what is said to fit does."""
    whole = sum(result.parts.values()) == result.bytes
    found = [Check(name="parts add up", passed=whole, detail=f"{result.bytes} bytes")]
    if result.budget_bytes is not None:
        found.append(
            Check(name="verdict", passed=result.fits == (result.bytes <= result.budget_bytes), detail=f"limit {result.budget_bytes} bytes")
        )
    return found


@tool(
    effects=[Effect.READS_FILES],
    example={"model": "Llama-3.1-8B", "context_length": 8192, "dtype": "q8_0"},
    estimate=estimate,
    checks=checks,
    decisive=("context_length", "batch_size", "dtype"),
    keywords=("kv", "cache", "context", "kv cache", "bytes per token", "longest context", "largest batch", "swa", "gqa", "mla", "paged"),
    reads=lambda args, workspace: reads(args.model, workspace),
    find_model=find,
)
def kv_cache(args: Args, ctx: ToolContext) -> Result:
    """Say how large a model's KV cache is, what fits into a limit, and what would make it smaller."""
    shape = model_shape(args, ctx.workspace)
    cache = cache_of(shape, args)
    budget = _budget(shape, args)
    return Result(
        summary=_summary(shape, args, cache, budget),
        bytes=cache.bytes,
        bytes_per_token=cache.bytes_per_token,
        growing_bytes_per_token=cache.growing_bytes_per_token,
        tokens=cache.tokens,
        parts=cache.parts,
        fits=None if budget is None else cache.bytes <= budget,
        budget_bytes=budget,
        largest_context=None if budget is None else _largest(shape, args, "context_length", LONGEST, budget),
        largest_batch=None if budget is None else _largest(shape, args, "batch_size", _most_sequences(args), budget),
        max_concurrency=_concurrency(shape, args, budget),
        levers=_levers(shape, args, cache.bytes),
        layers=len(shape.layers),
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        source=shape.source,
        notes=_notes(shape, args, cache),
    )


def model_shape(args: Args, workspace: Path) -> ModelShape:
    if args.model is not None:
        return shape_of(args.model, workspace)
    assert args.layers is not None
    assert args.kv_heads is not None
    assert args.head_dim is not None
    return explicit(args.layers, args.kv_heads, args.head_dim)


def cache_of(shape: ModelShape, args: Args) -> Cache:
    """By the rules of the engine. Raises BadRequest for what that engine refuses."""
    if args.engine == "llama.cpp":
        settings = kv.LlamaCpp(
            type_k=args.dtype,
            type_v=args.dtype_v or args.dtype,
            sequences=args.batch_size,
            swa_full=args.swa_full,
            unified=args.unified,
            ubatch=args.ubatch,
            flash_attention=args.flash_attention,
        )
        return kv.llama_cpp(shape, args.context_length * args.batch_size, settings)
    if args.dtype_v not in (None, args.dtype):
        raise BadRequest(f"{args.engine} has one format for keys and values, not {args.dtype} and {args.dtype_v}", fix="leave dtype_v out")
    if args.engine == "vllm":
        return kv_engines.vllm(shape, args.context_length, args.batch_size, kv_engines.Vllm(dtype=args.dtype))
    return kv_engines.transformers(shape, args.context_length, args.batch_size, args.dtype)


def _budget(shape: ModelShape, args: Args) -> int | None:
    """Bytes for the cache. vLLM takes its share of the GPU, and the weights come off it."""
    if args.memory_gib is None:
        return None
    given = args.memory_gib * 2**30
    if args.engine != "vllm" or args.model is None:
        return int(given * (args.gpu_memory_utilization if args.engine == "vllm" else 1))
    return max(0, int(given * args.gpu_memory_utilization) - 2 * layout.parameters(shape))


def _concurrency(shape: ModelShape, args: Args, budget: int | None) -> float | None:
    if args.engine != "vllm" or budget is None:
        return None
    return round(kv_engines.vllm_concurrency(shape, args.context_length, budget, kv_engines.Vllm(dtype=args.dtype)), 2)


def _most_sequences(args: Args) -> int:
    return kv.MOST_SEQUENCES if args.engine == "llama.cpp" else MOST_BATCH


def _largest(shape: ModelShape, args: Args, name: str, most: int, budget: int) -> int | None:
    """The largest value of an argument whose cache fits; 0 when not even 1 does, None when all do. Sizes only grow with it."""

    def fits(value: int) -> bool:
        return cache_of(shape, args.model_copy(update={name: value})).bytes <= budget

    if not fits(1):
        return 0
    if fits(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def levers_of(args: Args) -> list[levers.Lever]:
    """What may be changed of these arguments."""
    found: list[levers.Lever] = []
    if args.engine == "llama.cpp":
        found += _llama_cpp_levers(args)
    if args.engine == "vllm" and args.dtype in ("f16", "bf16"):
        found.append(levers.Lever({"dtype": "fp8"}, 1, "keys and values in 8 bits; needs a GPU with FP8"))
    if args.dtype == "f32":
        found.append(levers.Lever({"dtype": "f16"}, 0, "no measurable loss against 32 bits"))
    shorter = args.context_length // 2
    if shorter >= 256:
        found.append(levers.Lever({"context_length": shorter}, 3, f"{shorter} tokens a sequence instead of {args.context_length}"))
    if args.batch_size > 1:
        found.append(
            levers.Lever({"batch_size": args.batch_size // 2}, 3, f"{args.batch_size // 2} sequences at once instead of {args.batch_size}")
        )
    return found


def _llama_cpp_levers(args: Args) -> list[levers.Lever]:
    found = []
    if args.swa_full:
        found.append(
            levers.Lever({"swa_full": False}, 0, "sliding layers cannot go back beyond their window, so an edited prompt is computed anew")
        )
    if args.ubatch > 128:
        found.append(levers.Lever({"ubatch": 128}, 1, "prefill in smaller parts is slower"))
    if args.flash_attention:
        found += [
            levers.Lever({"dtype": "q8_0"}, 1, "keys and values in 8 bits: KL 3e-4 nats where it was measured"),
            levers.Lever({"dtype": "q4_0"}, 2, "keys and values in 4 bits: KL 5e-2 nats where it was measured, worse on long contexts"),
        ]
    return found


def _levers(shape: ModelShape, args: Args, now: int) -> list[LeverResult]:
    def size(change: Mapping[str, Any]) -> int:
        try:
            return cache_of(shape, changed(args, change)).bytes
        except BadRequest:  # a cache type that this model's heads are no multiple of
            return now

    return [
        LeverResult(
            change=one.lever.change, bytes=one.bytes, saved_bytes=one.saved_bytes, level=levers.LEVELS[one.lever.level], cost=one.lever.cost
        )
        for one in levers.ranked(levers_of(args), now, size)
    ]


def changed(args: Args, change: Mapping[str, Any]) -> Args:
    return args.model_copy(update={**change, **({"dtype_v": None} if "dtype" in change else {})})


def _summary(shape: ModelShape, args: Args, cache: Cache, budget: int | None) -> str:
    what = f"{shape.name}: {human_bytes(cache.bytes)} for {args.batch_size} x {args.context_length} tokens in {args.dtype}, {args.engine}"
    if budget is None:
        return f"{what} ({cache.bytes_per_token} bytes a token)"
    return f"{what}: {'fits' if cache.bytes <= budget else 'does not fit'} into {human_bytes(budget)}"


def _notes(shape: ModelShape, args: Args, cache: Cache) -> list[str]:
    said = list(shape.notes)
    if args.engine == "llama.cpp" and cache.tokens != args.context_length and not args.unified:
        said.append(f"llama.cpp makes room for {cache.tokens} tokens a sequence: it rounds up to {kv.PAD}")
    if args.engine == "llama.cpp" and shape.window and shape.architecture not in kv.WINDOWED:
        said.append(f"llama.cpp keeps the whole context of this model, not its window of {shape.window}")
    if shape.context and args.context_length > shape.context:
        said.append(f"the model was trained for {shape.context} tokens")
    if args.engine == "transformers" and shape.latent:
        said.append("transformers keeps keys and values of every head, not the latent vector")
    if args.engine == "vllm" and args.memory_gib is not None:
        said.append("weights in 16 bits come off the limit; activations and CUDA graphs take some of it too")
        if args.model is not None and not _budget(shape, args):
            size = human_bytes(2 * layout.parameters(shape))
            said.append(
                f"the weights alone, {size} in 16 bits, are more than the limit: give layers, kv_heads and head_dim to leave them out"
            )
    return said
