"""The shape of a model: what of it decides how much memory it takes and how fast it can be.

Two facts to know. A layer is described by what it keeps for each token (keys and values), for each sequence (a recurrent
state), or not at all (it shares the cache of an earlier layer); a model is a list of layers, as hybrids mix them. And a
number that cannot be is refused here, once: no other formula looks again.

Where the numbers come from: `configs` (config.json), `gguf_keys` (a GGUF header), `known` (a table of well-known models), or the
caller's own. NOT here: encoders, and vision or audio towers beside a language model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from modelwright.errors import BadRequest

MOST_LAYERS, MOST_NUMBER = 2_000, 1 << 40


@dataclass(frozen=True)
class Layer:
    """What one layer keeps. All numbers are of elements, not bytes."""

    kv_heads: int = 0
    key_dim: int = 0
    """of one head; for multi-head latent attention the latent and the rotary part together"""
    value_dim: int = 0
    """of one head; 0 for latent attention, whose values are read from the keys"""
    window: int = 0
    """tokens that it looks back to; 0 is all"""
    expanded: int = 0
    """keys and values of one token where an engine does not keep them latent; 0 means as above"""
    state: int = 0
    """of one sequence, in float32, however long it is"""
    shared: bool = False
    """it reads the cache of an earlier layer"""

    @property
    def keys(self) -> int:
        return 0 if self.shared else self.kv_heads * self.key_dim

    @property
    def values(self) -> int:
        return 0 if self.shared else self.kv_heads * self.value_dim

    @property
    def is_latent(self) -> bool:
        return self.expanded > 0


@dataclass(frozen=True)
class Weight:
    """A weight matrix as ggml counts it: `dims[0]` is the row length. `type` is what a file stores it in, if a file is known."""

    name: str
    dims: tuple[int, ...]
    type: str = ""

    @property
    def elements(self) -> int:
        product = 1
        for size in self.dims:
            product *= size
        return product


@dataclass(frozen=True)
class Experts:
    """A mixture of experts: `used` of `count` for each token, each with an inner width; the first layers may be dense."""

    count: int
    used: int
    inner: int
    shared_inner: int = 0
    dense_layers: int = 0


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): ranks and head parts."""

    kv_rank: int
    query_rank: int
    rope: int
    nope: int
    value: int


@dataclass(frozen=True)
class ModelShape:
    """A decoder-only language model."""

    name: str
    layers: tuple[Layer, ...]
    architecture: str = ""
    """as llama.cpp calls it: llama, qwen2, gemma3 …; empty for bare numbers"""
    hidden: int = 0
    inner: int = 0
    heads: int = 0
    vocabulary: int = 0
    context: int = 0
    """tokens that it was trained for; 0 is unknown"""
    tied: bool = True
    experts: Experts | None = None
    latent: Latent | None = None
    ssm: dict[str, int] = field(default_factory=dict)
    """of recurrent layers, by GGUF key: conv_kernel, inner_size, state_size, time_step_rank, group_count, l_cache"""
    window: int = 0
    weights: tuple[Weight, ...] = ()
    """from a file; empty when only a config is known"""
    parameters: int = 0
    """from a file; 0 means: count them by `layout`"""
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def attention_layers(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.keys)

    @property
    def head_dim(self) -> int:
        return max((layer.key_dim for layer in self.layers), default=0)

    @property
    def kv_heads(self) -> int:
        return max((layer.kv_heads for layer in self.layers), default=0)


def whole(value: object, what: str, *, most: int = MOST_NUMBER, least: int = 1) -> int:
    """`value` as an integer from `least` to `most`. Raises BadRequest naming `what`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequest(f"{what} is {value!r:.60}, not a whole number")
    if not least <= value <= most:
        raise BadRequest(f"{what} is {value}, and has to be from {least} to {most}")
    return value


def explicit(layers: int, kv_heads: int, head_dim: int, *, window: int = 0) -> ModelShape:
    """A model of which only its cache is known: equal layers of grouped-query attention."""
    count = whole(layers, "layers", most=MOST_LAYERS)
    heads, size = whole(kv_heads, "kv_heads", most=4096), whole(head_dim, "head_dim", most=65_536)
    return ModelShape(
        name=f"{count} layers of {heads} heads of {size}", layers=(Layer(heads, size, size, window),) * count, source="numbers given"
    )
