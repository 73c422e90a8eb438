"""quantize through a real child process: honest bits, checks that look, and refusals that say what to do."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.engines import gguf_write
from modelwright.errors import BadRequest, EngineCrashed, ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.modelrefs import Model
from modelwright.tools._quantizing import BESIDE_FOLDER
from modelwright.tools.quantize import Args, Quantization, Result, _summary, checks, estimate, notes, quantize
from tests.engines import tiny


@pytest.fixture
def source(workspace: Path) -> Path:
    path = workspace / "tiny-f16.gguf"
    gguf_write.write(tiny.make(workspace / "tiny"), tiny.tokenizer_for("llama"), path, dtype="f16", name="t", progress=lambda *a, **k: None)
    return path


def run(context: RunContext, **args: object) -> tuple[Args, Result]:
    checked = quantize.validate(args)
    assert isinstance(checked, Args)
    result = quantize.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def test_each_type_gives_a_file_that_checks(source: Path, tool_context: RunContext, workspace: Path) -> None:
    args, result = run(tool_context, model="tiny-f16.gguf", types=["q4_k_m", "Q8_0"], output="small")
    assert result.models == [str(workspace / "small" / f"tiny-{name}.gguf") for name in ("Q4_K_M", "Q8_0")]
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    assert "Q4_K_M" in result.summary
    assert any("15 tensors fell back" in note for note in result.notes)
    assert estimate(args, workspace).disk_bytes == pytest.approx(sum(one.bytes for one in result.quantizations), abs=1000)

    Path(result.models[0]).write_bytes(b"GGUF")
    assert [check.passed for check in checks(args, result)] == [False, False, True, True]


def test_the_summary_says_what_most_tensors_became_where_the_label_is_far_off() -> None:
    one = {"type": "Q6_K", "model": "m-Q6_K.gguf", "bytes": 138_400_000, "bits_per_weight": 8.12, "nominal_bits": 6.5625, "seconds": 1.0}
    fell = {"fallback_tensors": 211, "fallbacks": {"Q6_K -> Q8_0": 210, "Q4_K -> Q5_0": 1}, "tensor_types": {"Q8_0": 211}}
    far = Quantization(**one, **fell, fallback_reason="rows of 576 weights are not a multiple of 256")
    said = "138.4 MB at 8.12 bits, not 6.56 (211 tensors fell back, Q6_K -> Q8_0: rows of 576 weights are not a multiple of 256)"
    assert said in _summary(Model("m.gguf", "gguf", "m.gguf"), [far])
    near = far.model_copy(update={"bits_per_weight": 6.6})
    assert _summary(Model("m.gguf", "gguf", "m.gguf"), [near]).endswith("at 6.60 bits")


def test_killed_in_the_middle_and_tried_again_gives_one_whole_file(
    source: Path, make_tool_context: Callable[..., RunContext], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWRIGHT_FAULT", "job.quantize")
    with pytest.raises(EngineCrashed):
        run(make_tool_context(), model="tiny-f16.gguf", types=["Q8_0"], output="small")
    (half,) = (workspace / "small").iterdir()
    assert (half.name.startswith(".tiny-Q8_0.gguf."), half.suffix) == (True, ".partial")
    monkeypatch.delenv("MODELWRIGHT_FAULT")
    args, result = run(make_tool_context(), model="tiny-f16.gguf", types=["Q8_0"], output="small")
    assert [p.name for p in (workspace / "small").iterdir()] == ["tiny-Q8_0.gguf"]
    assert all(check.passed for check in checks(args, result))


def test_a_typo_in_a_type_names_the_nearest(source: Path, tool_context: RunContext) -> None:
    with pytest.raises(BadRequest, match="did you mean Q4_K_M"):
        run(tool_context, model="tiny-f16.gguf", types=["Q4_KM"])
    assert not list(tool_context.output_dir.glob("*.gguf")) if tool_context.output_dir.exists() else True


def test_the_built_in_model_is_sent_to_export_first(tool_context: RunContext) -> None:
    with pytest.raises(BadRequest, match="export_model model=builtin format=gguf dtype=f16"):
        run(tool_context, model="builtin", types=["Q4_0"])


def test_a_folder_is_quantized_to_a_folder_and_never_in_one_call_with_files(tool_context: RunContext, workspace: Path) -> None:
    pytest.importorskip("bitsandbytes")
    tiny.make(workspace / "tiny", hidden=128)
    args, result = run(tool_context, model="tiny", types=["nf4"], output="small")
    assert result.models == [str(workspace / "small" / "tiny-nf4")]
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    assert estimate(args, workspace).memory_bytes > 500e6
    assert estimate(args, workspace).disk_bytes - BESIDE_FOLDER == pytest.approx(result.quantizations[0].bytes, rel=0.05)
    (workspace / "small" / "tiny-nf4" / "model.safetensors").write_bytes(b"")
    assert [check.passed for check in checks(args, result)] == [False, False]
    with pytest.raises(BadRequest, match="make folders"):
        run(tool_context, model="tiny", types=["nf4", "Q8_0"])


def test_a_type_that_does_not_pay_is_said() -> None:
    def one(name: str, size: int, nominal: float) -> Quantization:
        return Quantization(
            type=name,
            model="x",
            bytes=size,
            bits_per_weight=5,
            nominal_bits=nominal,
            fallback_tensors=0,
            fallback_reason="",
            fallbacks={},
            tensor_types={},
            seconds=0,
        )

    assert notes([one("Q3_K_M", 93, 3.4375), one("Q4_0", 91, 4.5)]) == ["Q3_K_M is not smaller than Q4_0, which keeps more bits"]
    assert notes([one("Q4_0", 91, 4.5), one("Q8_0", 145, 8.5)]) == []


def test_an_empty_model_is_damaged_and_starts_no_job(workspace: Path, tool_context: RunContext) -> None:
    (workspace / "fake.gguf").write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 0, 0))
    with pytest.raises(ModelRefError, match=r"fake\.gguf is damaged") as refused:
        run(tool_context, model="fake.gguf", types=["Q8_0"])
    assert "export it again" in refused.value.fix
    assert not tool_context.job_dir.exists()
