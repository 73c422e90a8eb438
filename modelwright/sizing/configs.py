"""A model's shape from the `config.json` of a Hugging Face folder (or the same fields from the table of known models).

Two facts to know. `head_dim` is taken where it stands and only else computed: Qwen3-0.6B has heads of 128 although
hidden / heads is 64. And what the config does not say is not guessed: a missing field or a kind of attention that is not
known here is an error that names it, because a wrong cache size looks just like a right one.

Sources: transformers' configuration_*.py for names and defaults; llama.cpp's conversion for its architectures' names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from modelwright.errors import BadRequest
from modelwright.sizing.config_fields import Config, Fields
from modelwright.sizing.layer_kinds import is_vague, layer_kinds
from modelwright.sizing.shapes import MOST_LAYERS, Experts, Latent, Layer, ModelShape

ARCHITECTURES = {
    "llama": "llama",
    "mistral": "llama",
    "mixtral": "llama",
    "smollm3": "smollm3",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3_moe": "qwen3moe",
    "qwen3_next": "qwen3next",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
    "gemma3_text": "gemma3",
    "gemma3n": "gemma3n",
    "gemma3n_text": "gemma3n",
    "phi3": "phi3",
    "olmo2": "olmo2",
    "granite": "granite",
    "gpt_oss": "gpt-oss",
    "deepseek_v2": "deepseek2",
    "deepseek_v3": "deepseek2",
    "mamba": "mamba",
    "falcon_mamba": "mamba",
    "lfm2": "lfm2",
}
"""transformers' model_type -> llama.cpp's architecture"""
TIED = frozenset({"gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n", "gemma3n_text", "mamba", "falcon_mamba", "lfm2"})
"""whose embedding is also their output unless the config says otherwise; for the others transformers' default is untied"""
STRANGE = (
    "index_head_dim",
    "compress_ratios",
    "linear_attn_config",
    "mamba_d_state",
    "mamba_expand",
    "ssm_state_size",
    "attn_type_list",
    "block_types",
    "rwkv_version",
    "attention_types",
)
"""fields that name a layer which is no ordinary attention, or a cache beside its keys and values"""


def from_config(config: Config, name: str) -> ModelShape:
    """The shape that a config.json describes. Raises BadRequest naming the field that is missing, impossible or unknown."""
    if not isinstance(config, Mapping):
        raise BadRequest(f"{name}: the config is no JSON object")
    text = config.get("text_config")
    fields = Fields({**config, **text} if isinstance(text, Mapping) else config, name)
    kind = str(fields.values.get("model_type", ""))
    _refuse_strange(fields, kind)
    layers = RECURRENT[kind](fields) if kind in RECURRENT else _attention_layers(fields, kind)
    return ModelShape(
        name=name,
        layers=layers,
        architecture=ARCHITECTURES.get(kind, ""),
        hidden=fields.need("hidden_size"),
        inner=_inner(fields, kind),
        heads=fields.number("num_attention_heads", 0),
        vocabulary=fields.number("vocab_size", 0),
        context=fields.number("max_position_embeddings", 0),
        tied=_is_tied(config, fields, kind),
        experts=_experts(fields),
        latent=_latent(fields),
        ssm=_ssm(fields, kind),
        window=max((layer.window for layer in layers), default=0),
        source="config.json",
        notes=_notes(fields, kind),
    )


def _notes(fields: Fields, kind: str) -> tuple[str, ...]:
    said = () if kind in ARCHITECTURES else (f"model_type {kind or 'is not given'}: counted as ordinary grouped-query attention",)
    window = fields.number("sliding_window", 0)
    return (
        (*said, f"which layers have the window of {window} is not known: all count with the whole context")
        if is_vague(fields, kind)
        else said
    )


def _is_tied(config: Config, fields: Fields, kind: str) -> bool:
    names = ("tie_word_embeddings", "tie_embedding")
    said = next((value for source in (config, fields.values) for name in names if (value := source.get(name)) is not None), None)
    return bool(said) if said is not None else kind in TIED


