"""A Hugging Face folder (config, safetensors, tokenizer) as a GGUF file, for the families llama, qwen2 and qwen3.

Two facts to know. llama.cpp rotates neighbouring pairs where transformers rotates halves, so in arch `llama` the rows of
q and k are reordered; without it KL against transformers is 0.99 instead of 2e-6, and nothing says so. And weights go
one by one from file to file, so a model larger than memory can be written.

This only writes; export.py proves what was written. Not covered: mixture of experts, multi-modal models, pickled weights.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.engines import gguf_rope, gguf_tokenizer
from modelwright.errors import BadRequest, ModelRefError, ToolFailed
from modelwright.files import clear_os_errors

FAMILIES = ("llama", "qwen2", "qwen3")
"""transformers' model_type; llama.cpp calls the architectures the same."""
FILE_TYPES = {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7}
F16_MAX = 65504.0

Array = np.ndarray[Any, np.dtype[np.float32]]
Progress = Callable[..., None]


@dataclass(frozen=True)
class Weight:
    """One tensor on its way: where it is read, its name there and here, and how it is stored."""

    file: Path
    source: str
    name: str
    shape: tuple[int, ...]
    type: str
    heads: int
    """Reorder the rows by this many heads; 0 leaves them."""


def read_config(folder: Path) -> Any:
    """The transformers config. Raises BadRequest for a family that is not covered."""
    from transformers import AutoConfig

    try:
        raw = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelRefError(f"{folder / 'config.json'} cannot be read: {error}") from None
    family = raw.get("model_type")
    if family not in FAMILIES:
        raise BadRequest(f"cannot write {family!r} models as GGUF", fix=f"these families can be exported: {', '.join(FAMILIES)}")
    if raw.get("quantization_config"):
        raise BadRequest(f"{folder} holds weights that are quantized already", fix="name the folder with the full weights")
    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelRefError(f"{folder / 'config.json'} is not a {family} config: {str(error)[:200]}") from None
    if config.hidden_act != "silu":
        raise BadRequest(f"cannot export a {family} model with activation {config.hidden_act!r}")
    if getattr(config, "use_sliding_window", False):
        raise BadRequest("cannot export a model with a sliding window: llama.cpp would ignore it", fix="set use_sliding_window to false")
    return config


