"""export_model through a real child process, on the built-in model and on what a user may give it by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.errors import BadRequest, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.tools.export_model import Args, Result, checks, estimate, export_model
from tests.conftest import SHARED_CACHE
from tests.engines import tiny


def run(context: RunContext, **args: object) -> tuple[Args, Result]:
    checked = export_model.validate(args)
    assert isinstance(checked, Args)
    result = export_model.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_an_adapter_becomes_one_proved_file(tool_context: RunContext, workspace: Path) -> None:
    base = tiny.make(workspace / "base")
    tiny.adapter(workspace / "adapter", base)
    args, result = run(tool_context, model="adapter", output="out/tuned.gguf")
    assert result.model == str(workspace / "out" / "tuned.gguf")
    assert (result.family, result.dtype) == ("llama", "f16")
    assert result.proof["logits"]["kl_mean"] < 1e-4
    assert [check.name for check in checks(args, result)] == ["proved", "unchanged", "header"]
    assert all(check.passed for check in checks(args, result))
    assert result.bytes == Path(result.model).stat().st_size == result.artifacts[0].bytes
    assert tool_context.said, "it says how far it is"  # type: ignore[attr-defined]

    with Path(result.model).open("r+b") as stream:
        stream.seek(-100, 2)
        stream.write(b"x")
    assert [check.passed for check in checks(args, result)] == [True, False, True]


@pytest.mark.slow_engine
def test_the_built_in_model_is_exported_from_float32(tool_context: RunContext) -> None:
    args, result = run(tool_context, model="builtin")
    assert result.model.endswith("builtin-f16.gguf")
    assert result.proof["logits"]["kl_mean"] < 5e-5
    assert result.proof["logits"]["top1"] > 0.98
    assert result.proof["tokenizer"]["differing"] == 0
    assert "does not bring back" in result.notes[0]
    assert all(check.passed for check in checks(args, result))
    assert estimate(args, SHARED_CACHE).disk_bytes == pytest.approx(result.bytes, rel=0.1)


def test_a_proof_out_of_bounds_does_not_check() -> None:
    logits = {"prompts": 5, "tokens": 150, "kl_mean": 0.3, "kl_max": 1.0, "top1": 0.5, "bound": 1e-4}
    result = Result(summary="", model="/nowhere.gguf", family="llama", dtype="f16", bytes=1, proof={"logits": logits}, seconds=1)
    assert [check.passed for check in checks(Args(model="builtin"), result)] == [False, False]
    assert "3.0e-01 of at most 1e-04" in checks(Args(model="builtin"), result)[0].detail


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"format": "hf", "dtype": "q8_0"}, "cannot be stored as q8_0"),
        ({"format": "gguf_adapter", "dtype": "bf16"}, "cannot be stored"),
        ({"output": "model.bin"}, "has to end in"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_the_job(args: dict[str, str], said: str, tool_context: RunContext) -> None:
    with pytest.raises(BadRequest, match=said):
        run(tool_context, model="builtin", **args)


def test_a_missing_model_is_named(tool_context: RunContext) -> None:
    with pytest.raises(ModelRefError, match="nothing-here"):
        run(tool_context, model="nothing-here")


def test_an_adapter_whose_base_is_gone_is_named(tool_context: RunContext, workspace: Path) -> None:
    (workspace / "adapter").mkdir()
    (workspace / "adapter" / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "gone/away"}')
    with pytest.raises(ModelRefError, match="gone/away"):
        run(tool_context, model="adapter")


def test_the_estimate_grows_with_the_type(workspace: Path) -> None:
    sizes = [estimate(Args(model="builtin", dtype=dtype), workspace).disk_bytes for dtype in ("q8_0", "f16", "f32")]
    assert sizes == sorted(sizes)
    assert sizes[1] == pytest.approx(270_900_000, rel=0.05)
