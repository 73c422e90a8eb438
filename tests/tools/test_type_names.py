"""Names of quantized types as arguments take them."""

from __future__ import annotations

import pytest

from modelwright import tools
from modelwright.errors import BadRequest
from modelwright.tools._type_names import QUANTIZED


def test_every_type_that_llama_cpp_writes_is_taken_and_no_other() -> None:
    llama = pytest.importorskip("modelwright.engines.quantize")
    assert set(QUANTIZED) == set(llama.types())


@pytest.mark.parametrize("name", ["Q8_0", "q4_k_m", "q4-k-m", "IQ4_NL", "int8", "NF4"])
def test_a_type_is_taken_as_it_is_written(name: str) -> None:
    args = tools.load("quantize").validate({"model": "builtin", "types": [name]})
    assert args.types == [name]  # type: ignore[attr-defined]


def test_a_type_that_there_is_not_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(BadRequest, match=r"^quantize\.types\.1: 'Q4_K_N' is no quantization type; did you mean Q4_K_[SM] or"):
        tools.load("quantize").validate({"model": "builtin", "types": ["Q8_0", "Q4_K_N"]})


@pytest.mark.parametrize("tool", ["quantize", "quantization_quality"])
def test_a_type_that_needs_text_to_weigh_columns_by_is_refused_without_it(tool: str) -> None:
    with pytest.raises(BadRequest, match="IQ2_XS needs an imatrix_dataset"):
        tools.load(tool).validate({"model": "m.gguf", "types": ["Q8_0", "IQ2_XS"]})
    tools.load(tool).validate({"model": "m.gguf", "types": ["IQ2_XS"], "imatrix_dataset": "c.txt"})


def test_the_check_is_no_part_of_the_schema() -> None:
    assert tools.load("quantize").args_schema["properties"]["types"]["items"] == {"type": "string"}
