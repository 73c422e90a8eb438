"""Export a model: to GGUF, to a GGUF adapter, or to a merged Hugging Face folder, each proved before it gets its name.

Two facts to know. The reference of every proof is the source as transformers runs it in float32, for an adapter the PEFT
model before merging, so a wrong merge is caught too. And nothing stands under the final name until all proofs passed:
the work happens under a partial name, which the next try replaces.

Not here: types below Q8_0 (quantize makes them from an F16 export), and families other than those of gguf_write.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import files
from modelwright.engines import gguf_header, gguf_lora, gguf_write, hf, llama, proof, weights
from modelwright.engines.child import Job
from modelwright.engines.outputs import need_space, place
from modelwright.errors import BadRequest, ModelRefError, ToolFailed
from modelwright.modelrefs import Model

Json = dict[str, Any]
CONTEXT = 256
STAGES = 4
SCRATCH = MERGED, BASE = "merged", "base.gguf"
"""What a proof needs and nobody keeps, in the job's folder."""


@dataclass(frozen=True)
class Request:
    """The specification of the job, checked."""

    model: Model
    format: str
    dtype: str
    final: Path
    cache_dir: Path
    threads: int
    replace: bool
    """The place was chosen by the program, so what stands there is from an earlier try."""


@dataclass(frozen=True)
class Source:
    """What is exported: its folder of full weights, its tokenizer, and what it answers."""

    folder: Path
    tokenizer: Any
    reference: proof.Reference
    model: Any


def run(spec: Json, job: Job) -> Json:
    started = time.monotonic()
    request = Request(
        model=Model(**spec["model"]),
        format=spec["format"],
        dtype=spec["dtype"],
        final=Path(spec["output"]),
        cache_dir=Path(spec["cache_dir"]),
        threads=spec["threads"],
        replace=spec["replace"],
    )
    exporter = {"gguf": _to_gguf, "hf": _to_folder, "gguf_adapter": _to_adapter}[request.format]
    _check(request)
    try:
        with place(request.final, job, replace=request.replace) as partial:
            result = exporter(request, partial, job)
    finally:
        _discard_scratch(job)
    artifact = files.artifact(request.final, {"gguf": "gguf", "hf": "model", "gguf_adapter": "gguf adapter"}[request.format])
    return {**result, "dtype": request.dtype, "artifact": artifact.model_dump(), "seconds": round(time.monotonic() - started, 2)}


def _check(request: Request) -> None:
    """Everything that can be refused before the first heavy import."""
    model = request.model
    if model.kind == "endpoint":
        raise BadRequest(f"{model.ref} is an endpoint: its weights are not here", fix="name a folder, a .gguf file or builtin")
    if request.format == "gguf_adapter":
        if model.kind != "adapter":
            raise BadRequest(f"{model.ref} is not an adapter", fix="use format=gguf for a whole model")
        gguf_lora.check(Path(model.path))
    elements = weights.count(model)
    scratch = {"gguf_adapter": elements * 2.0}.get(request.format, elements * 4.0 if model.kind == "adapter" else 0.0)
    need_space(request.final, elements * weights.BYTES[request.dtype] + scratch)


def _to_gguf(request: Request, partial: Path, job: Job) -> Json:
    source = _merged(request, job)
    job.progress("write the GGUF file", step=3, steps=STAGES)
    notes = gguf_write.write(
        source.folder,
        source.tokenizer,
        partial,
        dtype=request.dtype,
        name=request.model.name,
        progress=job.progress,
    )
    job.progress("prove it", step=4, steps=STAGES)
    proofs = prove_gguf(source, partial, request.dtype, request.threads)
    family = gguf_header.read(partial).architecture
    return {"family": family, "proof": proofs, "notes": [*notes, *_source_notes(request.model)]}


def prove_gguf(source: Source, file: Path, dtype: str, threads: int) -> Json:
    """Tokens, logits, template and stops of a GGUF file against its source. Raises ProofFailed."""
    with contextlib.closing(llama.load(str(file), n_ctx=CONTEXT, threads=threads)) as llm:
        special = {"bos": llm.token_bos(), "eos": llm.token_eos()}
        texts = {name: llama.token_text(llm, token) for name, token in special.items()}
        return {
            "tokenizer": proof.check_tokenizer(source.tokenizer, lambda text: llama.tokenize(llm, text, add_bos=True, special=True)),
            "logits": proof.check_logits(source.reference, lambda ids: llama.all_logits(llm, ids), dtype),
            "template": proof.check_template(source.tokenizer, llm.metadata.get("tokenizer.chat_template"), **texts),
            "stops": proof.check_stops(
                source.tokenizer,
                gguf_write.stop_ids(source.folder),
                **special,
                ends=lambda token: llama.ends_generation(llm, token),
            ),
        }


def _to_adapter(request: Request, partial: Path, job: Job) -> Json:
    source = _loaded(request, job)
    base = job.folder / BASE
    job.progress("write the adapter", step=2, steps=STAGES)
    modules = gguf_lora.write(source.model, partial, dtype=request.dtype, name=request.model.name)
    job.progress("write its base for the proof", step=3, steps=STAGES)
    gguf_write.write(source.folder, source.tokenizer, base, dtype="f16", name="base", progress=job.progress)
    job.progress("prove it", step=4, steps=STAGES)
    with contextlib.closing(llama.load(str(base), n_ctx=CONTEXT, threads=request.threads, lora=str(partial))) as llm:
        logits = proof.check_logits(source.reference, lambda ids: llama.all_logits(llm, ids), request.dtype)
    notes = [] if (logits["adapter_effect"] or 0) > proof.NOISE else ["the adapter changes almost nothing: its scale cannot be proved"]
    family = gguf_header.read(partial).architecture
    return {"family": family, "proof": {"logits": logits}, "notes": [*notes, f"{modules} modules; load it on a GGUF of its base"]}


