"""The KV cache of vLLM and of transformers.

Two facts to know. vLLM hands out pages of 16 tokens from what `gpu_memory_utilization` leaves it, so the question there is how
many sequences fit, not what one takes. And transformers keeps exactly the tokens that it has seen, but expands latent
attention into the keys and values of every head.

Sources: vLLM's kv_cache_interface.py (pages, windows, latent attention) and transformers' cache_utils.py (DynamicCache).
NOT here: vLLM's prefix sharing, which makes real use smaller; CUDA graphs and activations (give them as overhead).
"""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.errors import BadRequest
from modelwright.sizing.kv import Cache
from modelwright.sizing.shapes import Layer, ModelShape, whole

BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0}
"""bytes an element; int8 has a float32 scale for each token and head in vLLM"""
PAGE_TOKENS = 16
UTILISATION = 0.92
"""vLLM's default share of the GPU's memory"""
BATCHED_TOKENS = 2048


@dataclass(frozen=True)
class Vllm:
    dtype: str = "bf16"
    page_tokens: int = PAGE_TOKENS
    batched_tokens: int = BATCHED_TOKENS
    """`max_num_batched_tokens`: a window has to hold a whole prefill chunk beside itself"""


def vllm(shape: ModelShape, context: int, sequences: int = 1, settings: Vllm = Vllm()) -> Cache:
    """The pages of `sequences` requests of `context` tokens each."""
    _refuse(settings.dtype, ("f16", "bf16", "fp8", "int8"), "vLLM")
    whole(context, "context_length", most=1 << 31)
    parts = dict.fromkeys(("full_attention", "sliding_window", "recurrent"), 0)
    per_token, growing = 0, 0
    attention_page = max((_page(layer, settings) for layer in shape.layers), default=0)
    for layer in shape.layers:
        page = _page(layer, settings)
        parts["recurrent"] += max(2 * layer.state, attention_page) if layer.state else 0  # one page a request, of the attention's size
        parts["sliding_window" if layer.window else "full_attention"] += page * _pages(layer, context, settings)
        per_token += page // settings.page_tokens
        growing += 0 if layer.window else page // settings.page_tokens
    scaled = {name: size * sequences for name, size in parts.items()}
    return Cache(sum(scaled.values()), per_token, growing, -(-context // settings.page_tokens) * settings.page_tokens, scaled)


def _page(layer: Layer, settings: Vllm) -> int:
    scales = 2 * settings.page_tokens * layer.kv_heads * 4 if settings.dtype == "int8" and layer.keys else 0
    return int(settings.page_tokens * (layer.keys + layer.values) * BYTES[settings.dtype]) + scales


def _pages(layer: Layer, context: int, settings: Vllm) -> int:
    if not layer.window:
        return -(-context // settings.page_tokens)
    kept = min(layer.window - 1 + settings.batched_tokens, context)
    return -(-kept // settings.page_tokens) + 1


def vllm_concurrency(shape: ModelShape, context: int, free_bytes: int, settings: Vllm = Vllm()) -> float:
    """How many requests of `context` tokens fit into `free_bytes` of pages at once: vLLM's "maximum concurrency"."""
    return free_bytes / max(vllm(shape, context, 1, settings).bytes, 1)


def transformers(shape: ModelShape, context: int, sequences: int = 1, dtype: str = "bf16") -> Cache:
    """A DynamicCache after `context` tokens; a layer with a window keeps `window - 1` of them."""
    _refuse(dtype, ("f32", "f16", "bf16"), "transformers")
    whole(context, "context_length", most=1 << 31)
    size = int(BYTES[dtype])
    parts = dict.fromkeys(("full_attention", "sliding_window", "recurrent"), 0)
    per_token, growing = 0, 0
    for layer in shape.layers:
        token = (0 if layer.shared else layer.expanded or layer.keys + layer.values) * size
        kept = min(context, layer.window - 1) if layer.window else context
        parts["sliding_window" if layer.window else "full_attention"] += token * kept * sequences
        parts["recurrent"] += layer.state * size * sequences
        per_token += token
        growing += 0 if layer.window else token
    return Cache(sum(parts.values()), per_token, growing, context, parts)


def _refuse(dtype: str, known: tuple[str, ...], engine: str) -> None:
    if dtype not in known:
        raise BadRequest(f"{engine} has no cache type {dtype!r:.40}", fix=f"use one of {', '.join(known)}")
