"""The KV cache of llama.cpp: every row of the table of measured sizes, the rules of padding, and what grows with what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.errors import BadRequest
from modelwright.sizing import known, kv, kv_engines
from modelwright.sizing.kv import CACHE_TYPES, LlamaCpp
from modelwright.sizing.shapes import ModelShape, explicit

MIB = 2**20
MEASURED = [
    ("SmolLM2-135M", 8192, "f16", True, 180.00),
    ("SmolLM2-135M", 8192, "f16", False, 180.00),
    ("Qwen2.5-0.5B", 32768, "f16", False, 384.00),
    ("Qwen2.5-0.5B", 32768, "q8_0", False, 204.00),
    ("Qwen3-0.6B", 40960, "f16", False, 4480.00),
    ("Llama-3.1-8B", 8192, "f16", False, 1024.00),
    ("Llama-3.1-8B", 8192, "q8_0", False, 544.00),
    ("Llama-3.1-8B", 8192, "q4_0", False, 288.00),
    ("Llama-3.1-8B", 4096, "q5_0", False, 176.00),
    ("Llama-3.1-8B", 131072, "f16", False, 16384.00),
    ("Mistral-7B-v0.1", 8192, "f16", False, 1024.00),
    ("Gemma-2-9B", 8192, "f16", True, 2688.00),
    ("Gemma-2-9B", 8192, "f16", False, 2100.00),
    ("Gemma-3-1B", 32768, "f16", True, 832.00),
    ("Gemma-3-1B", 32768, "f16", False, 150.00),
    ("Gemma-3-27B", 131072, "f16", True, 63488.00),
    ("Gemma-3-27B", 131072, "f16", False, 10864.00),
    ("DeepSeek-V3", 4096, "f16", False, 274.50),
    ("DeepSeek-V3", 4096, "q8_0", False, 145.83),
]
"""name, context, cache type, swa_full, MiB: as llama.cpp allocated them"""


@pytest.mark.parametrize(("name", "context", "kind", "swa_full", "mib"), MEASURED)
def test_the_cache_is_what_llama_cpp_allocated(name: str, context: int, kind: str, swa_full: bool, mib: float) -> None:
    cache = kv.llama_cpp(known.get(name), context, LlamaCpp(kind, kind, swa_full=swa_full))
    assert round(cache.bytes / MIB, 2) == mib
    assert sum(cache.parts.values()) == cache.bytes


@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [
        ("SmolLM2-135M", 23_040),
        ("Qwen2.5-0.5B", 12_288),
        ("Qwen3-0.6B", 114_688),
        ("Llama-3.1-8B", 131_072),
        ("Gemma-2-9B", 344_064),
        ("Gemma-3-1B", 26_624),
        ("Gemma-3-27B", 507_904),
        ("DeepSeek-V3", 70_272),
    ],
)
def test_a_token_takes_what_the_table_says(name: str, bytes_per_token: int) -> None:
    assert kv.llama_cpp(known.get(name), 4096).bytes_per_token == bytes_per_token


@pytest.mark.parametrize(
    ("name", "context", "mib"),
    [
        ("SmolLM2-135M", 8192, 180.0),
        ("Llama-3.1-8B", 8192, 1024.0),
        ("Mistral-7B-v0.1", 8192, 770.0),
        ("Gemma-2-9B", 8192, 2354.62),
        ("Gemma-3-1B", 32768, 183.34),
        ("Gemma-3-27B", 131072, 11494.5),
        ("DeepSeek-V3", 4096, 274.5),
    ],
)
def test_vllm_gives_pages_of_sixteen_tokens_and_windows_room_for_a_chunk(name: str, context: int, mib: float) -> None:
    assert round(kv_engines.vllm(known.get(name), context).bytes / MIB, 2) == pytest.approx(mib, abs=0.01)


def test_three_sequences_of_8192_tokens_get_2816_each() -> None:
    cache = kv.llama_cpp(known.get("Llama-3.1-8B"), 8192, LlamaCpp(sequences=3))
    assert cache.tokens == 2816
    assert cache.bytes == 131_072 * 8448


def test_a_thousand_tokens_take_1024_cells() -> None:
    assert kv.llama_cpp(known.get("SmolLM2-135M"), 1000).tokens == 1024


def test_a_recurrent_model_takes_the_same_for_any_context_and_more_for_more_sequences() -> None:
    mamba = known.get("Mamba-130M")
    assert kv.llama_cpp(mamba, 512).bytes == kv.llama_cpp(mamba, 65536).bytes == 2_801_664
    assert kv.llama_cpp(mamba, 512, LlamaCpp(sequences=2)).bytes == 2 * 2_801_664


def test_transformers_expands_latent_attention() -> None:
    assert kv_engines.transformers(known.get("DeepSeek-V3"), 1).bytes == 61 * 128 * (128 + 64 + 128) * 2


def test_concurrency_is_the_pages_over_those_of_one_request() -> None:
    llama = known.get("Llama-3.1-8B")
    assert kv_engines.vllm_concurrency(llama, 8192, 10 * 1024 * MIB) == pytest.approx(10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (LlamaCpp("q8_0", "q8_0", flash_attention=False), "needs flash attention"),
        (LlamaCpp("q3_k", "f16"), "no cache type"),
        (LlamaCpp(sequences=300), "from 1 to 256"),
    ],
)
def test_what_llama_cpp_refuses_is_refused(settings: LlamaCpp, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        kv.llama_cpp(known.get("SmolLM2-135M"), 4096, settings)


def test_heads_of_80_cannot_be_stored_in_blocks_of_32() -> None:
    with pytest.raises(BadRequest, match="heads of 80 are no multiple"):
        kv.llama_cpp(explicit(2, 2, 80), 256, LlamaCpp("q8_0", "q8_0"))


def test_latent_attention_has_one_type_for_keys_and_values() -> None:
    with pytest.raises(BadRequest, match="one type, not q8_0 and f16"):
        kv.llama_cpp(known.get("DeepSeek-V3"), 4096, LlamaCpp("q8_0", "f16"))


SHAPES = st.builds(explicit, st.integers(1, 80), st.integers(1, 64), st.sampled_from([32, 64, 96, 128, 256]))


@given(SHAPES, st.integers(1, 1 << 20), st.integers(1, 1 << 16), st.sampled_from(CACHE_TYPES), st.integers(1, 64))
def test_longer_sequences_or_one_more_never_take_less(shape: ModelShape, context: int, more: int, kind: str, sequences: int) -> None:
    def size(tokens: int, count: int) -> int:
        return kv.llama_cpp(shape, tokens * count, LlamaCpp(kind, kind, sequences=count)).bytes

    now = size(context, sequences)
    assert now >= kv.llama_cpp(shape, 1, LlamaCpp(kind, kind)).bytes_per_token * context * sequences
    assert size(context + more, sequences) >= now
    assert size(context, sequences + 1) >= now
