"""Proof that a training did something: weights that moved, and a saved folder that reads back whole, finite and not empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.canonical import sha256_of_path
from modelwright.errors import TrainingFailed

Json = dict[str, Any]


def first_values(model: Any) -> Json:
    """The first 256 numbers of every weight that is trained: enough to see that training moved it."""
    return {name: weight.detach().flatten()[:256].clone() for name, weight in model.named_parameters() if weight.requires_grad}


def moved_since(start: Json, model: Any) -> bool:
    now = first_values(model)
    return any(not bool((values == now[name]).all()) for name, values in start.items())


def prove_weights(folder: Path, *, adapter: bool, moved: bool) -> Json:
    """Read the saved weights back: all finite, and for an adapter something that was zero at the start is not.

    `moved`: whether the weights in memory are others than before training.
    """
    import torch
    from safetensors import safe_open

    files = sorted(folder.glob("*.safetensors"))
    tensors, beyond_zero = 0, not adapter
    for file in files:
        with safe_open(file, framework="pt") as stored:
            names: list[str] = list(stored.keys())
            for name in names:
                tensor = stored.get_tensor(name)
                tensors += 1
                if not bool(torch.isfinite(tensor).all()):
                    raise TrainingFailed(f"the weights {name} are not finite after training", fix="use a lower learning_rate")
                beyond_zero |= "lora_B" in name and bool(tensor.any())
    if not (moved and beyond_zero):
        what = "adapter is" if adapter else "weights are"
        raise TrainingFailed(f"the {what} as before training", fix="raise learning_rate or train longer")
    sha = sha256_of_path(files[0]) if len(files) == 1 else sha256_of_path(folder)
    return {"tensors": tensors, "weights_finite": True, "weights_changed": moved, "weights_sha256": sha}
