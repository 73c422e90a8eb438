"""What `memory_fit` says beside the numbers of a training run: what would take less memory, and what was assumed.

Two facts to know. `finetune` takes fewer rows at once and then recomputes activations by itself where memory is short; so the
first lever costs time alone. And recomputed activations are reckoned (sizing/training.py), not measured.
"""

from __future__ import annotations

from modelwright.sizing.levers import Lever, halvings

RECOMPUTED = "the same result, in a third to half more time: activations are computed twice"
"""a second forward pass: a third of forward and backward with all weights, half with frozen ones (Chen et al., arXiv 1604.06174)"""


def training_levers(task: str, batch_size: int, *, recompute: bool) -> list[Lever]:
    """Changes of arguments; shorter rows, which are offered for all tasks, are not among them."""
    found = [] if recompute else [Lever({"recompute": True}, 0, RECOMPUTED)]
    if task in ("full", "dora"):
        found.append(Lever({"task": "lora"}, 2, "an adapter is trained instead of all weights"))
    if task != "qlora":
        found.append(Lever({"task": "qlora"}, 2, "an adapter is trained against 4-bit weights, more slowly"))
    return found + [
        Lever({"batch_size": size}, 1, f"{_rows(size)} a step: noisier steps, or more of them") for size in halvings(batch_size, 1)
    ]


def training_notes(batch_size: int, context_length: int, *, recompute: bool, gpu: bool) -> list[str]:
    kept = "one layer's activations at a time" if recompute else "all activations"
    said = [f"reckoned with {kept} of {_rows(batch_size)} of {context_length} tokens a step (batch_size, context_length)"]
    if batch_size > 1 or not recompute:
        said.append("finetune itself takes fewer rows at once, then recomputes activations, where memory is short")
    if recompute:
        said.append("recomputed activations are reckoned by formula; they were not measured")
    if gpu:
        said.append("training on a GPU is reckoned by formula; it was not measured on one")
    return said


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"
