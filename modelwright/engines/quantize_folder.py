"""Quantize a model to folders that transformers and vLLM read: int8, nf4, gptq, awq.

spec: {"model", "types": [int8 | nf4 | gptq | awq …], "texts": [path …], "output", "replace", "cache_dir", "threads"}
result: {"quantizations": [as `quantize`, one a type], "calibrated_on": texts that gptq and awq were calibrated on}

Two facts to know. Embeddings, output and norms stay as they are, so a small model shrinks less than the label says; the bits are
counted. And every folder is read back and has to give finite logits before it gets its name.

NOT here: GGUF types (`quantize`); quality (`quality`).
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright import files
from modelwright.engines import gguf_header, hf, low_bit, weights
from modelwright.engines.child import Job
from modelwright.engines.outputs import need_space, place, refuse_existing
from modelwright.errors import BadRequest, DataError, ModelRefError
from modelwright.modelrefs import Model

Json = dict[str, Any]
NOMINAL = {"int8": 8.0, "nf4": 4.0 + 8 / 64 + 32 / (64 * 256), "gptq": 4 + 20 / 128, "awq": 4 + 20 / 128}
"""bits of a weight by the label, its scales included (`sizing.weights.OTHER_BITS`)"""
PLAIN = (".txt", ".md")
FULL = frozenset({"F32", "F16", "BF16"})
FEWEST_CHARACTERS = 2000


def run(spec: Json, job: Job) -> Json:
    import torch

    from modelwright.engines import llama

    model, kinds, folder = Model(**spec["model"]), list(dict.fromkeys(kind.lower() for kind in spec["types"])), Path(spec["output"])
    low_bit.require(kinds)
    _refuse_source(model)
    places = [(kind, folder / f"{_stem(model)}-{kind}") for kind in kinds]
    for _, final in places:  # before the first of them takes minutes
        refuse_existing(final, job, replace=spec["replace"])
    count = weights.count(model)
    need_space(folder, count * 2.0 * len(kinds))
    torch.set_num_threads(llama.thread_count(spec["threads"]))
    cache = Path(spec["cache_dir"])
    texts = _texts(model, [Path(path) for path in spec["texts"]], cache) if set(kinds) & set(low_bit.CALIBRATED) else []
    done = []
    for step, (kind, final) in enumerate(places):
        job.progress(f"quantize to {kind}", step=step, steps=len(places))
        began = time.monotonic()
        with place(final, job, replace=spec["replace"]) as partial:
            low_bit.make(kind, model, partial, texts, cache)
            _check_result(kind, partial, cache)
        done.append(_report(kind, final, count, round(time.monotonic() - began, 2)))
    return {"quantizations": done, "calibrated_on": min(len(texts), low_bit.CALIBRATION_ROWS)}


def _refuse_source(model: Model) -> None:
    if model.kind in ("adapter", "endpoint"):
        fix = "merge it first: export_model format=hf" if model.kind == "adapter" else "name a folder"
        raise BadRequest(f"{model.ref} is an {model.kind}, not a model's own weights", fix=fix)
    if model.kind == "gguf" and not model.is_builtin:
        quantized = [name for name in gguf_header.read(Path(model.path)).types if name not in FULL]
        if quantized:
            raise BadRequest(
                f"{model.ref} is quantized already ({quantized[0]})", fix="name the folder or the F16 file that it was made from"
            )


def _stem(model: Model) -> str:
    return re.sub(r"(?i)[-.](f16|f32|bf16)$", "", model.name.removesuffix(".gguf"))


def _texts(model: Model, paths: Sequence[Path], cache_dir: Path) -> list[str]:
    """Rows as the model sees them, plain text in pieces. Raises DataError when there is too little to calibrate on."""
    from modelwright.engines import imatrix

    found: list[str] = []
    tokenizer = hf.load_tokenizer(model, cache_dir)
    for path in paths:
        if path.suffix not in PLAIN:
            found += imatrix.texts(tokenizer, path)
            continue
        with files.clear_os_errors(path):
            text, size = path.read_text(encoding="utf-8", errors="replace"), low_bit.CALIBRATION_CHARACTERS
        found += [text[at : at + size] for at in range(0, len(text), size)]
    if sum(map(len, found)) < FEWEST_CHARACTERS:
        raise DataError(
            f"{', '.join(map(str, paths))}: too little text to calibrate on", fix=f"give {FEWEST_CHARACTERS} characters or more"
        )
    return found


def _check_result(kind: str, folder: Path, cache_dir: Path) -> None:
    """It opens and gives finite logits."""
    import torch

    network = low_bit.open_calibrated(kind, folder) if kind in low_bit.CALIBRATED else hf.load(_folder(folder), cache_dir)[0]
    with torch.inference_mode():
        logits = network(input_ids=torch.tensor([[1, 2, 3]], device=network.device)).logits
    if not bool(torch.isfinite(logits).all()):
        raise ModelRefError(f"{folder} gives logits that are not numbers", fix="choose a type with more bits")


def _folder(path: Path) -> Model:
    return Model(str(path), "hf", str(path))


def _report(kind: str, final: Path, count: int, seconds: float) -> Json:
    stored = low_bit.stored_bytes(final)
    return {
        "type": kind,
        "model": str(final),
        "bytes": stored,
        "bits_per_weight": round(stored * 8 / count, 4),
        "nominal_bits": round(NOMINAL[kind], 4),
        "fallback_tensors": 0,
        "fallback_reason": "",
        "fallbacks": {},
        "tensor_types": _types(final),
        "seconds": seconds,
        "artifact": files.artifact(final, "model").model_dump(),
    }


def _types(folder: Path) -> dict[str, int]:
    """safetensors' names of number formats, with the tensors of each."""
    from safetensors import safe_open

    found: Counter[str] = Counter()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as stream:
            found.update(stream.get_slice(name).get_dtype() for name in stream.keys())  # noqa: SIM118
    return dict(found.most_common())
