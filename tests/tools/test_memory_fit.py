"""memory_fit: llama.cpp is asked in a real child process, GPUs by name, training by formula, and the nearest setting fits."""

from __future__ import annotations

import pytest

from modelwright.errors import BadRequest
from modelwright.graphs.context import RunContext
from modelwright.tools.memory_fit import Args, Result, checks, memory_fit


def run(context: RunContext, **args: object) -> Result:
    checked = memory_fit.validate(args)
    assert isinstance(checked, Args)
    result = memory_fit.run(checked, context)
    assert isinstance(result, Result)
    assert all(check.passed for check in checks(checked, result)), checks(checked, result)
    return result


def test_llama_cpp_itself_says_what_the_built_in_model_takes(tool_context: RunContext) -> None:
    result = run(tool_context, model="builtin", context_length=8192)
    assert result.source == "engine"
    assert result.parts["kv_cache"] == 180 * 2**20
    assert result.parts["compute"] > 100e6
    assert result.fits
    assert result.decode_tokens_per_second_at_most is not None


def test_a_known_model_is_asked_about_by_its_shape_alone(tool_context: RunContext) -> None:
    result = run(tool_context, model="Llama-3.1-8B", quantization="Q4_K_M", context_length=8192, gpu="RTX 4090")
    assert result.source == "engine"
    assert result.parts["kv_cache"] == 2**30
    assert round(result.parts["weights"] / 2**20, 2) == 4685.30
    assert result.fits
    assert result.device == "RTX-4090"


def test_what_does_not_fit_comes_with_the_nearest_setting_that_does(tool_context: RunContext) -> None:
    result = run(tool_context, model="Llama-3.1-8B", task="full", batch_size=4, context_length=2048, gpu="A100")
    assert not result.fits
    assert result.nearest is not None
    again = run(
        tool_context,
        model="Llama-3.1-8B",
        **{"task": "full", "batch_size": 4, "context_length": 2048, "gpu": "A100", **result.nearest.change},
    )
    assert again.fits
    assert again.bytes == result.nearest.bytes


def test_two_bits_a_weight_are_offered_where_nothing_else_fits(tool_context: RunContext) -> None:
    result = run(tool_context, model="Llama-3.1-70B", gpu="RTX-4090")
    assert result.nearest is not None
    assert result.nearest.change == {"quantization": "IQ2_XXS"}


def test_what_never_fits_has_no_nearest_setting(tool_context: RunContext) -> None:
    result = run(tool_context, model="DeepSeek-V3", task="lora", memory_gib=4)
    assert not result.fits
    assert result.nearest is None
    assert "no setting fits" in result.summary


@pytest.mark.parametrize(("task", "gib"), [("full", 119.7), ("lora", 15.6), ("qlora", 5.9)])
def test_the_states_of_training_an_8b_model_are_those_that_are_published(tool_context: RunContext, task: str, gib: float) -> None:
    parts = run(tool_context, model="Llama-3.1-8B", task=task, gpu="H200").parts
    states = sum(parts[name] for name in ("weights", "adapter", "gradients", "optimizer"))
    assert states / 2**30 == pytest.approx(gib, rel=0.03)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"model": "builtin", "gpu": "RTX 409"}, "did you mean RTX-4090"),
        ({"model": "Llama-3.1-8B", "quantization": "Q4_KM"}, "did you mean Q4_K_M"),
        ({"model": "no-such-model"}, "not in the table"),
        ({"model": "builtin", "memory_gib": 0}, "greater than 0"),
    ],
)
def test_bad_input_is_named(tool_context: RunContext, args: dict[str, object], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        run(tool_context, **args)


def test_recomputed_activations_and_smaller_batches_are_offered_with_what_they_save(tool_context: RunContext) -> None:
    asked: dict[str, object] = {"model": "Qwen2.5-7B", "task": "lora", "gpu": "T4", "batch_size": 2}
    whole = run(tool_context, **asked)
    offered = {next(iter(lever.change.items())): lever for lever in whole.levers}
    for change in (("recompute", True), ("batch_size", 1)):
        again = run(tool_context, **asked | dict([change]))
        assert (offered[change].bytes, offered[change].saved_bytes) == (again.bytes, whole.bytes - again.bytes)
        assert again.bytes < whole.bytes / 1.5
    assert whole.levers[0].change == {"recompute": True}
    assert "half more time" in whole.levers[0].cost
    assert any("2 rows of 4096 tokens a step (batch_size, context_length)" in note for note in whole.notes)
    assert whole.nearest is not None
    assert "context_length" not in whole.nearest.change
    assert ("recompute", True) not in {
        next(iter(lever.change.items())) for lever in run(tool_context, **asked | {"recompute": True}).levers
    }
