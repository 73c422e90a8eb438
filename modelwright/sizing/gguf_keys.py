"""A model's shape from the keys and tensors that a GGUF file's header holds.

Two facts to know. What differs from layer to layer stands in arrays (`lists`): key-value heads of a hybrid, which layers slide.
And some of it stands nowhere but in llama.cpp's source: the pattern of an older Gemma, the layers of Gemma-3n that share.

Sources: the load_arch_hparams functions of llama.cpp's src/models/*.cpp and llama-hparams.cpp. NOT here: encoders, adapters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.errors import BadRequest
from modelwright.sizing.shapes import MOST_LAYERS, Experts, Latent, Layer, ModelShape, Weight, whole

PATTERNS: dict[str, tuple[int, bool]] = {
    "gemma2": (2, False),
    "gemma3": (6, False),
    "gemma3n": (5, False),
    "gpt-oss": (2, False),
    "cohere2": (4, False),
    "exaone4": (4, False),
    "exaone-moe": (4, False),
    "olmo2": (4, False),
    "llama4": (4, False),
    "afmoe": (4, False),
    "plamo3": (8, False),
    "smallthinker": (4, True),
    "cohere2moe": (4, True),
    "laguna": (4, True),
}
"""architecture -> one layer in how many sees everything, and whether it is the first of them"""
RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
NO_CACHE = frozenset(
    {"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "gemma-embedding", "t5encoder"}
)
BOTH = frozenset({"falcon-h1"})
"""every layer has attention and a state"""
UNKNOWN = frozenset({"deepseek32", "deepseek4", "glm-dsa", "glm5-next", "minimax-m3", "qwen4exp", "hy-v4", "dots3note", "kimi-k3"})
"""with an indexer or compressed cache beside the keys, which is not reckoned here"""
SHARED_FROM = {"gemma3n": 20}


class Keys:
    """A header whose every access names the key that is missing or impossible."""

    def __init__(self, name: str, keys: Mapping[str, Any], lists: Mapping[str, Sequence[Any]]) -> None:
        self.name, self.keys, self.lists = name, keys, lists
        self.architecture = str(keys.get("general.architecture", ""))

    def need(self, key: str) -> int:
        value = self.keys.get(f"{self.architecture}.{key}")
        if value is None:
            raise BadRequest(f"{self.name}: its header has no {self.architecture}.{key}", fix="export it again")
        return whole(value, f"{self.name}: {key}")

    def number(self, key: str, otherwise: int) -> int:
        value = self.keys.get(f"{self.architecture}.{key}")
        return otherwise if value is None else whole(value, f"{self.name}: {key}", least=0)

    def each(self, key: str, count: int, otherwise: int) -> list[int]:
        """One number a layer, whether the file has one for all or a list."""
        listed = self.lists.get(f"{self.architecture}.{key}")
        if listed is None:
            return [self.number(key, otherwise)] * count
        if len(listed) < count:
            raise BadRequest(f"{self.name}: {key} has {len(listed)} values for {count} layers", fix="export it again")
        return [whole(int(value), f"{self.name}: {key}", least=0) for value in listed[:count]]


def from_keys(name: str, keys: Mapping[str, Any], lists: Mapping[str, Sequence[Any]], weights: tuple[Weight, ...]) -> ModelShape:
    """The shape of a GGUF file. Raises BadRequest naming the key that is missing or the architecture that is not reckoned here."""
    read = Keys(name, keys, lists)
    _refuse(read)
    embedding = next((weight.dims for weight in weights if weight.name == "token_embd.weight"), (0, 0))
    count = read.number("expert_count", 0)
    inner = max(read.each("expert_feed_forward_length", read.need("block_count"), 0), default=0)
    layers = _layers(read)
    return ModelShape(
        name=name,
        layers=layers,
        architecture=read.architecture,
        hidden=read.need("embedding_length"),
        inner=max(read.each("feed_forward_length", len(layers), 0)),
        heads=max(read.each("attention.head_count", len(layers), 0)),
        vocabulary=embedding[-1],
        context=read.number("context_length", 0),
        tied=not any(weight.name == "output.weight" for weight in weights),
        experts=Experts(count, max(read.number("expert_used_count", 1), 1), inner or read.need("feed_forward_length")) if count else None,
        latent=_latent(read),
        window=max((layer.window for layer in layers), default=0),
        weights=weights,
        parameters=sum(weight.elements for weight in weights),
        source="GGUF header",
    )


def _refuse(read: Keys) -> None:
    if read.keys.get("general.type") == "adapter":
        raise BadRequest(f"{read.name} is an adapter, not a model", fix="name its base model")
    if not read.architecture:
        raise BadRequest(f"{read.name}: its header has no general.architecture", fix="export it again")
    if read.architecture in NO_CACHE | UNKNOWN:
        what = "has no KV cache" if read.architecture in NO_CACHE else "has a cache of a kind that is not reckoned here"
        raise BadRequest(f"{read.name}: {read.architecture} {what}", fix="give layers, kv_heads and head_dim of its attention layers")


def _layers(read: Keys) -> tuple[Layer, ...]:
    count = whole(read.need("block_count") - read.number("nextn_predict_layers", 0), f"{read.name}: block_count", most=MOST_LAYERS)
    state = _state(read)
    if read.architecture in RECURRENT:
        return (Layer(state=state),) * count
    latent = _latent(read)
    if latent:
        heads = max(read.each("attention.head_count", count, 0))
        expanded = heads * (latent.nope + latent.rope + latent.value)
        return (Layer(1, read.need("attention.key_length"), 0, expanded=expanded),) * count
    return _mixed(read, count, state)


def _mixed(read: Keys, count: int, state: int) -> tuple[Layer, ...]:
    heads = read.each("attention.head_count", count, 0)
    kv_heads = read.each("attention.head_count_kv", count, max(heads))
    usual = read.need("embedding_length") // max(heads) if max(heads) else 0
    key, value = read.number("attention.key_length", usual), read.number("attention.value_length", usual)
    narrow_key, narrow_value = read.number("attention.key_length_swa", key), read.number("attention.value_length_swa", value)
    slides, window = _sliding(read, count), read.number("attention.sliding_window", 4096 if read.architecture == "gemma2" else 0)
    own = SHARED_FROM.get(read.architecture, count - read.number("attention.shared_kv_layers", 0))
    recurrent = _recurrent(read, count, kv_heads)
    made = []
    for i in range(count):
        kept = state if recurrent[i] else 0
        if not kv_heads[i] or (recurrent[i] and read.architecture not in BOTH):
            made.append(Layer(state=kept))
        elif slides[i]:
            made.append(Layer(kv_heads[i], narrow_key, narrow_value, window, state=kept, shared=i >= own))
        else:
            made.append(Layer(kv_heads[i], key, value, state=kept, shared=i >= own))
    return tuple(made)


def _sliding(read: Keys, count: int) -> list[bool]:
    """Which layers have a window: as the file lists them, or by the pattern of the architecture."""
    if not read.number("attention.sliding_window", 0) and read.architecture != "gemma2":
        return [False] * count
    listed = read.lists.get(f"{read.architecture}.attention.sliding_window_pattern")
    if listed is not None and len(listed) >= count:
        return [bool(value) for value in listed[:count]]
    if read.architecture not in PATTERNS:
        return [False] * count
    period, dense_first = PATTERNS[read.architecture]
    period = read.number("attention.sliding_window_pattern", period)
    return [period == 0 or (i % period != 0 if dense_first else i % period < period - 1) for i in range(count)]


def _recurrent(read: Keys, count: int, kv_heads: list[int]) -> list[bool]:
    if read.architecture in BOTH:
        return [True] * count
    listed = read.lists.get(f"{read.architecture}.attention.recurrent_layers")
    if listed is not None and len(listed) >= count:
        return [bool(value) for value in listed[:count]]
    if every := read.number("full_attention_interval", 4 if read.architecture in ("qwen3next", "qwen35", "qwen35moe") else 0):
        return [(i + 1) % every != 0 for i in range(count)]
    return [heads == 0 for heads in kv_heads]


def _state(read: Keys) -> int:
    """Numbers that a recurrent layer keeps for one sequence: what its convolution looks back to, and the state itself."""
    hidden = read.need("embedding_length")
    if size := read.number("wkv.head_size", 0):
        return read.number("token_shift_count", 2) * hidden + hidden * size
    if cache := read.number("shortconv.l_cache", 0):
        return hidden * (cache - 1)
    if size := read.number("kda.head_dim", 0):
        heads = max(read.each("attention.head_count", read.need("block_count"), 0))
        return 3 * max(read.number("ssm.conv_kernel", 4) - 1, 0) * heads * size + size * size * heads
    inner, state = read.number("ssm.inner_size", 0), read.number("ssm.state_size", 0)
    convolution = max(read.number("ssm.conv_kernel", 1) - 1, 0) * (inner + 2 * read.number("ssm.group_count", 0) * state)
    return convolution + state * inner


def _latent(read: Keys) -> Latent | None:
    """Of files that keep the latent vector; older ones without `key_length_mla` keep keys and values of every head."""
    key, value = read.number("attention.key_length_mla", 0), read.number("attention.value_length_mla", 0)
    if not (key and value):
        return None
    rope = read.number("rope.dimension_count", 0)
    return Latent(read.need("attention.kv_lora_rank"), read.number("attention.q_lora_rank", 0), rope, key - rope, value)
