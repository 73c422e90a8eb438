"""The table of known models: names in any spelling, and weights that add up to the published number of parameters."""

from __future__ import annotations

import pytest

from modelwright.errors import ModelRefError
from modelwright.sizing import known, layout


@pytest.mark.parametrize("name", known.table())
def test_the_weights_of_a_known_model_add_up_to_its_published_parameters(name: str) -> None:
    shape = known.get(name)
    assert sum(weight.elements for weight in layout.weights(shape)) == known.table()[name]["parameters"]
    assert shape.source.startswith("https://")
    assert known.table()[name]["checked"]


@pytest.mark.parametrize("spelling", ["meta-llama/Llama-3.1-8B-Instruct", "llama 3.1 8b", "LLAMA_3.1_8B", "Meta-Llama-3.1-8B"])
def test_a_name_is_found_in_any_spelling(spelling: str) -> None:
    assert known.get(spelling).name == "Llama-3.1-8B"


def test_the_two_mistrals_are_told_apart() -> None:
    assert known.get("Mistral-7B-v0.1").window == 4096
    assert known.get("mistralai/Mistral-7B-v0.3").window == 0


def test_a_typo_names_the_nearest_models() -> None:
    with pytest.raises(ModelRefError, match=r"did you mean .*Qwen2\.5-7B"):
        known.get("Qwen2.5-7")
