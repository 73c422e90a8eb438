"""Which type llama.cpp gives each matrix of a file type: the rules of its mixes.

Read in the order that llama.cpp walks the tensors (by layer, then by name), because some rules count: the first two value
matrices of a Q3_K_M are Q5_K, the rest Q4_K. Source: llama-quant.cpp, `llama_tensor_get_type_impl`, without importance matrix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.sizing.blocks import BLOCKS
from modelwright.sizing.shapes import Weight

DEFAULTS = {
    **{name: name for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q6_K", "Q2_K", "TQ1_0", "TQ2_0")},
    **{name: name for name in ("IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M")},
    "Q2_K_S": "Q2_K",
    **dict.fromkeys(("Q3_K_S", "Q3_K_M", "Q3_K_L"), "Q3_K"),
    **dict.fromkeys(("Q4_K_S", "Q4_K_M"), "Q4_K"),
    **dict.fromkeys(("Q5_K_S", "Q5_K_M"), "Q5_K"),
    "IQ3_XS": "IQ3_S",
    "IQ3_M": "IQ3_S",
    "IQ2_S": "IQ2_XS",
    "IQ2_M": "IQ2_S",
}
"""file type -> the type of a matrix that no rule names"""
LOW = frozenset({"IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ1_S", "IQ1_M"})
NEEDS_IMATRIX = re.compile(r"IQ1|IQ2|IQ3_XXS|Q2_K_S")
"""File types that llama.cpp does not write without an importance matrix."""
MEDIUM_LOW = frozenset({"IQ2_S", "IQ2_M"})


@dataclass(frozen=True)
class Traits:
    """What of a model the rules look at."""

    architecture: str
    layers: int
    queries_per_kv_head: int
    experts: int = 0
    is_70b: bool = False
    """80 layers with grouped queries"""


def category(name: str) -> str:
    """What a matrix does, by its name."""
    if name == "output.weight":
        return "output"
    if name in ("token_embd.weight", "per_layer_token_embd.weight"):
        return "embedding"
    for mark in ("attn_qkv", "attn_kv_b", "attn_v", "attn_k", "attn_q", "attn_output"):
        if f"{mark}.weight" in name:
            return mark
    return next((mark for mark in ("ffn_up", "ffn_gate", "ffn_down") if mark in name), "other")


VALUES = frozenset({"attn_v", "attn_qkv", "attn_kv_b"})


class Mixer:
    """Chooses types for the weights of one model, in order."""

    def __init__(self, file_type: str, traits: Traits, weights: Sequence[Weight]) -> None:
        self.file_type, self.traits = file_type, traits
        self.tied = not any(weight.name == "output.weight" for weight in weights)
        self.value_count = sum(category(weight.name) in VALUES for weight in weights)
        self.values_seen = self.downs_seen = 0

    def choose(self, weight: Weight) -> str:
        """The type that the mix wants, before a row that does not fit makes it fall back."""
        kind = category(weight.name)
        if kind == "output" or (kind == "embedding" and self.tied):
            return self._output(weight)
        if kind == "embedding":
            return self._embedding()
        if self.file_type in LOW:
            return self._low(kind)
        if kind in VALUES:
            return self._values(kind)
        if kind == "ffn_down":
            return self._down(weight)
        return self._rest(kind, weight)

    @property
    def default(self) -> str:
        return DEFAULTS[self.file_type]

    def _output(self, weight: Weight) -> str:
        if weight.dims[0] % BLOCKS[self.default][0]:
            return "Q8_0"
        if self.file_type in LOW or self.file_type == "IQ3_XXS":
            return "Q5_K"
        return "Q8_0" if self.default == "Q8_0" else "Q6_K"

    def _embedding(self) -> str:
        if self.file_type in ("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"):
            return "Q2_K"
        if self.file_type in (*MEDIUM_LOW, "IQ3_XXS"):
            return "IQ3_S"
        return "Q4_K" if self.file_type in ("TQ1_0", "TQ2_0") else self.default

    def _low(self, kind: str) -> str:
        """Of the types below three bits."""
        better = "IQ3_S" if self.file_type in MEDIUM_LOW else "Q2_K"
        if kind in VALUES:
            self.values_seen += 1
            return "Q4_K" if self.traits.queries_per_kv_head >= 4 or self.traits.experts >= 4 else better
        if kind == "attn_k" and self.traits.experts == 8:
            return "Q4_K"
        if kind == "ffn_down":
            self.downs_seen += 1
            return better if self.downs_seen - 1 < self.traits.layers // 8 else self.default
        if kind == "attn_output":
            if self.traits.experts == 8:
                return "Q5_K"
            return "IQ2_XXS" if self.file_type in ("IQ1_S", "IQ1_M") else better if self.file_type in MEDIUM_LOW else self.default
        return self.default

    def _values(self, kind: str) -> str:
        index, self.values_seen = self.values_seen, self.values_seen + 1
        chosen = self._value_type(index)
        if self.traits.is_70b and chosen in ("Q3_K", "Q4_K"):
            chosen = "Q5_K"
        return "Q8_0" if self.traits.experts == 8 else chosen

    def _value_type(self, index: int) -> str:
        many = self.traits.queries_per_kv_head >= 4
        by_type = {
            "Q2_K": "Q4_K" if many else "Q3_K",
            "Q2_K_S": "Q4_K" if many else "Q2_K",
            "IQ3_XXS": "Q4_K" if many else "IQ3_S",
            "IQ3_XS": "Q4_K" if many else self.default,
            "IQ3_S": "Q4_K" if many else self.default,
            "IQ3_M": "Q4_K",
            "Q3_K_M": "Q5_K" if index < 2 else "Q4_K",
            "Q3_K_L": "Q5_K",
            "IQ4_NL": "Q5_K" if many else self.default,
            "IQ4_XS": "Q5_K" if many else self.default,
            "Q4_K_S": "Q5_K" if index < 4 else self.default,
        }
        if self.file_type in ("Q4_K_M", "Q5_K_M"):
            return "Q6_K" if _more_bits(index, self.value_count) else self.default
        return by_type.get(self.file_type, self.default)

    def _down(self, weight: Weight) -> str:
        index, self.downs_seen = self.downs_seen, self.downs_seen + 1
        count = self.traits.layers
        if self.traits.experts > 1:
            index = int((re.match(r"blk\.(\d+)\.", weight.name) or [0, 0])[1])
        early, more = index < count // 8, _more_bits(index, count)
        rules = {
            "Q2_K": "Q3_K",
            "Q2_K_S": "Q4_K" if early else "Q2_K",
            "IQ3_XXS": "Q4_K" if early else "Q3_K",
            "Q3_K_M": "Q5_K" if index < count // 16 else "Q4_K",
            "IQ3_M": "Q4_K" if early or (self.traits.experts == 8 and more) else self.default,
            "Q3_K_L": "Q5_K",
            "Q4_K_M": "Q6_K" if more else self.default,
            "Q5_K_M": "Q6_K" if more else self.default,
            "Q4_K_S": "Q5_K" if early else self.default,
            "IQ4_NL": "Q5_K" if early else self.default,
            "IQ4_XS": "Q5_K" if early else self.default,
        }
        return rules.get(self.file_type, self.default)

    def _rest(self, kind: str, weight: Weight) -> str:
        if kind == "attn_output":
            return self._attention_output()
        if kind in ("attn_k", "attn_q"):
            if kind == "attn_k" and self.traits.experts == 8:
                return "Q8_0"
            return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(self.file_type, self.default)
        if kind in ("ffn_gate", "ffn_up") and self.file_type == "IQ3_XS":
            layer = int((re.match(r"blk\.(\d+)\.", weight.name) or [0, 0])[1])
            return "IQ3_XXS" if self.traits.layers // 8 <= layer < 7 * self.traits.layers // 8 else self.default
        return self.default

    def _attention_output(self) -> str:
        if self.traits.experts == 8:
            raised = ("Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ3_S", "IQ3_M", "IQ4_XS")
            return "Q5_K" if self.file_type in raised else self.default
        rules = {"Q2_K": "Q3_K", "IQ3_XXS": "IQ3_S", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K", "IQ3_M": "Q4_K"}
        return rules.get(self.file_type, self.default)


def _more_bits(index: int, count: int) -> bool:
    """The first and last eighth, and every third between them."""
    return index < count // 8 or index >= 7 * count // 8 or (index - count // 8) % 3 == 2
