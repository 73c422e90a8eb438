"""Shapes from config.json: every kind of layer, and clear words about what is missing or unknown."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright.errors import BadRequest
from modelwright.sizing import kv
from modelwright.sizing.configs import from_config
from modelwright.sizing.shapes import explicit

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
}


def test_head_dim_is_taken_where_it_stands_and_else_computed() -> None:
    assert from_config(LLAMA, "m").head_dim == 64
    assert from_config({**LLAMA, "head_dim": 128}, "m").head_dim == 128
    assert from_config({**LLAMA, "head_dim": None}, "m").head_dim == 64


def test_without_key_value_heads_every_head_has_its_own() -> None:
    config = {key: value for key, value in LLAMA.items() if key != "num_key_value_heads"}
    assert from_config(config, "m").kv_heads == 8


def test_layers_that_share_a_cache_cost_nothing() -> None:
    shape = from_config({**LLAMA, "model_type": "gemma3n", "num_kv_shared_layers": 2, "sliding_window": 0}, "m")
    assert kv.llama_cpp(shape, 256).bytes == 2 * 256 * 2 * 64 * 2 * 2


def test_a_hybrid_has_caches_for_its_attention_layers_and_states_for_the_others() -> None:
    config = {
        **LLAMA,
        "model_type": "qwen3_next",
        "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 16,
        "linear_num_value_heads": 4,
        "linear_value_head_dim": 16,
        "linear_conv_kernel_dim": 4,
    }
    cache = kv.llama_cpp(from_config(config, "m"), 256)
    state = 3 * (4 * 16 + 2 * 2 * 16) + 4 * 16 * 16
    assert cache.parts["recurrent"] == 3 * state * 4
    assert cache.parts["full_attention"] == 256 * 2 * 64 * 2 * 2


def test_a_hybrid_whose_config_lists_no_layers_follows_the_rule_of_its_family() -> None:
    delta = {f"linear_{name}": 2 for name in ("num_key_heads", "key_head_dim", "num_value_heads", "value_head_dim", "conv_kernel_dim")}
    layers = from_config({**LLAMA, **delta, "model_type": "qwen3_next", "num_hidden_layers": 8}, "m").layers
    assert [bool(layer.keys) for layer in layers] == [False, False, False, True] * 2
    lfm2 = {**LLAMA, "model_type": "lfm2", "conv_L_cache": 3, "full_attn_idxs": [2], "block_ff_dim": 6656}
    shape = from_config(lfm2, "m")
    assert [bool(layer.keys) for layer in shape.layers] == [False, False, True, False]
    assert shape.inner == 4608  # two thirds of 6656, rounded up to a multiple of 256
    assert from_config({**lfm2, "block_auto_adjust_ff_dim": False}, "m").inner == 6656


def test_a_window_slides_where_the_family_says_so_and_counts_whole_where_nobody_says_which_layers() -> None:
    slid = {**LLAMA, "sliding_window": 128}
    assert [layer.window for layer in from_config({**slid, "model_type": "cohere2"}, "m").layers] == [128, 128, 128, 0]
    assert [layer.window for layer in from_config({**slid, "model_type": "exaone4", "sliding_window_pattern": "LG"}, "m").layers] == [
        128,
        0,
    ] * 2
    assert [layer.window for layer in from_config({**slid, "model_type": "mistral"}, "m").layers] == [128] * 4
    unknown = from_config({**slid, "model_type": "newcomer"}, "m")
    assert [layer.window for layer in unknown.layers] == [0] * 4
    assert any("window of 128 is not known" in note for note in unknown.notes)


def test_a_vision_model_is_reckoned_by_its_text_part() -> None:
    assert from_config({"model_type": "gemma3", "text_config": {**LLAMA, "model_type": "gemma3_text"}}, "m").kv_heads == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": None}, "has no num_hidden_layers"),
        ({"num_attention_heads": None}, "has no num_attention_heads"),
        ({"num_hidden_layers": -3}, "num_hidden_layers is -3"),
        ({"num_hidden_layers": 10**9}, "has to be from 1 to 2000"),
        ({"hidden_size": "many"}, "not a whole number"),
        ({"hidden_size": 500}, "no multiple of 8 heads"),
        ({"num_key_value_heads": 3}, "8 heads cannot share 3"),
        ({"layer_types": ["full_attention"]}, "does not name 4 layers"),
        ({"layer_types": ["lightning"] * 4}, "'lightning', which is not known here"),
        ({"model_type": "kimi_linear", "linear_attn_config": {}}, "linear_attn_config describes layers"),
        ({"kv_lora_rank": 512}, "has no qk_rope_head_dim"),
        ({"model_type": "deepseek_v32", "index_head_dim": 128}, "index_head_dim describes layers"),
        ({"model_type": "lfm2", "full_attn_idxs": [9]}, "full_attn_idxs is 9"),
        ({"model_type": "lfm2", "full_attn_idxs": 2}, "not a list of layers"),
        ({"model_type": "lfm2", "block_ffn_dim_multiplier": "x", "conv_L_cache": 3, "full_attn_idxs": []}, "not a factor"),
    ],
)
def test_what_is_missing_or_unknown_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        from_config({**LLAMA, **changes}, "m")


def test_a_list_is_no_config() -> None:
    with pytest.raises(BadRequest, match="no JSON object"):
        from_config([], "m")  # type: ignore[arg-type]


@pytest.mark.parametrize("numbers", [(0, 8, 128), (32, -1, 128), (32, 8, 10**9)])
def test_impossible_numbers_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(BadRequest, match="has to be from 1"):
        explicit(*numbers)
