"""The most tokens a second that memory bandwidth and arithmetic allow: an upper bound, not a forecast.

Two facts to know. Decoding reads every active weight once for each step, whatever the batch, and each sequence's own cache: so it
is bound by bandwidth until the batch is large. And prefill does two operations for each weight and token, plus attention,
and is bound by arithmetic. What a machine really reaches of it (often 0.4 to 0.8) has to be measured there.

`decode >= max((W + B * KV) / bandwidth, 2 * N * B / flops)`, `prefill >= (2 * N * S + 2 * L * S^2 * H * d) / flops`; a mixture of
experts reads `E * (1 - (1 - k/E)^B)` experts a step. Source: Pope et al., "Efficiently Scaling Transformer Inference",
arXiv 2211.05102; expected distinct experts by counting.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.sizing import layout
from modelwright.sizing.devices import Device
from modelwright.sizing.shapes import ModelShape


@dataclass(frozen=True)
class Speed:
    """Bounds of one device."""

    decode_tokens_per_second: float
    """over all sequences together"""
    prefill_tokens_per_second: float
    decode_bound: str
    """bandwidth or compute"""


def bounds(shape: ModelShape, weight_bytes: int, cache_bytes: int, prompt: int, sequences: int, device: Device) -> Speed:
    """The bound for `sequences` sequences whose caches hold `cache_bytes` together, and for a prompt of `prompt` tokens."""
    total, active = layout.parameters(shape), layout.active_parameters(shape)
    reading = (read_bytes(shape, weight_bytes, sequences) + cache_bytes) / device.bandwidth
    computing = 2 * active * sequences / device.flops
    attention = 2 * sum(shape.heads * layer.key_dim for layer in shape.attention_layers) * prompt * prompt
    prefill = max((2 * active * prompt + attention) / device.flops, weight_bytes / device.bandwidth) if total else 1.0
    return Speed(sequences / max(reading, computing), prompt / prefill, "bandwidth" if reading >= computing else "compute")


def read_bytes(shape: ModelShape, weight_bytes: int, sequences: int) -> float:
    """Weights that one decoding step reads: no embedding that is only looked up, and only the experts that are chosen."""
    weights = layout.weights(shape)
    total = sum(weight.elements for weight in weights)
    looked_up = 0 if shape.tied else next((weight.elements for weight in weights if weight.name == "token_embd.weight"), 0)
    expert = sum(weight.elements for weight in weights if "_exps." in weight.name)
    share = 1.0
    if shape.experts:
        share = 1 - (1 - shape.experts.used / shape.experts.count) ** sequences
    return weight_bytes * (total - looked_up - expert + expert * share) / max(total, 1)
