"""`quantize`: a full-precision GGUF file in smaller types, with the bits a weight really takes beside the label's.

Two facts to know. On small models the labels lie: rows that are no multiple of 256 fall back to other types, and
`fallback_tensors` counts them. And the source has to be F32, F16 or BF16: `export_model` makes one from anything else.
Quality is not measured here; `compare` and `evaluate` do that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field

from modelwright.canonical import sha256_of_path
from modelwright.contract import ToolContext, tool
from modelwright.engines import gguf_header
from modelwright.errors import ModelRefError
from modelwright.modelrefs import Model, resolve
from modelwright.text import human_bytes
from modelwright.types import (
    Artifact,
    Check,
    DatasetPath,
    Effect,
    Estimate,
    ModelRef,
    OutputPath,
    Strict,
    ToolArgs,
    ToolResult,
)


class Args(ToolArgs):
    model: ModelRef = Field(description="GGUF file in F32, F16 or BF16")
    types: list[str] = Field(["Q8_0"], min_length=1, max_length=12, description="llama.cpp's names: Q8_0, Q4_K_M, IQ4_NL …")
    imatrix_dataset: DatasetPath | None = Field(None, description="text to weigh columns by; IQ1, IQ2, IQ3_XXS and Q2_K_S need it")
    output: OutputPath | None = Field(None, description="folder for the files; the run's folder if unset")


class Quantization(Strict):
    """One file, and what is really in it."""

    type: str
    model: ModelRef
    bytes: int
    bits_per_weight: float = Field(description="of all tensors of the file, bits")
    nominal_bits: float = Field(description="of the label, bits")
    fallback_tensors: int = Field(description="tensors stored in another type than asked for")
    fallback_reason: str
    fallbacks: dict[str, int] = Field(description="wanted -> written type, with the number of tensors")
    tensor_types: dict[str, int]
    seconds: float


class Result(ToolResult):
    models: list[ModelRef]
    quantizations: list[Quantization]
    source_tensors: int
    imatrix_tokens: int = Field(description="tokens that the importance matrix was measured on; 0 without one")
    notes: list[str] = Field(default_factory=list, description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    """At most 1.1 times 8.6 bits a weight each, and the time that each type took on two cores."""
    model = resolve(args.model, workspace)
    elements = gguf_header.read(Path(model.path)).elements if model.kind == "gguf" else 0
    seconds = 3 + elements * sum(map(_seconds_a_weight, args.types)) + (60 if args.imatrix_dataset else 0)
    memory = int(500e6 + elements * (4.5 if args.imatrix_dataset else 2.0))
    return Estimate(seconds=seconds, memory_bytes=memory, disk_bytes=int(len(args.types) * (elements * 1.18 + 8e6)), cost=0)


def _seconds_a_weight(name: str) -> float:
    """Q4_K_M took 3 s for 135 million weights, IQ4_NL 25 s, IQ2_XXS 6 s for 1.8 million and IQ1_S 25 s."""
    slow = {"IQ1": 1.4e-5, "IQ2": 3e-6}
    return slow.get(name.upper()[:3], 2e-7 if name.upper().startswith("IQ") else 4e-8)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """Every file is the one that was tried out, has all tensors of its source, and its bits are those of its header."""
    found = []
    for one, artifact in zip(result.quantizations, result.artifacts, strict=True):
        found += [_unchanged(one, artifact), _as_reported(one, result.source_tensors)]
    return found


def _unchanged(one: Quantization, artifact: Artifact) -> Check:
    path = Path(one.model)
    same = path.is_file() and sha256_of_path(path) == artifact.sha256
    return Check(name=f"{one.type} unchanged", passed=same, detail=artifact.sha256[:12])


def _as_reported(one: Quantization, tensors: int) -> Check:
    name = f"{one.type} as reported"
    try:
        header = gguf_header.read(Path(one.model))
    except ModelRefError as error:
        return Check(name=name, passed=False, detail=error.message)
    right = len(header.tensors) == tensors and abs(header.bits_per_weight - one.bits_per_weight) < 1e-3
    return Check(name=name, passed=right, detail=f"{len(header.tensors)} of {tensors} tensors, {header.bits_per_weight:.2f} bits")


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "model-f16.gguf", "types": ["Q8_0", "Q4_K_M"]},
    estimate=estimate,
    checks=checks,
    keywords=("quantize", "smaller", "compress", "4-bit", "8-bit", "gguf", "bits", "imatrix"),
)
def quantize(args: Args, ctx: ToolContext) -> Result:
    """Quantize a GGUF file to smaller types and report the bits each weight really takes."""
    model = resolve(args.model, ctx.workspace)
    done = ctx.job(
        "quantize",
        {
            "model": asdict(model),
            "types": args.types,
            "imatrix_dataset": _absolute(args.imatrix_dataset, ctx),
            "output": _absolute(args.output, ctx) or str(ctx.output_dir.absolute()),
            "replace": args.output is None,
            "cache_dir": str(ctx.settings.cache_dir),
            "threads": ctx.settings.threads,
            "seed": ctx.settings.seed,
        },
    )
    artifacts = [Artifact.model_validate(one.pop("artifact")) for one in done["quantizations"]]
    made = [Quantization.model_validate(one) for one in done["quantizations"]]
    return Result(
        summary=_summary(model, made),
        artifacts=artifacts,
        models=[one.model for one in made],
        quantizations=made,
        source_tensors=done["source_tensors"],
        imatrix_tokens=done["imatrix_tokens"],
        notes=notes(made),
    )


def _absolute(path: str | None, ctx: ToolContext) -> str | None:
    return None if path is None else str((ctx.workspace / Path(path).expanduser()).absolute())


def _summary(model: Model, made: list[Quantization]) -> str:
    files = ", ".join(f"{one.type} {human_bytes(one.bytes)} at {one.bits_per_weight:.2f} bits" for one in made)
    return f"{model.name}: {files}"


def notes(made: Sequence[Quantization]) -> list[str]:
    """Where a label misleads: much larger than it says, or not smaller than a type with more bits."""
    said = [
        f"{one.type} takes {one.bits_per_weight:.2f} bits a weight, not {one.nominal_bits:.2f}: {one.fallback_tensors} tensors fell back, "
        f"as {one.fallback_reason}"
        for one in made
        if one.fallback_tensors
    ]
    for one in made:
        better = [other.type for other in made if other.nominal_bits > one.nominal_bits and other.bytes <= one.bytes]
        if better:
            said.append(f"{one.type} is not smaller than {better[0]}, which keeps more bits")
    return said
