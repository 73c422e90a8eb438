"""The estimate: it grows with every input, and agrees with what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.engines import train_memory
from modelwright.engines.train_memory import BUILTIN, Shape, disk_bytes, memory_bytes, rows_that_fit, shape_of, tokens_per_second
from modelwright.modelrefs import Model, builtin_gguf


def test_the_built_in_models_shape_is_what_its_file_says() -> None:
    assert shape_of(Model("x.gguf", "gguf", str(builtin_gguf()))) == BUILTIN


def test_a_config_json_gives_the_same_count_of_parameters(tmp_path: Path) -> None:
    config = {
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "intermediate_size": 1536,
        "vocab_size": 49152,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shape = shape_of(Model("m", "hf", str(tmp_path)))
    assert abs(shape.parameters - BUILTIN.parameters) < 1000
    assert (shape.layers, shape.hidden, shape.context) == (30, 576, 8192)


def test_memory_grows_with_tokens_and_with_the_method() -> None:
    assert memory_bytes(BUILTIN, "lora", 500) < memory_bytes(BUILTIN, "lora", 1000) < memory_bytes(BUILTIN, "full", 1000)
    lora, qlora = (memory_bytes(BUILTIN, method, 1000, bfloat16=False) for method in ("lora", "qlora"))
    assert qlora <= lora  # on a processor the weights are loaded whole before they are quantized


@pytest.mark.parametrize(
    ("method", "bfloat16", "tokens", "gigabytes"),
    [
        ("lora", True, 64, 1.605),
        ("lora", True, 256, 1.996),
        ("lora", True, 512, 2.499),
        ("lora", True, 1024, 3.366),
        ("lora", True, 2048, 5.213),
        ("qlora", False, 1024, 4.015),
        ("qlora", False, 512, 2.776),
        ("qlora", False, 2048, 6.908),
        ("full", True, 64, 3.261),
        ("full", True, 256, 3.376),
        ("full", True, 512, 3.776),
        ("full", True, 1024, 4.797),
    ],
)
def test_the_peak_is_within_a_fifth_of_what_was_measured(method: str, bfloat16: bool, tokens: int, gigabytes: float) -> None:
    """Measured by benchmarks/training_memory.py on two cores of a Xeon with AMX."""
    assert memory_bytes(BUILTIN, method, tokens, bfloat16=bfloat16) / 1e9 == pytest.approx(gigabytes, rel=0.2)


def test_a_larger_model_is_slower_and_more_cores_are_faster() -> None:
    larger = Shape(BUILTIN.parameters * 4, 30, 1152, 49152, 8192)
    assert tokens_per_second(larger, "lora", 2) < tokens_per_second(BUILTIN, "lora", 2) < tokens_per_second(BUILTIN, "lora", 4)


def test_an_adapter_of_rank_16_takes_the_twenty_megabytes_that_it_takes() -> None:
    assert abs(disk_bytes(BUILTIN, "lora", 16) - 19_593_064 - 5e6) < 1e6


@pytest.mark.parametrize(
    ("flags", "multiplies"),
    [("fma avx2", False), ("avx2 avx512f avx512_vnni", False), ("avx512f avx512_bf16", True), ("avx512_bf16 amx_bf16 amx_tile", True)],
)
def test_products_are_in_bfloat16_where_the_processor_has_instructions_for_it(tmp_path: Path, flags: str, multiplies: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n")
    assert train_memory.multiplies_bfloat16(str(cpuinfo)) is multiplies
    assert not train_memory.multiplies_bfloat16(str(tmp_path / "none"))


def test_threads_of_zero_mean_every_core_that_the_process_may_use() -> None:
    assert train_memory.cores(0) >= 1
    assert train_memory.cores(3) == 3


def test_of_a_batch_as_many_rows_as_fit_are_taken_at_once() -> None:
    def rows(limit: float) -> int:
        return rows_that_fit(BUILTIN, "full", 64, 100, int(limit))

    whole = memory_bytes(BUILTIN, "full", 6400)
    assert rows(whole) == 64
    assert rows(whole - 1) == 32
    assert rows(0) == 1
