"""Weight bytes by type: every row of the table of llama.cpp's dry runs, to the hundredth of a MiB."""

from __future__ import annotations

import pytest

from modelwright.errors import BadRequest
from modelwright.sizing import known, layout, weights

MODELS = ("SmolLM2-135M", "Qwen2.5-0.5B", "Qwen3-0.6B", "Llama-3.1-8B", "Mistral-7B-v0.1", "Gemma-2-9B", "Gemma-3-1B")
MEASURED = {
    "Q8_0": (136.40, 500.79, 604.15, 8137.64, 7338.64, 9366.12, 1013.54),
    "Q6_K": (130.27, 476.64, 466.50, 6282.97, 5666.09, 7231.72, 958.64),
    "Q5_K_M": (105.21, 394.95, 418.15, 5459.93, 4892.99, 6333.65, 805.68),
    "Q4_K_M": (98.87, 373.71, 372.65, 4685.30, 4165.37, 5488.40, 762.49),
    "Q4_0": (85.77, 330.17, 358.21, 4437.80, 3917.87, 5185.21, 680.82),
    "IQ4_XS": (85.38, 329.49, 346.50, 4269.15, 3760.96, 4975.43, 678.67),
    "Q3_K_M": (87.48, 333.33, 325.37, 3825.27, 3355.27, 4535.41, 682.72),
    "Q2_K": (82.41, 317.25, 276.84, 3024.38, 2592.57, 3623.33, 651.63),
}
"""file type -> MiB of the tensors, model by model"""


@pytest.mark.parametrize("kind", MEASURED)
def test_the_tensors_take_what_the_dry_run_says(kind: str) -> None:
    found = []
    for name in MODELS:
        shape = known.get(name)
        found.append(round(weights.stored(layout.weights(shape), weights.traits_of(shape), kind).bytes / 2**20, 2))
    assert found == list(MEASURED[kind])


@pytest.mark.parametrize(("name", "fallbacks"), [("SmolLM2-135M", 180), ("Qwen2.5-0.5B", 144), ("Gemma-3-1B", 130), ("Llama-3.1-8B", 0)])
def test_matrices_that_fall_back_are_counted(name: str, fallbacks: int) -> None:
    shape = known.get(name)
    assert weights.stored(layout.weights(shape), weights.traits_of(shape), "Q4_K_M").fallbacks == fallbacks


def test_a_typo_in_a_type_names_the_nearest() -> None:
    assert weights.named("q4-k-m") == "Q4_K_M"
    with pytest.raises(BadRequest, match="did you mean Q4_K_M"):
        weights.named("Q4_KM")


def test_nf4_keeps_the_embedding_and_the_output_in_16_bits() -> None:
    """Llama-3.1-8B with double quantization takes 5.3 GiB, not the 3.9 that 4.127 bits for every weight would make."""
    assert weights.stored_elsewhere(layout.weights(known.get("Llama-3.1-8B")), "nf4") / 2**30 == pytest.approx(5.31, abs=0.01)
