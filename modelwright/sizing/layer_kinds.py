"""What kind each layer of a model is, from its `config.json`: full, sliding or linear attention, or a convolution.

Two facts to know. Newer configs list it (`layer_types`); older ones leave it to a rule of the family that stands in transformers'
source only. And where neither says which layers have the window, all count with the whole context: too much, never too little.

Source: the layer_types rules of transformers' configuration_*.py. NOT here: what a layer of each kind keeps (`configs`).
"""

from __future__ import annotations

from collections.abc import Callable

from modelwright.errors import BadRequest
from modelwright.sizing.config_fields import Fields
from modelwright.sizing.shapes import whole

ALL_SLIDE = frozenset({"mistral", "mixtral", "ministral", "phi3", "starcoder2"})
"""whose every layer has the window that the config gives"""


def layer_kinds(fields: Fields, kind: str, count: int) -> list[str]:
    """One word a layer: as the config lists them, or by the family's rule."""
    listed = fields.values.get("layer_types")
    if listed is not None:
        if not isinstance(listed, list) or len(listed) != count:
            raise BadRequest(f"{fields.name}: layer_types does not name {count} layers")
        return [str(item) for item in listed]
    if kind == "lfm2":
        return ["full_attention" if index in _attention_places(fields, count) else "conv" for index in range(count)]
    if fields.has("linear_num_value_heads"):
        every = fields.number("full_attention_interval", 4) or 4
        return ["full_attention" if (index + 1) % every == 0 else "linear_attention" for index in range(count)]
    if not fields.number("sliding_window", 0) or fields.values.get("use_sliding_window") is False or is_vague(fields, kind):
        return ["full_attention"] * count
    slides = SLIDING.get(kind)
    return ["sliding_attention" if slides is None or slides(index, fields) else "full_attention" for index in range(count)]


def is_vague(fields: Fields, kind: str) -> bool:
    """It has a window, and neither the config nor its family says which layers keep to it."""
    known = kind in SLIDING or kind in ALL_SLIDE or fields.has("layer_types")
    return bool(fields.number("sliding_window", 0)) and fields.values.get("use_sliding_window") is not False and not known


def _attention_places(fields: Fields, count: int) -> list[int]:
    """Layers of an LFM2 with attention; without a list all of them (Lfm2Config)."""
    places = fields.values.get("full_attn_idxs")
    if places is None:
        return list(range(count))
    if not isinstance(places, list):
        raise BadRequest(f"{fields.name}: full_attn_idxs is {places!r:.40}, not a list of layers")
    return [whole(place, f"{fields.name}: full_attn_idxs", least=0, most=count - 1) for place in places]


def _every(otherwise: int) -> Callable[[int, Fields], bool]:
    """All slide but one in so many: as sliding_window_pattern says, else as the family does."""

    def slides(index: int, fields: Fields) -> bool:
        given = fields.values.get("sliding_window_pattern")
        period = fields.number("sliding_window_pattern", otherwise) if not isinstance(given, str) else len(given)
        return (index + 1) % (period or otherwise) != 0

    return slides


SLIDING: dict[str, Callable[[int, Fields], bool]] = {
    "gemma2": lambda index, fields: index % 2 == 0,
    "gemma3": _every(6),
    "gemma3_text": _every(6),
    "gemma3n": _every(5),
    "gemma3n_text": _every(5),
    "cohere2": _every(4),
    "exaone4": _every(4),
    "olmo3": _every(4),
    "gpt_oss": lambda index, fields: index % 2 == 0,
    "qwen2": lambda index, fields: bool(fields.values.get("use_sliding_window")) and index >= fields.number("max_window_layers", 0),
    "qwen3": lambda index, fields: bool(fields.values.get("use_sliding_window")) and index >= fields.number("max_window_layers", 0),
    "qwen3_moe": lambda index, fields: bool(fields.values.get("use_sliding_window")),
}
"""which layers slide where the config does not list them"""