def _to_folder(request: Request, partial: Path, job: Job) -> Json:
    import torch

    source = _loaded(request, job)
    job.progress("write the folder", step=2, steps=STAGES)
    model = _without_adapter(source.model)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[request.dtype]
    family = str(model.config.model_type)
    with _saving(request.final):
        model.to(dtype).save_pretrained(partial)
        source.tokenizer.save_pretrained(partial)
    del model
    job.progress("prove it", step=4, steps=STAGES)
    return {"family": family, "proof": prove_folder(source, partial, request), "notes": _source_notes(request.model)}


def prove_folder(source: Source, folder: Path, request: Request) -> Json:
    """The written folder, loaded afresh, against its source. Raises ProofFailed."""
    again = Model(str(folder), "hf", str(folder))
    model, tokenizer = load_exactly(again, request.cache_dir)
    return {
        "tokenizer": proof.check_tokenizer(source.tokenizer, lambda text: list(tokenizer(text).input_ids)),
        "logits": proof.check_logits(source.reference, lambda ids: proof.transformers_logits(model, [ids])[0], request.dtype),
        "template": proof.check_template(
            source.tokenizer,
            gguf_template(tokenizer),
            bos=tokenizer.bos_token or "",
            eos=tokenizer.eos_token or "",
        ),
        "stops": proof.check_stops(
            source.tokenizer,
            gguf_write.stop_ids(source.folder),
            bos=tokenizer.bos_token_id,
            eos=tokenizer.eos_token_id,
            ends={tokenizer.eos_token_id, *gguf_write.stop_ids(folder)}.__contains__,
        ),
    }


def gguf_template(tokenizer: Any) -> str | None:
    from modelwright.engines import gguf_tokenizer

    return gguf_tokenizer.plain_template(gguf_tokenizer.default_template(tokenizer))


def _loaded(request: Request, job: Job) -> Source:
    """The source, loaded, with its answers to the proof's prompts."""
    import torch

    torch.set_num_threads(llama.thread_count(request.threads))
    job.progress("load the model", step=1, steps=STAGES)
    folder = hf.folder_of(request.model, request.cache_dir, job.progress)
    if request.format != "hf":
        gguf_write.read_config(folder)
    refuse_quantized(folder)
    model, tokenizer = load_exactly(request.model, request.cache_dir)
    return Source(folder, tokenizer, proof.reference(model, tokenizer), model)


def _merged(request: Request, job: Job) -> Source:
    """The source as one folder of full weights: an adapter is merged into its base in the job's scratch folder."""
    source = _loaded(request, job)
    if request.model.kind != "adapter":
        return dataclasses.replace(source, model=None)
    job.progress("merge the adapter", step=2, steps=STAGES)
    folder = job.folder / MERGED
    files.discard(folder)
    with _saving(folder):
        _without_adapter(source.model).save_pretrained(folder)
    return dataclasses.replace(source, folder=folder, model=None)


@contextlib.contextmanager
def _saving(folder: Path) -> Iterator[None]:
    """What the operating system or safetensors say while a folder is written, as one line."""
    from safetensors import SafetensorError

    try:
        with files.clear_os_errors(folder):
            yield
    except SafetensorError as error:
        raise ToolFailed(f"{folder} could not be written: {error}", fix="free some space, then resume") from None


def _without_adapter(model: Any) -> Any:
    """The adapter merged into the weights; refused when that gives NaN."""
    if not hasattr(model, "merge_and_unload"):
        return model
    try:
        return model.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise ToolFailed(f"the adapter cannot be merged: {error}", fix="train again with a lower learning rate") from None


def refuse_quantized(folder: Path) -> None:
    """Merging into 4-bit weights changes the answers: only full weights are merged and written."""
    from transformers import AutoConfig

    if getattr(AutoConfig.from_pretrained(folder), "quantization_config", None):
        raise BadRequest(f"{folder} holds weights that are quantized already", fix="name the folder with the full weights")


def load_exactly(model: Model, cache_dir: Path) -> tuple[Any, Any]:
    """Model and tokenizer in float32 on the CPU, whatever the machine would train in; an adapter as PeftModel."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = hf.load_tokenizer(model, cache_dir)
    folder = hf.folder_of(model, cache_dir)
    try:
        loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False)
        if model.kind == "adapter":
            from peft import PeftModel

            loaded = PeftModel.from_pretrained(loaded, model.path, torch_device="cpu")
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelRefError(f"{model.path} cannot be loaded: {reason}", fix="check that its files are whole and fit their base") from None
    return loaded.eval(), tokenizer


def _source_notes(model: Model) -> list[str]:
    if model.kind != "gguf":
        return []
    types = ", ".join(gguf_header.read(Path(model.path)).types)
    return [f"the source is a GGUF file ({types}): a wider type does not bring back what it lost"]


def _discard_scratch(job: Job) -> None:
    for name in SCRATCH:
        with contextlib.suppress(OSError):
            files.discard(job.folder / name)
