"""The weight matrices of a model, from its shape: names and sizes as a GGUF file of it has them.

Two facts to know. A file or a folder that is there is counted itself; this is for a config alone. And every weight counts:
the number of parameters that it adds up to is compared with the published one for each known model (tests/sizing).
Layouts: llama-like decoders (with biases, norms on queries and keys, norms after blocks, experts), latent attention
(DeepSeek), gpt-oss, Mamba and LFM2. Any other architecture is an error, not a guess.
Source: the create_tensor calls of llama.cpp's src/models/*.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelwright.errors import BadRequest
from modelwright.sizing.shapes import Experts, Latent, Layer, ModelShape, Weight

QKV_BIAS = frozenset({"qwen2", "gpt-oss"})
HEAD_NORMS = frozenset({"qwen3", "qwen3moe", "gemma3", "lfm2"})
"""a norm as wide as one head on queries and on keys"""
FULL_NORMS = frozenset({"olmo2"})
"""a norm as wide as all heads"""
NORMS_BEHIND = frozenset({"gemma2", "gemma3", "olmo2"})
"""norms behind attention and feed-forward"""
NO_NORMS_BEFORE = frozenset({"olmo2"})
FUSED = frozenset({"phi3"})
"""queries, keys and values in one matrix; gate and up in one"""
LAID_OUT = frozenset(
    {
        "llama",
        "smollm3",
        "granite",
        "qwen2",
        "qwen3",
        "qwen3moe",
        "gemma",
        "gemma2",
        "gemma3",
        "phi3",
        "olmo2",
        "gpt-oss",
        "deepseek2",
        "mamba",
        "lfm2",
    }
)


def weights(shape: ModelShape) -> tuple[Weight, ...]:
    """Every weight of `shape`, those of its file if one is known. Raises BadRequest for an architecture that is not laid out here."""
    if shape.weights:
        return shape.weights
    if shape.architecture not in LAID_OUT or not (shape.hidden and shape.vocabulary):
        raise BadRequest(
            f"{shape.name}: the weights of {shape.architecture or 'bare numbers'} cannot be counted from its config",
            fix="name a GGUF file or a folder with its weights",
        )
    return tuple(_all(shape))


def parameters(shape: ModelShape) -> int:
    """How many weights the model has: of its file, by the table of known models, or counted."""
    return shape.parameters or sum(weight.elements for weight in weights(shape))


def active_parameters(shape: ModelShape) -> int:
    """Weights that one token is multiplied with: of a mixture of experts only those used; the embedding is looked up, not multiplied."""
    total = 0.0
    for weight in weights(shape):
        if weight.name == "token_embd.weight" and not shape.tied:
            continue
        used = shape.experts.used / shape.experts.count if shape.experts and "_exps." in weight.name else 1.0
        total += weight.elements * used
    return round(total)


def _all(shape: ModelShape) -> Iterator[Weight]:
    yield Weight("token_embd.weight", (shape.hidden, shape.vocabulary))
    yield Weight("token_embd_norm.weight" if shape.architecture == "lfm2" else "output_norm.weight", (shape.hidden,))
    if not shape.tied:
        yield Weight("output.weight", (shape.hidden, shape.vocabulary))
    for index, layer in enumerate(shape.layers):
        for name, *dims in _layer(shape, layer, index):
            yield Weight(f"blk.{index}.{name}", tuple(dims))


Row = tuple[str, *tuple[int, ...]]


def _layer(shape: ModelShape, layer: Layer, index: int) -> Iterator[Row]:
    if shape.architecture not in NO_NORMS_BEFORE:
        yield ("attn_norm.weight", shape.hidden)
    yield from _mixer(shape, layer)
    if shape.architecture == "mamba":
        return
    yield from _norms(shape)
    yield from _feed_forward(shape, index)


def _mixer(shape: ModelShape, layer: Layer) -> Iterator[Row]:
    """What mixes tokens: attention of some kind, a scan, or a convolution."""
    if layer.keys and shape.latent:
        return _latent(shape, shape.latent)
    if layer.keys:
        return _attention(shape, layer)
    return STATEFUL[shape.architecture](shape)


def _norms(shape: ModelShape) -> Iterator[Row]:
    if shape.architecture in NORMS_BEHIND:
        yield ("post_attention_norm.weight", shape.hidden)
        yield ("post_ffw_norm.weight", shape.hidden)
    if shape.architecture == "gpt-oss":
        yield ("post_attention_norm.weight", shape.hidden)
    elif shape.architecture not in NO_NORMS_BEFORE:
        yield ("ffn_norm.weight", shape.hidden)


def _attention(shape: ModelShape, layer: Layer) -> Iterator[Row]:
    query, keys, values = shape.heads * layer.key_dim, layer.keys, layer.values
    if shape.architecture in FUSED:
        yield ("attn_qkv.weight", shape.hidden, query + keys + values)
    else:
        for name, width in (("q", query), ("k", keys), ("v", values)):
            yield (f"attn_{name}.weight", shape.hidden, width)
            if shape.architecture in QKV_BIAS:
                yield (f"attn_{name}.bias", width)
    yield ("attn_output.weight", query, shape.hidden)
    if shape.architecture in HEAD_NORMS | FULL_NORMS:
        whole = shape.architecture in FULL_NORMS
        yield ("attn_q_norm.weight", query if whole else layer.key_dim)
        yield ("attn_k_norm.weight", keys if whole else layer.key_dim)
    if shape.architecture == "gpt-oss":
        yield ("attn_output.bias", shape.hidden)
        yield ("attn_sinks.weight", shape.heads)


def _latent(shape: ModelShape, latent: Latent) -> Iterator[Row]:
    query = shape.heads * (latent.nope + latent.rope)
    if latent.query_rank:
        yield ("attn_q_a.weight", shape.hidden, latent.query_rank)
        yield ("attn_q_a_norm.weight", latent.query_rank)
        yield ("attn_q_b.weight", latent.query_rank, query)
    else:
        yield ("attn_q.weight", shape.hidden, query)
    yield ("attn_kv_a_mqa.weight", shape.hidden, latent.kv_rank + latent.rope)
    yield ("attn_kv_a_norm.weight", latent.kv_rank)
    yield ("attn_k_b.weight", latent.nope, latent.kv_rank, shape.heads)
    yield ("attn_v_b.weight", latent.kv_rank, latent.value, shape.heads)
    yield ("attn_output.weight", shape.heads * latent.value, shape.hidden)


def _feed_forward(shape: ModelShape, index: int) -> Iterator[Row]:
    experts = shape.experts
    if experts and index >= experts.dense_layers:
        yield from _mixture(shape, experts)
    elif shape.architecture in FUSED:
        yield ("ffn_up.weight", shape.hidden, 2 * shape.inner)
        yield ("ffn_down.weight", shape.inner, shape.hidden)
    else:
        yield ("ffn_gate.weight", shape.hidden, shape.inner)
        yield ("ffn_up.weight", shape.hidden, shape.inner)
        yield ("ffn_down.weight", shape.inner, shape.hidden)


def _mixture(shape: ModelShape, experts: Experts) -> Iterator[Row]:
    yield ("ffn_gate_inp.weight", shape.hidden, experts.count)
    yield ("ffn_gate_exps.weight", shape.hidden, experts.inner, experts.count)
    yield ("ffn_up_exps.weight", shape.hidden, experts.inner, experts.count)
    yield ("ffn_down_exps.weight", experts.inner, shape.hidden, experts.count)
    if shape.architecture == "gpt-oss":
        yield ("ffn_gate_inp.bias", experts.count)
        yield ("ffn_gate_exps.bias", experts.inner, experts.count)
        yield ("ffn_up_exps.bias", experts.inner, experts.count)
        yield ("ffn_down_exps.bias", shape.hidden, experts.count)
    if shape.architecture == "deepseek2" and shape.latent and shape.latent.query_rank:
        yield ("exp_probs_b.bias", experts.count)
    if experts.shared_inner:
        yield ("ffn_gate_shexp.weight", shape.hidden, experts.shared_inner)
        yield ("ffn_up_shexp.weight", shape.hidden, experts.shared_inner)
        yield ("ffn_down_shexp.weight", experts.shared_inner, shape.hidden)


def _mamba(shape: ModelShape) -> Iterator[Row]:
    ssm = shape.ssm
    inner, state, rank = ssm["inner_size"], ssm["state_size"], ssm["time_step_rank"]
    yield ("ssm_in.weight", shape.hidden, 2 * inner)
    yield ("ssm_conv1d.weight", ssm["conv_kernel"], inner)
    yield ("ssm_conv1d.bias", inner)
    yield ("ssm_x.weight", inner, rank + 2 * state)
    yield ("ssm_dt.weight", rank, inner)
    yield ("ssm_dt.bias", inner)
    yield ("ssm_a", state, inner)
    yield ("ssm_d", inner)
    yield ("ssm_out.weight", inner, shape.hidden)


def _short_convolution(shape: ModelShape) -> Iterator[Row]:
    yield ("shortconv.conv.weight", shape.ssm["l_cache"], shape.hidden)
    yield ("shortconv.in_proj.weight", shape.hidden, 3 * shape.hidden)
    yield ("shortconv.out_proj.weight", shape.hidden, shape.hidden)


STATEFUL: dict[str, Callable[[ModelShape], Iterator[Row]]] = {"mamba": _mamba, "lfm2": _short_convolution}
"""layers without keys and values, by architecture"""
