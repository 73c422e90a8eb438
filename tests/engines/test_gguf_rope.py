"""Rotary scaling: Llama 3.1's factors against the published loop, and a stop at what is not known."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelwright.engines import gguf_rope
from modelwright.errors import BadRequest

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


class Writer:
    """Takes down which keys were written."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return lambda value: self.keys.update({name: value})


def config(**rope: Any) -> Any:
    return SimpleNamespace(rope_parameters={"rope_type": "default", "rope_theta": 10000.0, **rope}, max_position_embeddings=4096)


def slow_factors(rope: dict[str, Any], head_dim: int) -> list[float]:
    factors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (i / head_dim)
        if wavelength < rope["original_max_position_embeddings"] / rope["high_freq_factor"]:
            factors.append(1.0)
        elif wavelength > rope["original_max_position_embeddings"] / rope["low_freq_factor"]:
            factors.append(rope["factor"])
        else:
            smooth = rope["original_max_position_embeddings"] / wavelength - rope["low_freq_factor"]
            smooth /= rope["high_freq_factor"] - rope["low_freq_factor"]
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return factors


def test_llama3_factors_are_those_of_the_published_loop() -> None:
    factors = gguf_rope.frequency_factors(SimpleNamespace(rope_parameters=LLAMA3), 128)
    assert factors is not None
    assert factors.dtype == np.float32
    assert factors == pytest.approx(slow_factors(LLAMA3, 128), rel=1e-6)
    assert any(1.1 < factor < 7.9 for factor in factors)


def test_other_kinds_have_no_factors() -> None:
    assert gguf_rope.frequency_factors(config(), 64) is None


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "longrope"},
        {"partial_rotary_factor": 0.5},
        {"rope_type": "yarn", "factor": 4.0, "mscale": 0.7},
        {"rope_type": "yarn", "factor": 4.0, "attention_factor": 2.0},
        {"rope_type": "yarn", "factor": 4.0, "truncate": False},
    ],
)
def test_what_llama_cpp_would_ignore_stops_the_export(rope: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="cannot export"):
        gguf_rope.write_keys(Writer(), config(**rope), 64)


def test_yarn_writes_its_keys() -> None:
    writer = Writer()
    gguf_rope.write_keys(writer, config(rope_type="yarn", factor=4.0, original_max_position_embeddings=1024), 64)
    assert writer.keys["add_rope_scaling_factor"] == 4.0
    assert writer.keys["add_rope_scaling_orig_ctx_len"] == 1024
    assert writer.keys["add_rope_freq_base"] == 10000.0
