"""Rotary positions in a GGUF file: the base, and how they are stretched to a longer context.

Llama 3.1 needs a tensor of factors (rope_freqs.weight), linear and YaRN need keys. A stretching that is not known here
stops the export: leaving it out would only show as worse answers on long texts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modelwright.errors import BadRequest

_YARN_KEYS = frozenset(
    {
        "rope_type",
        "rope_theta",
        "factor",
        "original_max_position_embeddings",
        "beta_fast",
        "beta_slow",
        "attention_factor",
        "truncate",
        "type",
    }
)


def write_keys(writer: Any, config: Any, head_dim: int) -> None:
    """The base, the rotated dimensions and the scaling of a transformers `config`. Raises BadRequest for an unknown scaling."""
    from gguf import RopeScalingType

    rope = config.rope_parameters
    if float(rope.get("partial_rotary_factor", 1.0)) != 1.0:
        raise BadRequest(f"cannot export a model that rotates only {rope['partial_rotary_factor']} of each head")
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    writer.add_rope_dimension_count(head_dim)
    kind = rope.get("rope_type", "default")
    if kind == "linear":
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(rope["factor"]))
    elif kind == "yarn":
        _write_yarn(writer, rope, config)
    elif kind not in ("default", "llama3"):
        raise BadRequest(f"cannot export rope scaling {kind!r}", fix="default, linear, yarn and llama3 can be exported")


def _write_yarn(writer: Any, rope: dict[str, Any], config: Any) -> None:
    from gguf import RopeScalingType

    factor = float(rope["factor"])
    usual = 0.1 * math.log(factor) + 1.0
    strange = sorted(set(rope) - _YARN_KEYS)
    if strange or not rope.get("truncate", True) or not math.isclose(rope.get("attention_factor") or usual, usual, rel_tol=1e-4):
        raise BadRequest(f"cannot export this form of YaRN: {', '.join(strange) or 'truncate or attention_factor is set'}")
    writer.add_rope_scaling_type(RopeScalingType.YARN)
    writer.add_rope_scaling_factor(factor)
    writer.add_rope_scaling_orig_ctx_len(int(rope.get("original_max_position_embeddings") or config.max_position_embeddings))
    writer.add_rope_scaling_yarn_beta_fast(float(rope.get("beta_fast") or 32.0))
    writer.add_rope_scaling_yarn_beta_slow(float(rope.get("beta_slow") or 1.0))


def frequency_factors(config: Any, head_dim: int) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    """By what llama.cpp divides each frequency, for Llama 3.1's stretching; None for all others."""
    rope = config.rope_parameters
    if rope.get("rope_type") != "llama3":
        return None
    frequencies = 1.0 / float(rope["rope_theta"]) ** (np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    turns = float(rope["original_max_position_embeddings"]) * frequencies / (2 * math.pi)
    low, high, factor = float(rope["low_freq_factor"]), float(rope["high_freq_factor"]), float(rope["factor"])
    smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return (1.0 / ((1.0 - smooth) / factor + smooth)).astype(np.float32)
