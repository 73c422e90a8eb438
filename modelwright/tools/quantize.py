"""`quantize`: a full-precision GGUF file in llama.cpp's smaller types, or a folder in int8, nf4, gptq or awq, with its real bits.

Two facts to know. On small models the labels lie: rows that are no multiple of 256 fall back to other types (`fallback_tensors`
counts them), and embeddings of a folder stay whole. And the source has to be unquantized: `export_model` makes one.
Quality is not measured here; `quantization_quality` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field, model_validator

from modelwright.canonical import sha256_of_path
from modelwright.contract import ToolContext, tool
from modelwright.engines import gguf_header, low_bit, weights
from modelwright.errors import BadRequest, ModelRefError
from modelwright.modelrefs import Model, resolve
from modelwright.text import human_bytes
from modelwright.tools._quantizing import on_disk, seconds_a_weight
from modelwright.tools._type_names import QuantType, refuse_without_imatrix
from modelwright.types import (
    Artifact,
    Check,
    DatasetPath,
    Effect,
    Estimate,
    Json,
    ModelRef,
    OutputPath,
    Strict,
    ToolArgs,
    ToolResult,
)

SAMPLES = Path(__file__).parent / "samples"
FAR = 1.1
"""Times the bits of its label: from here on the name of a type says too little of its size."""
CALIBRATION = ("prose.txt", "english.txt", "code.txt", "json.txt", "legal.txt")


class Args(ToolArgs):
    model: ModelRef = Field(description="GGUF file in F32, F16 or BF16; for int8, nf4, gptq and awq a folder, or builtin")
    types: list[QuantType] = Field(
        ["Q8_0"], min_length=1, max_length=12, description="llama.cpp's names (Q8_0, Q4_K_M, IQ4_NL …), or int8, nf4, gptq, awq"
    )
    imatrix_dataset: DatasetPath | None = Field(
        None, description="text to weigh columns by; IQ1, IQ2, IQ3_XXS and Q2_K_S need it; gptq and awq are calibrated on it"
    )
    output: OutputPath | None = Field(None, description="folder for what is made; the run's folder if unset")

    @model_validator(mode="after")
    def _columns_weighed(self) -> Args:
        refuse_without_imatrix(self.types, self.imatrix_dataset)
        return self


class Quantization(Strict):
    """One file or folder, and what is really in it."""

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
    source_tensors: int = Field(description="tensors of the GGUF file; 0 for a folder")
    imatrix_tokens: int = Field(description="tokens that the importance matrix was measured on; 0 without one")
    notes: list[str] = Field(default_factory=list, description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    """The bytes that each type really takes, and the time that it took on two cores."""
    model = resolve(args.model, workspace)
    folders = [kind for kind in args.types if is_folder_type(kind)]
    elements = weights.count(model) if model.kind in ("gguf", "hf") else 0
    seconds = 3 + elements * sum(map(seconds_a_weight, args.types)) + (60 if args.imatrix_dataset else 0) + 15 * bool(folders)
    memory = int(500e6 + elements * (9.0 if folders else 4.5)) if folders or args.imatrix_dataset else int(150e6 + elements * 2.0)
    return Estimate(seconds=round(seconds, 1), memory_bytes=memory, disk_bytes=on_disk(model, args.types), cost=0)


def checks(args: Args, result: Result) -> Sequence[Check]:
    """Every file is the one that was tried out, has all tensors of its source, and its bits are those of its header."""
    found = []
    for one, artifact in zip(result.quantizations, result.artifacts, strict=True):
        found += [_unchanged(one, artifact), _as_reported(one, result.source_tensors)]
    return found


def _unchanged(one: Quantization, artifact: Artifact) -> Check:
    path = Path(one.model)
    same = path.exists() and sha256_of_path(path) == artifact.sha256
    return Check(name=f"{one.type} unchanged", passed=same, detail=artifact.sha256[:12])


def _as_reported(one: Quantization, tensors: int) -> Check:
    name = f"{one.type} as reported"
    if is_folder_type(one.type):
        stored = low_bit.stored_bytes(Path(one.model))
        return Check(name=name, passed=stored == one.bytes > 0, detail=f"{stored} bytes")
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
    decisive=("types",),
    keywords=("quantize", "smaller", "compress", "4-bit", "8-bit", "gguf", "bits", "imatrix", "int8", "nf4", "gptq", "awq"),
)
def quantize(args: Args, ctx: ToolContext) -> Result:
    """Quantize a model to smaller types and report the bits each weight really takes."""
    model = resolve(args.model, ctx.workspace)
    if model.kind == "gguf":  # no job for a file with nothing in it
        gguf_header.read_model(Path(model.path))
    of_folders = [kind for kind in args.types if is_folder_type(kind)]
    if of_folders and len(of_folders) < len(args.types):
        raise BadRequest(
            f"{', '.join(of_folders)} make folders, the other types GGUF files from a GGUF file", fix="quantize to them in two calls"
        )
    done = _folders(args, ctx, model) if of_folders else _files(args, ctx, model)
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


def is_folder_type(name: str) -> bool:
    return name.lower() in low_bit.KINDS


def _files(args: Args, ctx: ToolContext, model: Model) -> Json:
    return ctx.job("quantize", {**_common(args, ctx, model), "imatrix_dataset": _absolute(args.imatrix_dataset, ctx)})


def _folders(args: Args, ctx: ToolContext, model: Model) -> Json:
    """gptq and awq are calibrated on the dataset, or on the shipped texts."""
    texts = [args.imatrix_dataset] if args.imatrix_dataset else [str(SAMPLES / name) for name in CALIBRATION]
    done = ctx.job("quantize_folder", {**_common(args, ctx, model), "texts": [_absolute(path, ctx) for path in texts]})
    return {**done, "source_tensors": 0, "imatrix_tokens": 0}


def _common(args: Args, ctx: ToolContext, model: Model) -> Json:
    return {
        "model": asdict(model),
        "types": args.types,
        "output": _absolute(args.output, ctx) or str(ctx.output_dir.absolute()),
        "replace": args.output is None,
        "cache_dir": str(ctx.settings.cache_dir),
        "threads": ctx.settings.threads,
        "seed": ctx.settings.seed,
    }


def _absolute(path: str | None, ctx: ToolContext) -> str | None:
    return None if path is None else str((ctx.workspace / Path(path).expanduser()).absolute())


def _summary(model: Model, made: list[Quantization]) -> str:
    files = ", ".join(f"{one.type} {human_bytes(one.bytes)} at {one.bits_per_weight:.2f} bits{_instead(one)}" for one in made)
    return f"{model.name}: {files}"


def _instead(one: Quantization) -> str:
    """What most of the tensors that fell back became, where that moves the bits far from the label's."""
    if not one.fallbacks or one.bits_per_weight < FAR * one.nominal_bits:
        return ""
    wanted_to_written = max(one.fallbacks, key=one.fallbacks.__getitem__)
    return f", not {one.nominal_bits:.2f} ({one.fallback_tensors} tensors fell back, {wanted_to_written}: {one.fallback_reason})"


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
