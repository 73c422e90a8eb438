"""What is reckoned equals what llama.cpp says, to the byte: a quick share of benchmarks/kv_exact.py and weight_bytes.py."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from modelwright.engines import gguf_header, measure_memory, shape_gguf
from modelwright.engines.child import Job
from modelwright.errors import BadRequest, ModelRefError
from modelwright.modelrefs import builtin_gguf
from modelwright.sizing import known, kv, layout, weights
from modelwright.sizing.gguf_keys import from_keys
from modelwright.sizing.shapes import ModelShape, Weight

SETTINGS = [
    {"n_ctx": 1000},
    {"n_ctx": 8192, "sequences": 3, "swa_full": True},
    {"n_ctx": 5000, "sequences": 4, "unified": True, "ubatch": 128, "type_k": "q8_0", "type_v": "q8_0"},
]


def shape_of(path: Path) -> ModelShape:
    header = gguf_header.read(path)
    return from_keys(path.stem, header.keys, header.lists, tuple(Weight(t.name, t.shape, t.type) for t in header.tensors))


def test_the_built_in_models_cache_is_exact_in_every_cache_type() -> None:
    shape = shape_of(builtin_gguf())
    with measure_memory.Model(builtin_gguf()) as model:
        for kind in kv.CACHE_TYPES:
            said = model.context(n_ctx=2048, type_k=kind, type_v=kind)
            assert said["exact"]
            assert said["cache"] == kv.llama_cpp(shape, 2048, kv.LlamaCpp(kind, kind)).bytes, kind


@pytest.mark.parametrize("name", ["Qwen3-0.6B", "Gemma-3-1B", "DeepSeek-V2-Lite", "LFM2-350M", "Mamba-130M"])
def test_the_cache_of_other_families_is_exact(name: str, tmp_path: Path) -> None:
    path = shape_gguf.write(known.get(name), tmp_path / "shape.gguf")
    assert path.stat().st_blocks * 512 < 1_000_000  # a hole, not zeros
    shape = shape_of(path)
    with measure_memory.Model(path) as model:
        for settings in SETTINGS:
            rest = {key: value for key, value in settings.items() if key != "n_ctx"}
            expected = kv.llama_cpp(shape, settings["n_ctx"], kv.LlamaCpp(**rest)).bytes  # type: ignore[arg-type]
            assert model.context(**settings)["cache"] == expected, settings  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["SmolLM2-135M", "Mixtral-8x7B"])
def test_weights_are_exact_in_types_that_mix_and_fall_back(name: str, tmp_path: Path) -> None:
    shape = known.get(name)
    path = shape_gguf.write(shape, tmp_path / "shape.gguf")
    for kind in ("Q8_0", "Q4_K_M", "Q3_K_M", "IQ4_XS", "IQ2_M"):
        assert weights.stored(layout.weights(shape), weights.traits_of(shape), kind).bytes == measure_memory.dry_run(path, kind), kind


def test_the_log_gives_the_same_to_a_hundredth_of_a_mib() -> None:
    lines = [
        "llama_kv_cache: size =   45.00 MiB (  2048 cells,  30 layers,  1/1 seqs), K (f16):   22.50 MiB, V (f16):   22.50 MiB",
        "sched_reserve:        CPU compute buffer size =    98.25 MiB",
    ]
    assert measure_memory.from_log(lines) == {"model": 0, "cache": 45 * 2**20, "compute": round(98.25 * 2**20), "exact": False}


def test_settings_that_llama_cpp_refuses_are_told_with_its_reason() -> None:
    with measure_memory.Model(builtin_gguf()) as model, pytest.raises(BadRequest, match="flash_attn"):
        model.context(n_ctx=512, type_v="q8_0", flash_attention=False)


def test_a_file_cut_short_is_refused_before_native_code_sees_it(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(builtin_gguf().read_bytes()[:5000])
    job = Job(tmp_path, {})
    with contextlib.closing(job._events), pytest.raises(ModelRefError, match="damaged"):
        measure_memory.run({"ask": "context", "path": str(cut), "contexts": []}, job)
