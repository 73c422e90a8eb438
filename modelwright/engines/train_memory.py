"""How much memory and time a training run takes, before it runs.

The formula stands in `sizing.training`; here are the model's numbers from a file, and the speed. The tool's estimate uses it
too, so no torch here. The bound that turns too much into an error is memory_bound.py's.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.engines import gguf_header
from modelwright.modelrefs import Model
from modelwright.sizing import training

SPEED = {"lora": 125.0, "dora": 90.0, "qlora": 64.0, "full": 100.0}
"""tokens per second of the built-in model on two cores at 3 GHz with AVX2, float32"""
BFLOAT16_FASTER = 2.0
"""times as fast with products in bfloat16, by lora on two cores: 254 tokens a second for 125 with AMX, 370 for 212 with AVX-512 (Zen 5)"""
_BFLOAT16 = frozenset({"amx_bf16", "avx512_bf16"})
"""in /proc/cpuinfo"""
MEMORY_WORDS = ("defaultcpuallocator", "out of memory", "cannot allocate memory", "can't allocate memory", "could not create a primitive")
"""in what torch and oneDNN raise when an allocation fails"""
SLIM = 17.7
"""sum of (in + out) / hidden over a Llama layer's seven matrices"""
REFERENCE_PARAMETERS = 134_515_008
REFERENCE_CORES = 2


@dataclass(frozen=True)
class Shape:
    """What of a model decides its cost."""

    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    context: int
    inner: int = 0
    """of the feed-forward part; 0 is unknown, and counts as 8/3 of `hidden`"""

    @classmethod
    def of_config(cls, config: dict[str, Any]) -> Shape:
        """From a Hugging Face config.json; parameters counted for a Llama-like layer."""
        text = config.get("text_config") or config
        hidden, layers = int(text.get("hidden_size", 576)), int(text.get("num_hidden_layers", 30))
        inner, vocabulary = int(text.get("intermediate_size", 4 * hidden)), int(text.get("vocab_size", 49152))
        heads = int(text.get("num_attention_heads", 1))
        share = int(text.get("num_key_value_heads") or heads) / heads
        per_layer = hidden * hidden * (2 + 2 * share) + 3 * hidden * inner + 2 * hidden
        tables = 1 if text.get("tie_word_embeddings", config.get("tie_word_embeddings", True)) else 2
        return cls(
            int(layers * per_layer + tables * vocabulary * hidden),
            layers,
            hidden,
            vocabulary,
            int(text.get("max_position_embeddings", 2048)),
            inner,
        )


BUILTIN = Shape(REFERENCE_PARAMETERS, 30, 576, 49152, 8192, 1536)


def memory_bytes(shape: Shape, method: str, tokens_at_once: int, *, rank: int = 16, bfloat16: bool | None = None) -> int:
    """Peak resident memory of a run whose largest batch has `tokens_at_once` tokens, padding included.

    `bfloat16`: whether products are made in it; as on this processor if unset.
    """
    half = in_bfloat16(method) if bfloat16 is None else bfloat16
    return training.total(_numbers(shape, rank), training.Run(method, tokens_at_once, rank, half))


def rows_that_fit(shape: Shape, method: str, rows: int, longest: int, limit: int, *, rank: int = 16) -> int:
    """Of a batch of `rows` rows with at most `longest` tokens, as many as take at most `limit` bytes at once: halves, at least 1."""
    while rows > 1 and memory_bytes(shape, method, rows * longest, rank=rank) > limit:
        rows = (rows + 1) // 2
    return rows


def in_bfloat16(method: str) -> bool:
    """Whether this processor would train by `method` with products in bfloat16; quantized weights are multiplied in float32."""
    return method != "qlora" and multiplies_bfloat16()


def _numbers(shape: Shape, rank: int) -> training.Numbers:
    inner = shape.inner or round(shape.hidden * training.USUAL_INNER)
    adapter, tables = round(shape.layers * shape.hidden * SLIM * rank), shape.vocabulary * shape.hidden
    return training.Numbers(shape.parameters, shape.layers, shape.hidden, inner, shape.vocabulary, tables, adapter)


def tokens_per_second(shape: Shape, method: str, cores: int) -> float:
    """On this processor, at rest."""
    faster = BFLOAT16_FASTER if in_bfloat16(method) else 1.0
    return faster * SPEED[method] * REFERENCE_PARAMETERS / max(shape.parameters, 1) * max(cores, 1) / REFERENCE_CORES


def cores(threads: int) -> int:
    return threads or len(os.sched_getaffinity(0))


def multiplies_bfloat16(cpuinfo: str = "/proc/cpuinfo") -> bool:
    """Whether the processor multiplies in bfloat16, by tiles (AMX) or by vectors (AVX-512 BF16, such as Zen 4 and 5).

    A LoRA step then takes a third to a half of float32's processor time. Elsewhere it takes many times as long (14 with AVX2).
    """
    try:
        with open(cpuinfo, encoding="utf-8") as stream:
            flags = next((line for line in stream if line.startswith("flags")), "")
    except OSError:
        return False
    return not _BFLOAT16.isdisjoint(flags.split())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, or Python itself, could not allocate."""
    text = str(error).lower()
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and any(word in text for word in MEMORY_WORDS))


def shape_of(model: Model) -> Shape:
    """The shape of a model on disk, from its config.json or the head of its GGUF file; unknown parts as the built-in's."""
    if model.is_builtin:
        return BUILTIN
    if model.kind == "gguf":
        return _of_gguf(gguf_header.read(Path(model.path)))
    try:
        return Shape.of_config(json.loads((Path(model.path) / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError):
        return BUILTIN


def _of_gguf(header: gguf_header.Header) -> Shape:
    def number(name: str, otherwise: int) -> int:
        value = header.keys.get(f"{header.architecture}.{name}")
        return value if isinstance(value, int) else otherwise

    table = next((t.shape for t in header.tensors if t.name == "token_embd.weight"), (0, BUILTIN.vocabulary))
    return Shape(
        header.elements,
        number("block_count", BUILTIN.layers),
        number("embedding_length", BUILTIN.hidden),
        table[-1],
        number("context_length", BUILTIN.context),
        number("feed_forward_length", 0),
    )


def disk_bytes(shape: Shape, method: str, rank: int) -> int:
    """What the result takes on disk: all weights in float32, or two slim matrices for each linear layer."""
    if method == "full":
        return int(shape.parameters * 4 + 5e6)
    return int(shape.layers * shape.hidden * SLIM * rank * 4 + 5e6)