def head_dim(config: Any) -> int:
    """Never hidden size by heads alone: Qwen3-0.6B has heads of 128, not 64."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def write(folder: Path, tokenizer: Any, out: Path, *, dtype: str, name: str, progress: Progress) -> list[str]:
    """Write the model in `folder` with `tokenizer` to `out`; returns notes for the user."""
    config = read_config(folder)
    vocabulary = gguf_tokenizer.read(tokenizer, config.vocab_size, stop_ids(folder))
    weights = plan(folder, config, dtype)
    factors = gguf_rope.frequency_factors(config, head_dim(config))
    with writer_to(out, config.model_type) as writer:
        _write_keys(writer, config, dtype, name)
        gguf_tokenizer.write(writer, vocabulary)
        if factors is not None:
            _announce(writer, "rope_freqs.weight", factors.shape, "f32")
        for weight in weights:
            _announce(writer, weight.name, weight.shape, weight.type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        if factors is not None:
            writer.write_tensor_data(_encode(factors, "f32"))
        for step, (weight, values) in enumerate(_values(weights), 1):
            writer.write_tensor_data(_encode(_checked(values, weight), weight.type))
            if step % 50 == 0 or step == len(weights):
                progress("write weights", step=step, steps=len(weights))
    return vocabulary.notes


@contextlib.contextmanager
def writer_to(out: Path, architecture: str) -> Iterator[Any]:
    """A GGUFWriter, closed in the end. numpy tells a full disk by a short count and no errno; here it gets one."""
    import gguf

    with clear_os_errors(out):
        try:
            with contextlib.closing(gguf.GGUFWriter(out, architecture)) as writer:
                yield writer
        except OSError as error:
            raise error if error.errno else OSError(errno.ENOSPC, str(error), str(out)) from error


def _write_keys(writer: Any, config: Any, dtype: str, name: str) -> None:
    writer.add_type("model")
    writer.add_name(name)
    writer.add_file_type(FILE_TYPES[dtype])
    if dtype == "q8_0":
        writer.add_quantization_version(2)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(head_dim(config))
    writer.add_value_length(head_dim(config))
    gguf_rope.write_keys(writer, config, head_dim(config))


def stop_ids(folder: Path) -> list[int]:
    """The tokens that generation_config.json stops at."""
    try:
        ids = json.loads((folder / "generation_config.json").read_text(encoding="utf-8")).get("eos_token_id")
    except (OSError, ValueError):
        return []
    return [] if ids is None else ids if isinstance(ids, list) else [ids]


def plan(folder: Path, config: Any, dtype: str) -> list[Weight]:
    """Every tensor that will be written. Raises ModelRefError for one that the family does not have."""
    from safetensors import safe_open

    to_gguf = tensor_names(config)
    weights = []
    for file in safetensors_files(folder):
        with _readable(file), safe_open(file, framework="pt") as stream:
            for source in stream.keys():  # noqa: SIM118 (not a dict)
                if source.endswith("rotary_emb.inv_freq") or (source == "lm_head.weight" and config.tie_word_embeddings):
                    continue
                shape = tuple(stream.get_slice(source).get_shape())
                name = to_gguf(source)
                weights.append(Weight(file, source, name, shape, stored_type(name, shape, dtype), reordered_heads(config, source)))
    if not any(weight.name == "token_embd.weight" for weight in weights):
        raise ModelRefError(f"{folder} has no token embeddings", fix="save the whole model, with safetensors")
    return weights


def safetensors_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelRefError(f"{folder} has no *.safetensors file", fix="save the model with safetensors; pickled weights are not read")
    return files


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise ModelRefError(f"{file} is damaged: {error}", fix="copy or save it again") from None


def tensor_names(config: Any) -> Callable[[str], str]:
    """transformers' name of a tensor -> llama.cpp's."""
    import gguf

    arch = next(number for number, name in gguf.MODEL_ARCH_NAMES.items() if name == config.model_type)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)

    def to_gguf(source: str) -> str:
        name = names.get_name(source, try_suffixes=(".weight", ".bias"))
        if name is None:
            fix = "merge adapters first, or use a plain model"
            raise ModelRefError(f"no place in a {config.model_type} GGUF for tensor {source}", fix=fix)
        return str(name)

    return to_gguf


def reordered_heads(config: Any, source: str) -> int:
    """By how many heads the rows of this tensor are reordered: q and k of arch llama only, never Qwen."""
    if config.model_type != "llama":
        return 0
    if ".q_proj." in source:
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if ".k_proj." in source else 0


def reorder_rows(values: Array, heads: int) -> Array:
    """Halves to neighbouring pairs, within each head."""
    if not heads:
        return values
    return values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def stored_type(name: str, shape: tuple[int, ...], dtype: str) -> str:
    """Vectors and norms stay f32; Q8_0 needs rows in blocks of 32."""
    if len(shape) == 1 or name.endswith("_norm.weight"):
        return "f32"
    return "f16" if dtype == "q8_0" and shape[-1] % 32 else dtype


def _values(weights: list[Weight]) -> Iterator[tuple[Weight, Array]]:
    """Each weight in order, as float32; a file is opened once, as the plan goes file by file."""
    from safetensors import safe_open

    for file in dict.fromkeys(weight.file for weight in weights):
        with _readable(file), safe_open(file, framework="pt") as stream:
            for weight in weights:
                if weight.file == file:
                    values = stream.get_tensor(weight.source).float().numpy()
                    yield weight, np.ascontiguousarray(reorder_rows(values, weight.heads))


def _checked(values: Array, weight: Weight) -> Array:
    largest = float(np.abs(values).max(initial=0.0))
    if not np.isfinite(largest):
        raise ToolFailed(f"tensor {weight.source} holds NaN or infinity", fix="train again with a lower learning rate")
    if weight.type == "f16" and largest > F16_MAX:
        raise ToolFailed(f"tensor {weight.source} holds {largest:.0f}, too large for f16", fix="export with dtype=bf16 or f32")
    return values


def _announce(writer: Any, name: str, shape: tuple[int, ...], dtype: str) -> None:
    import gguf

    kind = gguf.GGMLQuantizationType[dtype.upper()]
    bytes_shape = gguf.quant_shape_to_byte_shape(shape, kind)
    writer.add_tensor_info(name, bytes_shape, np.dtype(np.uint8), int(np.prod(bytes_shape)), kind)


def _encode(values: Array, dtype: str) -> Any:
    import gguf

    return gguf.quants.quantize(values, gguf.GGMLQuantizationType[dtype.upper()])
