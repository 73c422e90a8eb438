"""kv_cache on the built-in model, on configs, on names and on bare numbers; its limits are true limits, and bad input is one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.errors import BadRequest, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.modelrefs import builtin_gguf
from modelwright.tools.kv_cache import Args, Result, cache_of, checks, kv_cache, model_shape


def run(context: RunContext, **args: object) -> Result:
    checked = kv_cache.validate(args)
    assert isinstance(checked, Args)
    result = kv_cache.run(checked, context)
    assert isinstance(result, Result)
    assert all(check.passed for check in checks(checked, result)), checks(checked, result)
    return result


def test_the_built_in_models_cache_is_180_mib_at_its_longest(tool_context: RunContext) -> None:
    result = run(tool_context, model="builtin", context_length=8192)
    assert (result.bytes, result.bytes_per_token, result.tokens) == (180 * 2**20, 23_040, 8192)
    assert (result.layers, result.kv_heads, result.head_dim) == (30, 3, 64)


def test_bare_numbers_need_no_model(tool_context: RunContext) -> None:
    assert run(tool_context, layers=32, kv_heads=8, head_dim=128, context_length=8192).bytes == 2**30


def test_the_largest_context_fits_and_one_token_more_does_not(tool_context: RunContext) -> None:
    result = run(tool_context, model="Llama-3.1-8B", batch_size=3, memory_gib=2.5)
    assert result.largest_context is not None
    args = Args(model="Llama-3.1-8B", batch_size=3, context_length=result.largest_context)
    shape = model_shape(args, tool_context.workspace)
    assert (
        cache_of(shape, args).bytes
        <= 2.5 * 2**30
        < cache_of(shape, args.model_copy(update={"context_length": args.context_length + 1})).bytes
    )


def test_the_largest_batch_fits_and_one_more_does_not(tool_context: RunContext) -> None:
    result = run(tool_context, model="Llama-3.1-8B", context_length=4096, memory_gib=4)
    assert result.largest_batch == 8


def test_vllm_takes_its_share_of_the_gpu_less_the_weights(tool_context: RunContext) -> None:
    result = run(tool_context, model="Llama-3.1-8B", context_length=8192, engine="vllm", dtype="bf16", memory_gib=24)
    assert result.budget_bytes == int(24 * 2**30 * 0.92) - 2 * 8_030_261_248
    assert result.max_concurrency == pytest.approx(result.budget_bytes / 2**30, abs=0.01)
    assert result.largest_batch == int(result.max_concurrency)


def test_what_the_c_library_does_by_default_is_the_first_lever(tool_context: RunContext) -> None:
    result = run(tool_context, model="Gemma-3-1B", context_length=32768, swa_full=True)
    assert result.bytes == 832 * 2**20
    assert result.levers[0].change == {"swa_full": False}
    assert (result.levers[0].bytes, result.levers[0].level) == (150 * 2**20, "free")


def test_a_recurrent_model_is_limited_by_nothing_but_sequences(tool_context: RunContext) -> None:
    result = run(tool_context, model="Mamba-130M", memory_gib=0.1)
    assert result.largest_context is None
    assert result.largest_batch == int(0.1 * 2**30 / 2_801_664)


def test_a_config_alone_is_enough(tool_context: RunContext, workspace: Path) -> None:
    config = {"model_type": "llama", "hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8}
    (workspace / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert run(tool_context, model="config.json", context_length=256).bytes == 4 * 256 * 2 * 512 * 2


def test_a_gguf_cut_short_is_refused_in_one_line(tool_context: RunContext, workspace: Path) -> None:
    (workspace / "cut.gguf").write_bytes(builtin_gguf().read_bytes()[:100_000])
    with pytest.raises(ModelRefError, match="is damaged") as caught:
        run(tool_context, model="cut.gguf")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "name a model, or give layers"),
        ({"layers": 32, "kv_heads": 8}, "name a model, or give layers"),
        ({"model": "builtin", "layers": 3}, "one of them"),
        ({"layers": 0, "kv_heads": 8, "head_dim": 128}, "greater than or equal to 1"),
        ({"model": "builtin", "context_length": -5}, "greater than or equal to 1"),
        ({"model": "builtin", "memory_gib": float("nan")}, "finite"),
        ({"model": "builtin", "dtype": "q9"}, "kv_cache.dtype"),
        ({"model": "builtin", "contextlength": 5}, "did you mean context_length"),
        ({"model": "builtin", "dtype": "fp8"}, "llama.cpp has no cache type 'fp8'"),
        ({"model": "builtin", "engine": "vllm", "dtype": "q8_0"}, "vLLM has no cache type 'q8_0'"),
        ({"model": "lama-3.1-8b"}, "did you mean Llama-3.1-8B"),
    ],
)
def test_bad_input_is_named(tool_context: RunContext, args: dict[str, object], message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        run(tool_context, **args)
    assert caught.value.exit_code == 2
