"""The KV cache of llama.cpp, to the byte.

Two facts to know. Cells are handed out in 256s, and several sequences split the context: asked for 8192 tokens in 3 sequences,
llama.cpp makes 3 of 2816. And a layer with a sliding window keeps `window + ubatch` cells, rounded up, unless `swa_full` is
on (the default of the C library and of llama-cpp-python, off in llama.cpp's own programs).

Sources: llama-context.cpp (padding), llama-kv-cache.cpp, llama-kv-cache-iswa.cpp, llama-memory-recurrent.cpp,
llama-hparams.cpp. NOT here: the indexer caches of DeepSeek-V3.2 and GLM-5; other engines (`kv_engines`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelwright.errors import BadRequest
from modelwright.sizing.blocks import BLOCKS, row_bytes
from modelwright.sizing.shapes import Layer, ModelShape, whole

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
"""what llama.cpp's programs take as --cache-type-k and -v"""
PAD = 256
MOST_SEQUENCES = 256
WINDOWED = frozenset(
    (
        "afmoe",
        "cohere2",
        "cohere2moe",
        "exaone-moe",
        "exaone4",
        "gemma2",
        "gemma3",
        "gemma3n",
        "gemma4",
        "gpt-oss",
        "granite-swa",
        "laguna",
        "lfm2",
        "llama4",
        "mellum",
        "mimo2",
        "muse-glimmer",
        "olmo2",
        "plamo3",
        "smallthinker",
        "step35",
    )
)
"""architectures whose window llama.cpp keeps to; it gives the others, such as Mistral-7B-v0.1, the whole context"""


@dataclass(frozen=True)
class Cache:
    """What a cache takes. `parts` add up to `bytes`."""

    bytes: int
    bytes_per_token: int
    """of all layers, before a window is full"""
    growing_bytes_per_token: int
    """of one more token when every window is full"""
    tokens: int
    """of one sequence that there is room for"""
    parts: dict[str, int]


@dataclass(frozen=True)
class LlamaCpp:
    """llama.cpp's settings that decide the size of its cache."""

    type_k: str = "f16"
    type_v: str = "f16"
    sequences: int = 1
    swa_full: bool = False
    unified: bool = False
    """one pool for all sequences (its server's default) instead of a part for each"""
    batch: int = 2048
    ubatch: int = 512
    flash_attention: bool = True


def llama_cpp(shape: ModelShape, context: int, settings: LlamaCpp = LlamaCpp()) -> Cache:
    """The cache for `context` tokens over all sequences (its `n_ctx`). Raises BadRequest for what llama.cpp refuses."""
    whole(context, "context_length", most=1 << 31)
    whole(settings.sequences, "batch_size", most=MOST_SEQUENCES)
    refuse_types(shape, settings)
    cells, streams = sequence_cells(context, settings)
    ubatch = min(settings.ubatch, settings.batch, context)
    small = _pad(min(cells, shape.window * (settings.sequences if settings.unified else 1) + ubatch))
    slides = shape.architecture in WINDOWED and not settings.swa_full
    parts = dict.fromkeys(("full_attention", "sliding_window", "recurrent"), 0)
    per_token, growing = 0, 0
    for layer in shape.layers:
        parts["recurrent"] += layer.state * 4 * settings.sequences
        token = _token_bytes(shape, layer, settings)
        windowed = bool(layer.window) and slides
        parts["sliding_window" if windowed else "full_attention"] += token * (small if windowed else cells) * streams
        per_token += token
        growing += 0 if windowed else token
    return Cache(sum(parts.values()), per_token, growing, cells, parts)


def sequence_cells(context: int, settings: LlamaCpp) -> tuple[int, int]:
    """(cells of a stream, streams): one pool for all sequences, or one each."""
    padded = _pad(context)
    if settings.unified:
        return padded, 1
    return _pad(padded // settings.sequences), settings.sequences


def for_each_sequence(settings: LlamaCpp, sequences: int) -> LlamaCpp:
    return replace(settings, sequences=sequences)


def _pad(tokens: int) -> int:
    return -(-tokens // PAD) * PAD


def _token_bytes(shape: ModelShape, layer: Layer, settings: LlamaCpp) -> int:
    """One cell of one layer. Without flash attention values lie transposed and are as wide as the widest layer's."""
    if not layer.keys:
        return 0
    values = layer.values
    if not settings.flash_attention and values:
        values = max(other.values for other in shape.layers)
    return row_bytes(settings.type_k.upper(), layer.keys) + (row_bytes(settings.type_v.upper(), values) if values else 0)


def refuse_types(shape: ModelShape, settings: LlamaCpp) -> None:
    """Raise BadRequest for cache types that llama.cpp does not take for this model."""
    for kind in (settings.type_k, settings.type_v):
        if kind not in CACHE_TYPES:
            raise BadRequest(f"llama.cpp has no cache type {kind!r:.40}", fix=f"use one of {', '.join(CACHE_TYPES)}")
    quantized = BLOCKS[settings.type_v.upper()][0] > 1
    if quantized and not settings.flash_attention:
        raise BadRequest(f"a V cache in {settings.type_v} needs flash attention", fix="set flash_attention=true, or keep V in f16")
    if settings.type_k != settings.type_v and any(layer.is_latent for layer in shape.layers):
        raise BadRequest(
            f"{shape.name} keeps one latent vector a token: its cache has one type, not {settings.type_k} and {settings.type_v}"
        )
    for layer in shape.attention_layers:
        for kind, size in ((settings.type_k, layer.key_dim), (settings.type_v, layer.value_dim)):
            block = BLOCKS[kind.upper()][0]
            if size % block:
                raise BadRequest(f"{kind} stores {block} numbers a block, and heads of {size} are no multiple of it", fix="use f16")
