"""The bytes of a model's weights in each type: what llama.cpp's quantizer really stores, tensor by tensor.

Two facts to know. A file type is a mix: Q4_K_M keeps some attention and feed-forward matrices in Q6_K and the output in Q6_K,
by layer. And rows that are no multiple of a type's block fall back to another type, so a small model's "Q4_K_M" takes 6.2
bits a weight.

Source: llama-quant.cpp (`llama_tensor_get_type_impl`, `tensor_type_fallback`, `tensor_allows_quantization`), without an importance
matrix. NOT here: Falcon's own rules, per-tensor overrides, MXFP4 of dense models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modelwright.errors import BadRequest
from modelwright.sizing.blocks import BLOCKS, row_bytes
from modelwright.sizing.mixes import DEFAULTS, Mixer, Traits
from modelwright.sizing.shapes import ModelShape, Weight

FALLBACKS = {
    **dict.fromkeys(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_XS"), "IQ4_NL"),
    **dict.fromkeys(("Q2_K", "Q3_K", "TQ1_0", "TQ2_0"), "Q4_0"),
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
}
FULL = {"F32": "F32", "F16": "F16", "BF16": "BF16"}
_KEPT = re.compile(
    r"_norm\.weight|ffn_gate_inp\.weight|altup|laurel|per_layer_model_proj|ssm_conv1d|shortconv\.conv\.weight|time_mix_(first|w0|w1|w2|v0|v1|v2"
    r"|a0|a1|a2|g1|g2|decay_w1|decay_w2|lerp_fused)\.weight|attn_rel_b|position_embd|token_types"
)
"""matrices that the quantizer leaves as they are"""


@dataclass(frozen=True)
class Stored:
    """What a model takes in one file type."""

    bytes: int
    elements: int
    fallbacks: int
    """matrices that had to take another type"""
    types: dict[str, int]
    """type -> matrices"""

    @property
    def bits_per_weight(self) -> float:
        return self.bytes * 8 / max(self.elements, 1)


def file_types() -> tuple[str, ...]:
    """Every file type whose mix is known here."""
    return (*FULL, *DEFAULTS)


def named(name: str) -> str:
    """The file type as llama.cpp writes it. Raises BadRequest with the nearest names."""
    from difflib import get_close_matches

    wanted = name.strip().upper().replace("-", "_")
    if wanted not in file_types():
        near = get_close_matches(wanted, file_types(), n=2, cutoff=0.4)
        raise BadRequest(
            f"no weight type {name!r:.40}", fix=f"did you mean {' or '.join(near)}?" if near else f"use {', '.join(file_types())}"
        )
    return wanted


def stored(weights: Iterable[Weight], traits: Traits, file_type: str) -> Stored:
    """The size of `weights` in `file_type`, tensors only (a file has a few MB of metadata beside them)."""
    ordered = sorted(weights, key=lambda weight: (_layer_of(weight.name), weight.name))
    mixer = Mixer(file_type, traits, ordered) if file_type in DEFAULTS else None
    counts: dict[str, int] = {}
    total = fallbacks = 0
    for weight in ordered:
        kind, fell = _type_of(weight, file_type, mixer)
        fallbacks += fell
        counts[kind] = counts.get(kind, 0) + 1
        total += weight.elements // weight.dims[0] * row_bytes(kind, weight.dims[0])
    return Stored(total, sum(weight.elements for weight in ordered), fallbacks, dict(sorted(counts.items(), key=lambda item: -item[1])))


def _type_of(weight: Weight, file_type: str, mixer: Mixer | None) -> tuple[str, bool]:
    if len(weight.dims) < 2 or weight.name.endswith("_norm.weight") or not weight.name.endswith("weight") or _KEPT.search(weight.name):
        return _unquantized(weight), False
    if mixer is None:
        return FULL[file_type], False
    wanted = mixer.choose(weight)
    if weight.dims[0] % BLOCKS[wanted][0] == 0:
        return wanted, False
    other = FALLBACKS.get(wanted, wanted)
    return (other if weight.dims[0] % BLOCKS[other][0] == 0 else "F16"), True


def _unquantized(weight: Weight) -> str:
    """As the file has it; the converter writes vectors, norms, routers and scan parameters in float32."""
    return weight.type if weight.type in FULL else "F32"


def _layer_of(name: str) -> int:
    found = re.match(r"blk\.(\d+)\.", name)
    return int(found[1]) if found else -1


def as_stored(weight: Weight) -> int:
    """Bytes of a weight in the type that its file has it in."""
    return weight.elements // weight.dims[0] * row_bytes(weight.type, weight.dims[0])


def traits_of(shape: ModelShape) -> Traits:
    first = shape.layers[0] if shape.layers else None
    grouped = shape.heads // first.kv_heads if first and first.kv_heads and shape.heads else 0
    deep = len(shape.layers) == 80 and shape.architecture in ("llama", "qwen2") and grouped != 1
    return Traits(shape.architecture, len(shape.layers), grouped, shape.experts.count if shape.experts else 0, deep)


OTHER_BITS = {"nf4": 4.0 + 8 / 64 + 32 / (64 * 256), "int8": 8.0, "fp8": 8.0, "gptq": 4 + 20 / 128, "awq": 4 + 20 / 128}
"""bits a weight of the linear layers, scales included: NF4 with double quantization (QLoRA, arXiv 2305.14314), LLM.int8(), FP8,
4-bit GPTQ and AWQ in groups of 128; embeddings, output and norms are kept in 16 bits, or as they were loaded"""


def stored_elsewhere(weights: Iterable[Weight], kind: str, *, kept_bits: int = 16) -> int:
    """Bytes of weights in a type of the other engines; embedding, output and vectors in `kept_bits`."""
    bits = OTHER_BITS[kind]
    total = 0.0
    for weight in weights:
        linear = len(weight.dims) > 1 and weight.name not in ("token_embd.weight", "output.weight") and not _KEPT.search(weight.name)
        total += weight.elements * (bits if linear else kept_bits) / 8
    return round(total)
