"""Rows are reordered per head, names and types are right, and the configuration's traps are refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelwright.engines import gguf_header, gguf_write
from modelwright.errors import BadRequest, ModelRefError
from tests.engines import tiny


def test_reordering_interleaves_the_halves_of_each_head() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]  # two heads of four rows
    assert gguf_write.reorder_rows(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert gguf_write.reorder_rows(rows, 0) is rows


@pytest.mark.parametrize(
    ("family", "source", "heads"),
    [
        ("llama", "model.layers.0.self_attn.q_proj.weight", 4),
        ("llama", "model.layers.0.self_attn.k_proj.bias", 2),
        ("llama", "model.layers.0.self_attn.v_proj.weight", 0),
        ("qwen2", "model.layers.0.self_attn.q_proj.weight", 0),
        ("qwen3", "model.layers.0.self_attn.k_proj.weight", 0),
    ],
)
def test_only_q_and_k_of_llama_are_reordered(family: str, source: str, heads: int) -> None:
    config = SimpleNamespace(model_type=family, num_attention_heads=4, num_key_value_heads=2)
    assert gguf_write.reordered_heads(config, source) == heads


def test_a_head_may_be_larger_than_its_share_of_the_model() -> None:
    assert gguf_write.head_dim(SimpleNamespace(head_dim=128, hidden_size=1024, num_attention_heads=16)) == 128
    assert gguf_write.head_dim(SimpleNamespace(head_dim=None, hidden_size=1024, num_attention_heads=16)) == 64


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "stored"),
    [
        ("blk.0.attn_norm.weight", (64,), "f16", "f32"),
        ("blk.0.attn_q.bias", (64,), "q8_0", "f32"),
        ("blk.0.ffn_up.weight", (128, 64), "q8_0", "q8_0"),
        ("blk.0.ffn_up.weight", (128, 40), "q8_0", "f16"),
    ],
)
def test_what_stays_wide(name: str, shape: tuple[int, ...], dtype: str, stored: str) -> None:
    assert gguf_write.stored_type(name, shape, dtype) == stored


def test_a_tied_head_is_written_once(tmp_path: Path) -> None:
    model = tiny.make(tmp_path / "model", tie_word_embeddings=True)
    gguf_write.write(model, tiny.tokenizer_for("llama"), tmp_path / "a.gguf", dtype="f16", name="a", progress=lambda *a, **k: None)
    header = gguf_header.read(tmp_path / "a.gguf")
    assert "output.weight" not in {tensor.name for tensor in header.tensors}
    assert header.keys["llama.attention.head_count_kv"] == 2
    assert header.keys["general.file_type"] == 1


def changed_config(model: Path, **changes: Any) -> Path:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, **changes}))
    return model


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "gemma3"}, "llama, qwen2, qwen3"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"quantization_config": {"bits": 4}}, "quantized already"),
    ],
)
def test_what_would_come_out_wrong_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=said):
        gguf_write.read_config(changed_config(tiny.make(tmp_path / "model"), **changes))


def test_a_sliding_window_is_refused(tmp_path: Path) -> None:
    model = changed_config(tiny.make(tmp_path / "model", "qwen2"), use_sliding_window=True)
    with pytest.raises(BadRequest, match="sliding window"):
        gguf_write.read_config(model)


@pytest.mark.parametrize("content", ["", "{", "\x00\x01"])
def test_a_broken_config_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelRefError, match=r"config\.json cannot be read"):
        gguf_write.read_config(tmp_path)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelRefError, match="pickled weights are not read"):
        gguf_write.safetensors_files(tmp_path)
