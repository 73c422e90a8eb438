"""`memory_fit`: will a model fit, to be run or to be trained, on this machine or on a GPU, and if not, the nearest setting that does.

Two facts to know. Where llama.cpp can say it without allocating anything, it is asked in a child process, with a file that has the
model's shape and no weights where there is no file (`source` says which); everything else is reckoned. And the speed is an
upper bound by bandwidth and arithmetic, not a forecast: what a machine reaches of it, `benchmark` measures.

Training is that of `finetune`: one device; activations are kept unless `recompute` is set. Not covered: several GPUs, preference
training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.engines.train_memory import in_bfloat16
from modelwright.errors import BadRequest, EngineMissing, ToolFailed
from modelwright.sizing import devices, kv, kv_engines, layout, levers, roofline, training, weights
from modelwright.sizing.devices import Device
from modelwright.sizing.shapes import ModelShape
from modelwright.text import human_bytes
from modelwright.tools import _machine
from modelwright.tools._model_shape import find, reads, shape_of
from modelwright.tools._training_advice import training_levers, training_notes
from modelwright.tools._type_names import WeightType
from modelwright.types import Check, Effect, Estimate, Json, ModelRef, Strict, ToolArgs, ToolResult

Task = Literal["inference", "lora", "qlora", "dora", "full"]
SMALLER_TYPES = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ2_XXS", "IQ1_S")
"""what is offered when the weights are too large, the best first"""
GPU_OVERHEAD, CPU_OVERHEAD = 600_000_000, 120_000_000
"""bytes of a CUDA context and its kernels; of llama.cpp's process beside weights, cache and buffers"""


class Args(ToolArgs):
    model: ModelRef = Field(description="GGUF file, Hugging Face folder or config.json, builtin, or a known name (Llama-3.1-8B)")
    task: Task = Field("inference", description="run it, or train it as finetune does")
    quantization: WeightType | None = Field(
        None, max_length=40, description="type of the weights: Q4_K_M, F16 …, nf4, int8, fp8, gptq, awq; as in the file, else F16, if unset"
    )
    context_length: int = Field(4096, ge=1, le=1 << 24, description="tokens of one sequence; in training of the longest row")
    batch_size: int = Field(1, ge=1, le=65_536, description="sequences at once; in training rows of one step")
    memory_gib: float | None = Field(
        None, gt=0, le=1e6, allow_inf_nan=False, description="GiB that may be used; the GPU's, else what is free here"
    )
    gpu: str | None = Field(None, max_length=60, description="a GPU by name: RTX 4090, A100, T4, H100 …; this machine's processor if unset")
    dtype: Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"] = Field(
        "f16", description="number format of the KV cache"
    )
    lora_rank: int = Field(16, ge=1, le=512, description="rank of the adapter in training")
    recompute: bool = Field(
        False, description="in training: activations are computed twice instead of kept (gradient checkpointing), for less memory"
    )


class Nearest(Strict):
    """The smallest change that makes it fit."""

    change: dict[str, str | int | float | bool] = Field(description="arguments to change")
    bytes: int = Field(description="in all, then")


class LeverResult(Strict):
    """One change that takes less memory."""

    change: dict[str, str | int | float | bool]
    bytes: int = Field(description="in all, then")
    saved_bytes: int = Field(description="less than now")
    level: str = Field(description="free, hardly measurable, noticeable, or less than asked")
    cost: str = Field(description="what is given up")


