"""choose_engine: constraints rule out with a reason, the table has its sources, and a measurement can overrule it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import gguf_write
from modelwright.errors import BadRequest
from modelwright.graphs.context import RunContext
from modelwright.tools import _engine_table
from modelwright.tools.choose_engine import Args, Measured, Result, _choose, checks, choose_engine, estimate
from tests import servers
from tests.engines import tiny


def choose(context: RunContext, **args: Any) -> Result:
    context.settings.threads = 1
    checked = choose_engine.validate(args)
    assert isinstance(checked, Args)
    result = choose_engine.run(checked, context)
    assert isinstance(result, Result)
    assert all(check.passed for check in checks(checked, result)), checks(checked, result)
    return result


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ({"users": 1, "hardware": "cpu"}, "llama.cpp"),
        ({"users": 64, "hardware": "cpu"}, "llama.cpp"),
        ({"users": 1, "hardware": "apple", "system": "macos"}, "llama.cpp"),
        ({"users": 64, "hardware": "nvidia", "system": "linux"}, "vLLM"),
        ({"users": 64, "hardware": "nvidia", "system": "linux", "needs": ["shared_prefixes"]}, "SGLang"),
        ({"users": 64, "hardware": "nvidia", "system": "windows"}, "llama.cpp"),
        ({"hardware": "cpu", "needs": ["any_architecture"]}, "transformers"),
        ({"hardware": "cpu", "needs": ["model_management"]}, "Ollama"),
    ],
)
def test_the_choice_follows_the_constraints(tool_context: RunContext, args: dict[str, Any], wanted: str) -> None:
    result = choose(tool_context, model="builtin", measure=False, **args)
    assert result.choice == wanted
    assert result.why
    assert result.measured == []
    assert result.install


def test_hardware_may_be_named_as_people_name_it() -> None:
    named = {
        "4x A100": "nvidia", "RTX 4090": "nvidia", "3060 ti": "nvidia", "T4": "nvidia", "RX 7900 XTX": "amd", "MI300X": "amd",
        "M2 Max": "apple", "cpu": "cpu", "AMD EPYC": "cpu", "intel-gpu": "intel-gpu", "Raspberry Pi 5": "cpu",
    }  # fmt: skip
    assert {name: _engine_table.hardware_of(name) for name in named} == named
    with pytest.raises(BadRequest, match="'toaster' is not known"):
        _engine_table.hardware_of("toaster")


def test_without_a_model_the_table_alone_decides(tool_context: RunContext) -> None:
    result = choose(tool_context, users=1000, hardware="4x A100", system="linux", needs=["shared_prefixes"])
    assert (result.choice, result.hardware, result.measured) == ("SGLang", "nvidia", [])
    assert "name a model" in result.notes[0]


def test_an_engine_that_is_ruled_out_says_by_what(tool_context: RunContext) -> None:
    result = choose(tool_context, model="builtin", hardware="cpu", needs=["multi_lora"], measure=False)
    by_name = {one.engine: one for one in result.ranking}
    assert "does not run on cpu: only on nvidia" in by_name["TensorRT-LLM"].reasons
    assert "cannot read a gguf model" in by_name["TensorRT-LLM"].reasons
    assert by_name["Ollama"].reasons == ["does not provide multi_lora"]
    assert not by_name["Ollama"].fits


def test_when_nothing_fits_it_says_so(tool_context: RunContext) -> None:
    result = choose(tool_context, model="builtin", hardware="cpu", needs=["in_process", "shared_prefixes"], measure=False)
    assert result.choice is None
    assert result.summary.startswith("no engine meets every constraint")
    assert len(result.why) == 6


def test_every_row_of_the_table_has_public_sources_and_a_reason_for_every_load() -> None:
    engines, read = _engine_table.table()
    assert len(engines) == 6
    assert read
    for engine in engines:
        assert all(source.startswith("https://") for source in engine.sources)
        assert len(engine.suits) == 4
        assert set(engine.formats) == {"gguf", "hf", "adapter"}
        assert all(suit.why for suit in engine.suits.values())


def test_what_is_installed_is_measured_and_so_is_a_server_that_runs(
    make_tool_context: Callable[..., RunContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.make(tmp_path / "model")
    path = folder.parent / "tiny.gguf"
    gguf_write.write(folder, tiny.tokenizer_for("llama"), path, dtype="f32", name="t", progress=lambda *a, **k: None)
    monkeypatch.setattr(_engine_table, "this_hardware", lambda: "cpu")
    with servers.scripted() as script:
        result = choose(make_tool_context("s1"), model=str(path), users=2, needs=["kv_quantization"], endpoints={"vLLM": script.ref})
    assert [one.engine for one in result.measured] == ["llama.cpp", "vLLM"]  # what does not fit is not measured
    assert all(one.output_tokens_per_second > 0 and one.concurrency == 2 for one in result.measured)

    gone = choose(make_tool_context("s2"), model="builtin", hardware="nvidia", users=64)
    assert gone.notes == ["nothing was measured: this machine is cpu, not nvidia"]


def test_a_measurement_overrules_the_table_only_when_it_is_clear() -> None:
    ranking = _engine_table.rank("gguf", 1, "cpu", "linux", [])

    def measured(engine: str, speed: float) -> Measured:
        return Measured.model_validate(
            {"engine": engine, "output_tokens_per_second": speed, "ttft_ms": 1, "tpot_ms": 1, "concurrency": 1, "peak_memory_bytes": None}
        )

    assert _choose(ranking, [measured("llama.cpp", 10), measured("transformers", 15)])[0] == "llama.cpp"
    choice, why = _choose(ranking, [measured("llama.cpp", 10), measured("transformers", 25)])
    assert choice == "transformers"
    assert why[0].startswith("measured 2.5 times as fast as llama.cpp")


def test_a_server_as_the_model_is_refused(tool_context: RunContext) -> None:
    with pytest.raises(BadRequest, match="is a server already"):
        choose(tool_context, model="openai:http://127.0.0.1:1/v1")


def test_the_estimate_is_of_the_measurement(workspace: Path) -> None:
    def seconds(**args: Any) -> float:
        return estimate(choose_engine.validate({"model": "builtin", **args}), workspace).seconds  # type: ignore[arg-type]

    assert seconds(measure=False) < 1 < seconds() < seconds(users=4)