def _inner(fields: Fields, kind: str) -> int:
    """Width of the feed-forward part. LFM2's is two thirds of what its config names, rounded up to a multiple (modeling_lfm2.py)."""
    width = fields.number("block_ff_dim", 0) or fields.number("intermediate_size", 0)
    if kind != "lfm2" or fields.values.get("block_auto_adjust_ff_dim") is False:
        return width
    multiple, factor = fields.number("block_multiple_of", 256), fields.values.get("block_ffn_dim_multiplier", 1.0)
    if not isinstance(factor, int | float) or not 0 < factor <= 16:
        raise BadRequest(f"{fields.name}: block_ffn_dim_multiplier is {factor!r:.40}, not a factor")
    return -(-int(factor * int(2 * width / 3)) // max(multiple, 1)) * max(multiple, 1)


def _refuse_strange(fields: Fields, kind: str) -> None:
    found = next((key for key in STRANGE if fields.has(key)), None)
    if found and kind not in ARCHITECTURES:
        raise BadRequest(
            f"{fields.name}: {found} describes layers of a kind that is not known here (model_type {kind!r:.40})",
            fix="give layers, kv_heads and head_dim of its attention layers, or name a GGUF file of it",
        )


def _attention_layers(fields: Fields, kind: str) -> tuple[Layer, ...]:
    count = fields.need("num_hidden_layers", most=MOST_LAYERS)
    if fields.has("kv_lora_rank"):
        return (_latent_layer(fields),) * count
    full = _plain_layer(fields)
    kinds = layer_kinds(fields, kind, count)
    shared = fields.number("num_kv_shared_layers", 0)
    window = fields.number("sliding_window", 0) or fields.number("attention_chunk_size", 0)
    made = []
    for index, layer_kind in enumerate(kinds):
        layer = _layer_of(fields, layer_kind, full, window)
        made.append(Layer(layer.kv_heads, layer.key_dim, layer.value_dim, layer.window, shared=True) if index >= count - shared else layer)
    return tuple(made)


def _layer_of(fields: Fields, kind: str, full: Layer, window: int) -> Layer:
    if kind == "full_attention":
        return full
    if kind in ("sliding_attention", "chunked_attention"):
        return Layer(full.kv_heads, full.key_dim, full.value_dim, window)
    if kind == "linear_attention":
        return _delta_layer(fields)
    if kind == "conv":
        return Layer(state=fields.need("hidden_size") * (fields.need("conv_L_cache") - 1))
    raise BadRequest(
        f"{fields.name}: its layer_types name {kind!r:.40}, which is not known here", fix="give layers, kv_heads and head_dim instead"
    )


def _plain_layer(fields: Fields) -> Layer:
    heads = fields.need("num_attention_heads", most=4096)
    kv_heads = fields.number("num_key_value_heads", heads)
    size = fields.number("head_dim", 0)
    if not size:
        hidden = fields.need("hidden_size")
        if hidden % heads:
            raise BadRequest(f"{fields.name}: hidden_size {hidden} is no multiple of {heads} heads, and head_dim is not given")
        size = hidden // heads
    if not 0 < kv_heads <= heads or heads % kv_heads:
        raise BadRequest(f"{fields.name}: {heads} heads cannot share {kv_heads} key-value heads")
    return Layer(kv_heads, size, size)


def _latent_layer(fields: Fields) -> Layer:
    """Kept as one latent vector a token, without values (DeepSeek-V2); transformers keeps keys and values of every head."""
    latent = _latent(fields)
    assert latent is not None
    expanded = fields.need("num_attention_heads") * (latent.nope + latent.rope + latent.value)
    return Layer(1, latent.kv_rank + latent.rope, 0, expanded=expanded)


def _latent(fields: Fields) -> Latent | None:
    if not fields.has("kv_lora_rank"):
        return None
    return Latent(
        kv_rank=fields.need("kv_lora_rank"),
        query_rank=fields.number("q_lora_rank", 0),
        rope=fields.need("qk_rope_head_dim"),
        nope=fields.need("qk_nope_head_dim"),
        value=fields.need("v_head_dim"),
    )


def _delta_layer(fields: Fields) -> Layer:
    """Gated delta net (Qwen3-Next): a convolution over queries, keys and values, and one matrix a value head."""
    keys = fields.need("linear_num_key_heads") * fields.need("linear_key_head_dim")
    values = fields.need("linear_num_value_heads") * fields.need("linear_value_head_dim")
    return Layer(state=(fields.need("linear_conv_kernel_dim") - 1) * (values + 2 * keys) + values * fields.need("linear_key_head_dim"))


def _mamba_layers(fields: Fields) -> tuple[Layer, ...]:
    """Mamba (arXiv 2312.00752): the last inputs of its convolution and the state of the scan."""
    inner = fields.number("intermediate_size", 0) or fields.need("hidden_size") * fields.number("expand", 2)
    state = (fields.number("conv_kernel", 4) - 1) * inner + fields.number("state_size", 16) * inner
    return (Layer(state=state),) * fields.need("num_hidden_layers", most=MOST_LAYERS)


RECURRENT: dict[str, Callable[[Fields], tuple[Layer, ...]]] = {"mamba": _mamba_layers, "falcon_mamba": _mamba_layers}


def _ssm(fields: Fields, kind: str) -> dict[str, int]:
    if kind == "lfm2":
        return {"l_cache": fields.need("conv_L_cache")}
    if kind not in RECURRENT:
        return {}
    hidden = fields.need("hidden_size")
    return {
        "conv_kernel": fields.number("conv_kernel", 4),
        "inner_size": fields.number("intermediate_size", 0) or hidden * fields.number("expand", 2),
        "state_size": fields.number("state_size", 16),
        "time_step_rank": fields.number("time_step_rank", 0) or -(-hidden // 16),
    }


def _experts(fields: Fields) -> Experts | None:
    names = ("num_local_experts", "n_routed_experts", "num_experts")
    count = next((fields.number(key, 0) for key in names if fields.has(key)), 0)
    if not count:
        return None
    used = fields.number("num_experts_per_tok", 0) or fields.need("experts_per_token")
    inner = fields.number("moe_intermediate_size", 0) or fields.need("intermediate_size")
    shared = fields.number("n_shared_experts", 0) * inner or fields.number("shared_expert_intermediate_size", 0)
    return Experts(count, used, inner, shared, fields.number("first_k_dense_replace", 0))
