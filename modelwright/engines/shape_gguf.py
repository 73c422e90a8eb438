"""A GGUF file that has a model's shape and no weights: keys, tensor names and sizes, then a hole of the right length.

llama.cpp and its quantizer answer questions about memory from such a file as from the real one (`no_alloc`, `dry_run`), and it
takes a few kB on disk however large the model is, as the file system stores no zeros. It has no vocabulary. Only
architectures that `sizing.layout` lays out; needs the package gguf. Never load it to generate text.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from modelwright.files import clear_os_errors
from modelwright.sizing import layout
from modelwright.sizing.shapes import ModelShape, Weight


def write(shape: ModelShape, path: Path) -> Path:
    """Write `path` in F16 (vectors, norms and routers in F32, as the converter does)."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    _keys(writer, shape)
    size = 0
    for weight in layout.weights(shape):
        kind = np.float32 if _stays_float32(weight) else np.float16
        count = weight.elements * np.dtype(kind).itemsize
        writer.add_tensor_info(weight.name, tuple(reversed(weight.dims)), np.dtype(kind), count)
        size += -(-count // 32) * 32
    with clear_os_errors(path):
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        os.truncate(path, -(-path.stat().st_size // 32) * 32 + size)
    return path


def _stays_float32(weight: Weight) -> bool:
    kept = ("_norm.weight", "ffn_gate_inp.weight", "ssm_conv1d.weight", "shortconv.conv.weight", "ssm_a", "ssm_d")
    return len(weight.dims) == 1 or not weight.name.endswith("weight") or weight.name.endswith(kept)


def _keys(writer: Any, shape: ModelShape) -> None:
    count = len(shape.layers)
    writer.add_block_count(count)
    writer.add_context_length(shape.context or 4096)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.inner)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("no_vocab")
    if shape.heads:
        _attention(writer, shape)
    for key, value in shape.ssm.items():
        writer.add_uint32(f"{shape.architecture}.{'shortconv' if key == 'l_cache' else 'ssm'}.{key}", value)
    if shape.experts:
        _experts(writer, shape)


def _attention(writer: Any, shape: ModelShape) -> None:
    heads = [layer.kv_heads for layer in shape.layers]
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(heads[0] if len(set(heads)) == 1 else heads)
    layer = shape.attention_layers[0]
    writer.add_key_length(layer.key_dim)
    writer.add_value_length(shape.latent.kv_rank if shape.latent else layer.value_dim)
    writer.add_rope_dimension_count(shape.latent.rope if shape.latent else layer.key_dim)
    if shape.window:
        writer.add_sliding_window(shape.window)
    if shape.latent:
        writer.add_kv_lora_rank(shape.latent.kv_rank)
        if shape.latent.query_rank:
            writer.add_q_lora_rank(shape.latent.query_rank)
        writer.add_key_length_mla(shape.latent.nope + shape.latent.rope)
        writer.add_value_length_mla(shape.latent.value)


def _experts(writer: Any, shape: ModelShape) -> None:
    experts = shape.experts
    assert experts is not None
    writer.add_expert_count(experts.count)
    writer.add_expert_used_count(experts.used)
    writer.add_expert_feed_forward_length(experts.inner)
    writer.add_leading_dense_block_count(experts.dense_layers)
    writer.add_expert_weights_scale(1.0)
    writer.add_expert_shared_count(experts.shared_inner // experts.inner if experts.shared_inner else 0)
