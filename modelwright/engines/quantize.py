"""Quantize a full-precision GGUF file to llama.cpp's types, and say how many bits a weight really takes.

Two facts to know. A type's name is a wish: K types need rows in multiples of 256, so on a model with rows of 576
"Q4_K_M" is mostly Q5_0 and takes 6.3 bits, not 4.5, while the return code stays 0; the log names each tensor that fell
back. And a quantized source is refused: quantizing twice adds both errors.

The quality of what comes out is not measured here (compare and evaluate do); only that it opens and gives numbers.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from modelwright import files
from modelwright.engines import gguf_header, llama
from modelwright.engines.child import Job
from modelwright.engines.imatrix import Imatrix, collect
from modelwright.engines.outputs import need_space, place, refuse_existing
from modelwright.errors import BadRequest, ModelRefError, ToolFailed
from modelwright.modelrefs import Model
from modelwright.sizing.blocks import TYPES
from modelwright.sizing.mixes import NEEDS_IMATRIX

Json = dict[str, Any]
FULL = frozenset({"F32", "F16", "BF16"})
_FALLBACK = re.compile(r"(\S+)\s+- ncols\s+(\d+) not divisible by (\d+) \(required for type\s+(\S+)\) -> falling back to\s+(\S+)")
_PROGRESS = re.compile(r"\[\s*(\d+)/\s*(\d+)\]\s+(\S+)")


@dataclass(frozen=True)
class Type:
    """One of llama.cpp's file types."""

    name: str
    number: int
    nominal_bits: float
    """Bits a weight by its label: what llama.cpp prints for a mix, else those of its main block."""


@dataclass(frozen=True)
class Work:
    """What all types of one call share."""

    source: gguf_header.Header
    imatrix: Imatrix | None
    threads: int
    job: Job


@dataclass
class Log:
    """What llama.cpp said while it quantized."""

    job: Job
    type: Type
    fallbacks: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        if found := _FALLBACK.search(line):
            _, columns, block, wanted, got = found.groups()
            self.fallbacks[f"{wanted.upper()} -> {got.upper()}"] += 1
            self.reasons[f"rows of {columns} weights are not a multiple of {block}"] += 1
        elif found := _PROGRESS.search(line):
            step, steps = int(found[1]), int(found[2])
            if step % 16 == 0 or step == steps:
                self.job.progress(f"quantize to {self.type.name}", step=step, steps=steps, tensor=found[3])
        elif "error" in line.lower() or "failed" in line:
            self.errors.append(line.strip())


def types() -> dict[str, Type]:
    """Every type that this build of llama.cpp can write and whose bits are known, by name."""
    found = {}
    for constant in dir(llama_cpp):
        if constant.startswith("LLAMA_FTYPE_MOSTLY_"):
            name, number = constant.removeprefix("LLAMA_FTYPE_MOSTLY_"), int(getattr(llama_cpp, constant))
            bits = _nominal_bits((llama_cpp.llama_ftype_name(number) or b"").decode())
            if bits and name not in FULL:
                found[name] = Type(name, number, bits)
    return found


def _nominal_bits(label: str) -> float:
    """From llama.cpp's own label: 'IQ2_XS - 2.3125 bpw', 'Q4_K - Medium', 'MXFP4 MoE'."""
    if written := re.search(r"([\d.]+) bpw", label):
        return float(written[1])
    by_name = {name: block_bytes * 8 / block for name, block, block_bytes in TYPES.values()}
    return by_name.get(label.split(" ", maxsplit=1)[0], 0.0)


def named(names: list[str]) -> list[Type]:
    """The types of these names, in any case, each once. Raises BadRequest with the nearest name for a typo."""
    known = types()
    wanted = []
    for name in dict.fromkeys(name.strip().upper().replace("-", "_") for name in names):
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.4)
            fix = (f"did you mean {near[0]}? " if near else "") + f"known are {', '.join(sorted(known))}"
            raise BadRequest(f"llama.cpp has no quantization type {name!r}", fix=fix)
        wanted.append(known[name])
    return wanted


