"""quantization_quality through real child processes on a tiny model: honest rows, checks that look, and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines import gguf_write
from modelwright.errors import BadRequest
from modelwright.graphs.context import RunContext
from modelwright.tools import _quality
from modelwright.tools.quantization_quality import Args, Result, checks, estimate, quantization_quality
from tests.engines import tiny


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.make(tmp_path_factory.mktemp("tiny") / "model", hidden=128)
    path = folder.parent / "tiny-f16.gguf"
    gguf_write.write(folder, tiny.tokenizer_for("llama"), path, dtype="f16", name="t", progress=lambda *a, **k: None)
    return path


def run(context: RunContext, **args: Any) -> tuple[Args, Result]:
    context.settings.threads = 1
    checked = quantization_quality.validate(args)
    assert isinstance(checked, Args)
    result = quantization_quality.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def test_files_and_cache_types_are_measured_beside_the_original(source: Path, tool_context: RunContext, workspace: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": f"Say {n}"}, {"role": "assistant", "content": str(n)}]} for n in range(3)]
    (workspace / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked: dict[str, Any] = {"model": str(source), "types": ["Q8_0", "Q4_0"], "kv_cache_types": ["q4_0"], "window": 128, "windows": 6}
    args, result = run(tool_context, **asked, eval_dataset="eval.jsonl", metrics=["exact_match"], max_new_tokens=4)
    assert all(check.passed for check in checks(args, result)), checks(args, result)
    original, eight, four, cache = result.models
    assert [row.name for row in result.models] == ["tiny-f16.gguf", "Q8_0", "Q4_0", "KV q4_0"]
    assert (original.kl_mean.mean, original.same_top.mean, original.is_original) == (0, 1, True)
    assert 0 < eight.kl_mean.mean < four.kl_mean.mean
    assert original.bytes > eight.bytes > four.bytes
    assert (cache.bytes, cache.kind, cache.cache_bytes_per_token) == (original.bytes, "kv_cache", 2 * 2 * 2 * 18)
    assert cache.kl_mean.mean > 0
    ratio = eight.ln_perplexity_ratio
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low <= ratio.mean <= ratio.high
    assert eight.task is not None
    assert (eight.task.metric, eight.task.verdict) == ("exact_match", "cannot tell")
    assert cache.task is None
    assert result.plot_path is not None
    assert Path(result.plot_path).stat().st_size > 1000
    assert any("99.9th percentile" in note for note in result.notes)
    assert estimate(args, workspace).seconds > 0

    Path(result.windows_path).write_text("", encoding="utf-8")
    assert [check.passed for check in checks(args, result)] == [False, True, True, True]


def test_the_original_must_not_be_quantized_itself(source: Path, tool_context: RunContext, workspace: Path) -> None:
    from modelwright.modelrefs import builtin_gguf

    (workspace / "small.gguf").symlink_to(builtin_gguf())
    with pytest.raises(BadRequest, match=r"the original, small.gguf, is quantized itself \(Q4_1\)"):
        run(tool_context, models=["small.gguf", str(source)])
    with pytest.raises(BadRequest, match="name the original"):
        run(tool_context, types=["Q8_0"])
    with pytest.raises(BadRequest, match="metrics need an eval_dataset"):
        run(tool_context, model=str(source), metrics=["exact_match"])
    with pytest.raises(BadRequest, match="'q3_k' is no type of the KV cache; there are f32"):
        run(tool_context, model=str(source), kv_cache_types=["q3_k"])


def test_what_is_asked_becomes_what_is_measured(source: Path, workspace: Path) -> None:
    ref = str(source)
    assert _quality.wanted(ref, [], [], [], workspace).types == ["Q8_0", "Q4_K_M"]
    assert _quality.wanted(None, [ref], ["NF4", "Q4_0"], [], workspace).kinds == ["nf4"]
    listed = _quality.wanted(ref, [ref, "builtin"], [], [], workspace)
    assert [model.ref for model in listed.models] == ["builtin"]
    assert listed.types == []
    assert _quality.wanted(ref, [], [], ["Q8_0"], workspace).caches == ["q8_0"]
    assert not _quality.wanted("builtin", [], ["int8"], [], workspace).needs_gguf
