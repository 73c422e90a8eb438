"""`export_model`: a model as one GGUF file, a GGUF adapter, or a merged Hugging Face folder, proved equal to its source.

Two facts to know. An adapter is merged into its full-precision base unless the format is gguf_adapter. And the result
holds the proof: tokens, logits, chat template and stop tokens were compared with the source; an export that is not
the same model is not handed out. Types below Q8_0 are quantize's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from modelwright.canonical import sha256_of_path
from modelwright.contract import ToolContext, tool
from modelwright.engines import gguf_header, weights
from modelwright.errors import BadRequest, ModelwrightError
from modelwright.modelrefs import Model, base_paths, resolve
from modelwright.text import human_bytes
from modelwright.types import Artifact, Check, Effect, Estimate, Json, ModelRef, OutputPath, ToolArgs, ToolResult

DEFAULT_DTYPES = {"gguf": "f16", "gguf_adapter": "f16", "hf": "f32"}
ALLOWED_DTYPES = {"gguf": ("f16", "f32", "bf16", "q8_0"), "gguf_adapter": ("f16", "f32"), "hf": ("f32", "bf16", "f16")}


class Args(ToolArgs):
    model: ModelRef = Field(description="adapter folder, Hugging Face folder, GGUF file or builtin")
    format: Literal["gguf", "hf", "gguf_adapter"] = Field("gguf", description="hf: a merged folder; gguf_adapter: the adapter apart")
    dtype: Literal["f16", "f32", "bf16", "q8_0"] | None = Field(None, description="how weights are stored; f16, for hf f32, if unset")
    output: OutputPath | None = Field(None, description="file, for hf folder, to write; in the run's folder if unset")


class Result(ToolResult):
    model: ModelRef = Field(description="absolute path of what was written")
    family: str = Field(description="architecture: llama, qwen2, qwen3 …")
    dtype: str
    bytes: int
    proof: Json = Field(description="strings tokenized, KL of logits in nats with its bound, chat templates, stop tokens")
    seconds: float
    notes: list[str] = Field(default_factory=list, description="what a reader should know beside the numbers")


def estimate(args: Args, workspace: Path) -> Estimate:
    """Measured with the built-in model on two busy cores: 24 to 31 s; in memory the float32 weights stand about twice."""
    model = resolve(args.model, workspace)
    count = weights.count(model)
    dtype = args.dtype or DEFAULT_DTYPES[args.format]
    return Estimate(
        seconds=12 + count * 1.4e-7,
        memory_bytes=int(700e6 + count * 4 * 2.2),
        disk_bytes=int(8e6 + (_in_adapter(model) if args.format == "gguf_adapter" else count) * weights.BYTES[dtype]),
        cost=0,
    )


def _in_adapter(model: Model) -> int:
    """Weights of an adapter folder, which keeps them in float32; 0 where it is no adapter or not made yet."""
    file = Path(model.path) / "adapter_model.safetensors"
    return file.stat().st_size // 4 if file.is_file() else 0


def settle(args: Args, workspace: Path) -> Json:
    return {"dtype": DEFAULT_DTYPES[args.format]}


def checks(args: Args, result: Result) -> Sequence[Check]:
    """The proof is within its bounds, the file is still the one that was proved, and its header reads."""
    found = [Check(name="proved", passed=_proved(result.proof), detail=_proof_line(result.proof))]
    for artifact in result.artifacts:
        same = Path(artifact.path).exists() and sha256_of_path(Path(artifact.path)) == artifact.sha256
        found.append(Check(name="unchanged", passed=same, detail=artifact.sha256[:12]))
    if args.format != "hf":
        found.append(_header_check(Path(result.model)))
    return found


def _proved(proof: Json) -> bool:
    logits = proof["logits"]
    parts = [proof[name] for name in ("tokenizer", "template") if name in proof]
    return 0 <= logits["kl_mean"] <= logits["bound"] and logits["prompts"] >= 3 and all(part["differing"] == 0 for part in parts)


def _proof_line(proof: Json) -> str:
    logits = proof["logits"]
    return f"mean KL {logits['kl_mean']:.1e} of at most {logits['bound']:.0e}, same first choice for {logits['top1']:.1%} of tokens"


def _header_check(path: Path) -> Check:
    try:
        header = gguf_header.read(path)
    except ModelwrightError as error:
        return Check(name="header", passed=False, detail=error.message)
    return Check(name="header", passed=bool(header.tensors), detail=f"{header.architecture}, {len(header.tensors)} tensors")


@tool(
    effects=[Effect.READS_FILES, Effect.WRITES_FILES, Effect.COMPUTES],
    example={"model": "builtin", "format": "gguf", "dtype": "f16"},
    estimate=estimate,
    checks=checks,
    decisive=("format", "dtype"),
    settle=settle,
    reads=lambda args, workspace: base_paths([args.model], workspace),
    keywords=("export", "convert", "gguf", "merge", "adapter", "safetensors", "llama.cpp"),
)
def export_model(args: Args, ctx: ToolContext) -> Result:
    """Export a model or merged adapter to GGUF or a Hugging Face folder, proved equal to its source."""
    model = resolve(args.model, ctx.workspace)
    dtype = args.dtype or DEFAULT_DTYPES[args.format]
    if dtype not in ALLOWED_DTYPES[args.format]:
        raise BadRequest(f"format {args.format} cannot be stored as {dtype}", fix=f"choose {', '.join(ALLOWED_DTYPES[args.format])}")
    output = _place(args, model, dtype, ctx)
    done = ctx.job(
        "export",
        {
            "model": asdict(model),
            "format": args.format,
            "dtype": dtype,
            "output": str(output),
            "replace": args.output is None,
            "cache_dir": str(ctx.settings.cache_dir),
            "threads": ctx.settings.threads,
            "seed": ctx.settings.seed,
        },
    )
    return _result(done)


def _place(args: Args, model: Model, dtype: str, ctx: ToolContext) -> Path:
    suffix = "" if args.format == "hf" else ".gguf"
    if args.output is None:
        kind = "-adapter" if args.format == "gguf_adapter" else "-merged" if args.format == "hf" else ""
        stem = model.name.removesuffix(".gguf")
        return (ctx.output_dir / f"{stem}{kind}-{dtype}{suffix}").absolute()
    output = (ctx.workspace / Path(args.output).expanduser()).absolute()
    if suffix and output.suffix != suffix:
        raise BadRequest(f"{output} has to end in .gguf", fix=f"output={args.output}.gguf")
    return output


def _result(done: dict[str, Any]) -> Result:
    artifact = Artifact.model_validate(done["artifact"])
    logits = done["proof"]["logits"]
    size, name = human_bytes(artifact.bytes), Path(artifact.path).name
    summary = f"{name}: {done['family']}, {done['dtype']}, {size}, mean KL {logits['kl_mean']:.1e}"
    return Result(
        summary=summary,
        artifacts=[artifact],
        model=artifact.path,
        family=done["family"],
        dtype=done["dtype"],
        bytes=artifact.bytes,
        proof=done["proof"],
        seconds=done["seconds"],
        notes=done["notes"],
    )