def run(spec: Json, job: Job) -> Json:
    model = Model(**spec["model"])
    source = check_source(model)
    wanted = named(spec["types"])
    _refuse_without_imatrix(wanted, spec["imatrix_dataset"])
    folder = Path(spec["output"])
    stem = re.sub(r"(?i)[-.](f16|f32|bf16)$", "", Path(model.path).stem)
    places = [(kind, folder / f"{stem}-{kind.name}.gguf") for kind in wanted]
    for _, final in places:  # before the first of them takes minutes
        refuse_existing(final, job, replace=spec["replace"])
    need_space(folder, sum(source.elements * (kind.nominal_bits + 2) / 8 for kind in wanted))
    imatrix = None
    if spec["imatrix_dataset"]:
        imatrix = collect(model, Path(spec["imatrix_dataset"]), Path(spec["cache_dir"]), spec["threads"], job)
    work = Work(source, imatrix, spec["threads"], job)
    done = []
    for kind, final in places:
        with place(final, job, replace=spec["replace"]) as partial:
            one = quantize(work, partial, kind)
            _check_result(work, partial)
        artifact = files.artifact(final, "gguf").model_dump()
        done.append({**one, "model": str(final), "bytes": artifact["bytes"], "artifact": artifact})
    return {"quantizations": done, "imatrix_tokens": imatrix.tokens if imatrix else 0, "source_tensors": len(source.tensors)}


def check_source(model: Model) -> gguf_header.Header:
    """The header of a full-precision GGUF file. Raises BadRequest for anything else, naming the way to one."""
    if model.kind != "gguf":
        fix = f"first export_model model={model.ref} format=gguf" if model.kind != "endpoint" else "name a .gguf file"
        raise BadRequest(f"{model.ref} is not a GGUF file", fix=fix)
    header = gguf_header.read_model(Path(model.path))
    if header.keys.get("general.type") == "adapter":
        raise BadRequest(f"{model.ref} is an adapter, not a model", fix="merge it first: export_model format=gguf")
    quantized = [name for name in header.types if name not in FULL]
    if quantized:
        fix = f"quantize an F16 file: export_model model={model.ref} format=gguf dtype=f16 makes one"
        raise BadRequest(f"{model.ref} is quantized already ({header.types[quantized[0]]} tensors are {quantized[0]})", fix=fix)
    return header


def _refuse_without_imatrix(wanted: list[Type], dataset: str | None) -> None:
    for kind in wanted:
        if not dataset and NEEDS_IMATRIX.match(kind.name):
            fix = "give imatrix_dataset, a few hundred rows like those it will see, or choose Q3_K_M or larger"
            raise BadRequest(f"{kind.name} needs an importance matrix", fix=fix)


def quantize(work: Work, out: Path, kind: Type) -> Json:
    """Write `out` and report what is in it."""
    started = time.monotonic()
    log = Log(work.job, kind)
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.nthread = kind.number, llama.thread_count(work.threads)
    data = work.imatrix.as_native() if work.imatrix else None
    if data is not None:
        params.imatrix = ctypes.cast(data, type(params.imatrix))
    with llama.listening(log):
        code = llama_cpp.llama_model_quantize(str(work.source.path).encode(), str(out).encode(), ctypes.byref(params))
    if code:
        raise _why_failed(log, out, work.source)
    header = gguf_header.read(out)
    return {
        "type": kind.name,
        "bits_per_weight": round(header.bits_per_weight, 4),
        "nominal_bits": kind.nominal_bits,
        "tensor_types": header.types,
        "fallback_tensors": log.fallbacks.total(),
        "fallbacks": dict(log.fallbacks.most_common()),
        "fallback_reason": log.reasons.most_common(1)[0][0] if log.reasons else "",
        "seconds": round(time.monotonic() - started, 2),
    }


def _why_failed(log: Log, out: Path, source: gguf_header.Header) -> BadRequest | ToolFailed:
    """llama.cpp returns 1 for everything; the log and the disk tell the cause."""
    said = log.errors[-1] if log.errors else "no reason given"
    free = shutil.disk_usage(files.existing_parent(out)).free
    if any("matrix" in line for line in log.errors):
        return BadRequest(f"{log.type.name} needs an importance matrix for this model", fix="give imatrix_dataset")
    if free < source.tensor_bytes // 8 or "iostream" in said or "ios::clear" in said:
        return ToolFailed(f"{out} could not be written whole ({free / 1e6:.0f} MB free)", fix="free some space, then resume")
    return ToolFailed(f"llama.cpp could not quantize to {log.type.name}: {said[:200]}", fix="choose another type")


def _check_result(work: Work, path: Path) -> None:
    """It has every tensor, opens, and gives finite logits."""
    tensors = len(gguf_header.read(path).tensors)
    if tensors != len(work.source.tensors):
        raise ToolFailed(f"{path} has {tensors} tensors, its source {len(work.source.tensors)}", fix="quantize again")
    with contextlib.closing(llama.load(str(path), n_ctx=64, threads=work.threads)) as llm:
        if not np.isfinite(llama.all_logits(llm, [1, 2, 3])).all():
            raise ModelRefError(f"{path} gives logits that are not numbers", fix="choose a larger type")