class Result(ToolResult):
    bytes: int = Field(description="in all")
    parts: dict[str, int] = Field(description="bytes by what they are for")
    budget_bytes: int = Field(description="bytes that may be used")
    fits: bool = Field(description="whether it does")
    margin_bytes: int = Field(description="bytes left over; negative when it does not fit")
    nearest: Nearest | None = Field(description="the nearest setting that fits, if this one does not; null also when none does")
    levers: list[LeverResult] = Field(description="what would take less, cheapest first")
    device: str = Field(description="whose memory is meant")
    bits_per_weight: float = Field(description="of the weights as stored, bits")
    parameters: int = Field(description="weights of the model")
    decode_tokens_per_second_at_most: float | None = Field(description="bound by bandwidth and arithmetic, all sequences; null in training")
    prefill_tokens_per_second_at_most: float | None = Field(description="bound by arithmetic; null in training")
    source: str = Field(description="engine: llama.cpp was asked without allocating; formula: reckoned")
    notes: list[str] = Field(default_factory=list, description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    return Estimate(seconds=3.0 if args.task == "inference" else 0.2, memory_bytes=300_000_000)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """The parts add up, the verdict follows from them, and the setting that is offered is said to fit."""
    whole = sum(result.parts.values()) == result.bytes
    right = result.fits == (result.bytes <= result.budget_bytes)
    offered = result.nearest is None or result.nearest.bytes <= result.budget_bytes
    return [
        Check(name="parts add up", passed=whole, detail=f"{result.bytes} bytes"),
        Check(name="verdict", passed=right, detail=f"limit {result.budget_bytes} bytes"),
        Check(name="what is offered fits", passed=offered, detail=str(result.nearest.change) if result.nearest else "nothing is offered"),
    ]


@tool(
    effects=[Effect.READS_FILES, Effect.COMPUTES],
    example={"model": "Llama-3.1-8B", "quantization": "Q4_K_M", "context_length": 8192, "gpu": "RTX 4090"},
    estimate=estimate,
    checks=checks,
    decisive=("task", "context_length", "batch_size"),
    keywords=("memory", "fit", "fits", "vram", "ram", "gpu", "gib", "enough memory", "too big", "requirements"),
    volatile=True,
    reads=lambda args, workspace: reads(args.model, workspace),
    find_model=find,
)
def memory_fit(args: Args, ctx: ToolContext) -> Result:
    """Say whether a model fits in memory to be run or trained, with the nearest setting that does."""
    shape = shape_of(args.model, ctx.workspace)
    device = _device(args)
    asked = _ask_engine(shape, args, ctx) if args.task == "inference" else {}
    reckoned = parts_of(shape, args, device)
    parts = reckoned | asked
    total, budget = sum(parts.values()), device.memory_bytes
    off = total - sum(reckoned.values())  # what llama.cpp said beyond the formula counts for other settings too

    def size(change: Mapping[str, Any]) -> int:
        try:
            return sum(parts_of(shape, args.model_copy(update=dict(change)), device).values()) + off
        except BadRequest:  # a cache type that this model's heads are no multiple of
            return 1 << 60

    offered = _levers(shape, args)
    found = None if total <= budget else levers.nearest(offered, budget, size)
    speed = _speed(shape, args, parts, device)
    return Result(
        summary=_summary(shape, args, total, device, found),
        bytes=total,
        parts=parts,
        budget_bytes=budget,
        fits=total <= budget,
        margin_bytes=budget - total,
        nearest=Nearest(change=found[0], bytes=found[1]) if found else None,
        levers=[
            LeverResult(
                change=one.lever.change,
                bytes=one.bytes,
                saved_bytes=one.saved_bytes,
                level=levers.LEVELS[one.lever.level],
                cost=one.lever.cost,
            )
            for one in levers.ranked(offered, total, size)
        ],
        device=device.name,
        bits_per_weight=round(parts["weights"] * 8 / layout.parameters(shape), 3),
        parameters=layout.parameters(shape),
        decode_tokens_per_second_at_most=speed and round(speed.decode_tokens_per_second, 1),
        prefill_tokens_per_second_at_most=speed and round(speed.prefill_tokens_per_second, 1),
        source="engine" if asked else "formula",
        notes=_notes(shape, args, speed, device),
    )


def _device(args: Args) -> Device:
    """The GPU that is named, or this machine, with `memory_gib` as its memory if given."""
    device = devices.find(args.gpu) if args.gpu else _machine.processor()
    if args.memory_gib is None:
        return device
    return Device(device.name, int(args.memory_gib * 2**30), device.bandwidth, device.flops, device.is_gpu)


def parts_of(shape: ModelShape, args: Args, device: Device) -> dict[str, int]:
    """Bytes by what they are for, all reckoned. Raises BadRequest for a type that cannot be."""
    if args.task == "inference":
        return _inference(shape, args, device)
    tokens = args.context_length * args.batch_size
    half = device.is_gpu or in_bfloat16(args.task)
    run = training.Run(args.task, tokens, args.lora_rank, bfloat16=half, gpu=device.is_gpu, recompute=args.recompute)
    return training.parts(training.numbers(shape, args.lora_rank), run)


def _inference(shape: ModelShape, args: Args, device: Device) -> dict[str, int]:
    cache = (
        kv.llama_cpp(shape, args.context_length * args.batch_size, _settings(args)).bytes
        if _in_llama_cpp(args)
        else _other_cache(shape, args)
    )
    return {
        "weights": weight_bytes(shape, args.quantization),
        "kv_cache": cache,
        "compute": 512
        * 4
        * (max(shape.vocabulary, 2 * shape.inner) + 2 * shape.hidden),  # logits and two rows of hidden units for each token
        "overhead": GPU_OVERHEAD if device.is_gpu else CPU_OVERHEAD,
    }


def _other_cache(shape: ModelShape, args: Args) -> int:
    dtype = args.dtype if args.dtype in ("f16", "bf16") else "bf16"
    return kv_engines.vllm(shape, args.context_length, args.batch_size, kv_engines.Vllm(dtype=dtype)).bytes


def _settings(args: Args) -> kv.LlamaCpp:
    return kv.LlamaCpp(type_k=args.dtype, type_v=args.dtype, sequences=args.batch_size)


def _in_llama_cpp(args: Args) -> bool:
    return args.quantization is None or args.quantization.lower() not in weights.OTHER_BITS


def weight_bytes(shape: ModelShape, quantization: str | None) -> int:
    """Of the whole model in one type; as its file has them, else in 16 bits, if no type is given."""
    found = layout.weights(shape)
    if quantization is None and shape.weights:
        return sum(weights.as_stored(weight) for weight in found)
    if quantization is not None and quantization.lower() in weights.OTHER_BITS:
        return weights.stored_elsewhere(found, quantization.lower())
    return weights.stored(found, weights.traits_of(shape), weights.named(quantization or "F16")).bytes


def _ask_engine(shape: ModelShape, args: Args, ctx: ToolContext) -> dict[str, int]:
    """What llama.cpp says of weights, cache and buffers; empty where it cannot be asked (no package, a model that it does not know)."""
    if not _in_llama_cpp(args) or args.batch_size > kv.MOST_SEQUENCES:
        return {}
    setting = {"n_ctx": args.context_length * args.batch_size, "type_k": args.dtype, "type_v": args.dtype, "sequences": args.batch_size}
    spec: Json = {"ask": "context", "contexts": [setting], "name": shape.name}
    try:
        spec |= _machine.gguf_of(args.model, ctx.workspace)
        said = ctx.job("measure_memory", spec)["contexts"][0]
        found = {"kv_cache": int(said["cache"]), "compute": int(said["compute"])}
        if args.quantization and not _is_quantized(shape):
            types = [weights.named(args.quantization)]
            found["weights"] = int(next(iter(ctx.job("measure_memory", {**spec, "ask": "quantize", "types": types})["bytes"].values())))
    except (EngineMissing, ToolFailed, BadRequest) as error:
        ctx.progress(f"llama.cpp could not be asked: {error.message}")
        return {}
    return found


def _is_quantized(shape: ModelShape) -> bool:
    return any(weight.type not in ("", *weights.FULL) for weight in shape.weights)


def _levers(shape: ModelShape, args: Args) -> list[levers.Lever]:
    """What may be changed, each with what it costs."""
    found = (
        _inference_levers(shape, args)
        if args.task == "inference"
        else training_levers(args.task, args.batch_size, recompute=args.recompute)
    )
    for length in levers.halvings(args.context_length, 256 if args.task == "inference" else 64):
        found.append(levers.Lever({"context_length": length}, 3, f"{length} tokens instead of {args.context_length}"))
    return found


def _inference_levers(shape: ModelShape, args: Args) -> list[levers.Lever]:
    now = weight_bytes(shape, args.quantization)
    found = [
        levers.Lever({"quantization": name}, 1 if name in ("Q8_0", "Q6_K", "Q5_K_M") else 2, f"weights in {name}")
        for name in SMALLER_TYPES
        if weight_bytes(shape, name) < now
    ]
    if args.dtype in ("f32", "f16", "bf16") and _in_llama_cpp(args):
        found.append(levers.Lever({"dtype": "q8_0"}, 1, "a KV cache in 8 bits"))
        found.append(levers.Lever({"dtype": "q4_0"}, 2, "a KV cache in 4 bits"))
    return found + [levers.Lever({"batch_size": size}, 3, f"{size} at once") for size in levers.halvings(args.batch_size, 1)]


def _speed(shape: ModelShape, args: Args, parts: Mapping[str, int], device: Device) -> roofline.Speed | None:
    if args.task != "inference":
        return None
    return roofline.bounds(shape, parts["weights"], parts["kv_cache"], args.context_length, args.batch_size, device)


def _summary(shape: ModelShape, args: Args, total: int, device: Device, nearest: tuple[dict[str, Any], int] | None) -> str:
    rows = ("sequence" if args.task == "inference" else "row") + ("s" if args.batch_size > 1 else "")
    what = f"{shape.name}, {args.task}, {args.batch_size} {rows} x {args.context_length} tokens: {human_bytes(total)}"
    if total <= device.memory_bytes:
        spare = human_bytes(device.memory_bytes - total)
        return f"{what}; fits into {human_bytes(device.memory_bytes)} of {device.name} with {spare} to spare"
    offer = f"; {', '.join(f'{name}={value}' for name, value in nearest[0].items())} would fit" if nearest else "; no setting fits"
    return f"{what}; does not fit into {human_bytes(device.memory_bytes)} of {device.name}{offer}"


def _notes(shape: ModelShape, args: Args, speed: roofline.Speed | None, device: Device) -> list[str]:
    said = list(shape.notes)
    if speed and speed.decode_bound == "bandwidth":
        said.append(f"decoding is bound by memory bandwidth ({device.bandwidth / 1e9:.0f} GB/s): smaller weights make it faster")
    if args.quantization and _is_quantized(shape):
        said.append("the file is quantized already: its size in another type is reckoned from its shape")
    if shape.context and args.context_length > shape.context:
        said.append(f"the model was trained for {shape.context} tokens")
    if args.task != "inference":
        said += training_notes(args.batch_size, args.context_length, recompute=args.recompute, gpu=device.is_gpu)
    return said
