"""The memory of a training run, part by part.

Two facts to know. Activations are kept for every token, layer and unit until the backward pass, and are most of it in a small model;
weights, gradients and optimizer states are most of it in a large one. And a processor loads the weights in float32 even where
they are quantized then (QLoRA) or multiplied in bfloat16 (AMX): the peak counts all of them.

The rates are fitted to measured peaks of the built-in model (benchmarks/training_memory.py); the shape of the formula is that of
Korthikanti et al., arXiv 2205.05198, for activations that are recomputed too (their section 5: the inputs of all layers are kept,
and one layer's activations at a time). NOT here: several GPUs, preference training.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.errors import BadRequest
from modelwright.sizing import layout, weights
from modelwright.sizing.shapes import ModelShape

METHODS = ("lora", "qlora", "dora", "full")
LIBRARIES = 900_000_000
"""torch, transformers and trl in memory, bytes"""
MOST_LOGITS = 2**27
"""logits that are held at once; the loss of more is computed in parts"""
NF4_BITS = weights.OTHER_BITS["nf4"]


@dataclass(frozen=True)
class Numbers:
    """What of a model decides it."""

    parameters: int
    layers: int
    hidden: int
    inner: int
    """width of the feed-forward part that one token passes"""
    vocabulary: int
    tables: int
    """weights of embedding and output, which are never quantized"""
    adapter: int
    """weights of a LoRA adapter on every linear layer"""


@dataclass(frozen=True)
class Run:
    """What of a training run decides it."""

    method: str
    tokens: int
    """of the largest batch, padding included"""
    rank: int = 16
    bfloat16: bool = False
    """products in bfloat16"""
    gpu: bool = False
    """weights in bfloat16 too"""
    recompute: bool = False
    """activations of a layer are computed again in the backward pass instead of kept (gradient checkpointing)"""


RATES = {"lora": 70.0, "qlora": 70.0, "dora": 98.0, "full": 64.0}
FLOAT32_RATES = {"lora": 106.0, "qlora": 106.0, "dora": 148.0, "full": 106.0}
"""bytes of activations for each token, layer and unit of hidden width, with products in bfloat16 and in float32; that of DoRA was
not measured and counts 1.4 times LoRA's, as it keeps the scaled weights' products too"""
USUAL_INNER = 8 / 3
"""inner width over hidden width in the model that the rates were measured on; half of the activations grow with each"""
LOGIT_BYTES = 12
"""of a logit: itself, its softmax and its gradient in float32"""


def numbers(shape: ModelShape, rank: int) -> Numbers:
    tables = shape.hidden * shape.vocabulary * (1 if shape.tied else 2)
    inner = shape.experts.inner * shape.experts.used if shape.experts else shape.inner
    return Numbers(
        layout.parameters(shape), len(shape.layers), shape.hidden, inner, shape.vocabulary, tables, adapter_parameters(shape, rank)
    )


def adapter_parameters(shape: ModelShape, rank: int) -> int:
    """Weights of a LoRA adapter on every linear layer: rank * (in + out) each (Hu et al., arXiv 2106.09685)."""
    linear = [w for w in layout.weights(shape) if len(w.dims) == 2 and w.name.startswith("blk.") and w.name.endswith("weight")]
    return sum(rank * (w.dims[0] + w.dims[1]) for w in linear if "ffn_gate_inp" not in w.name and "conv" not in w.name)


def parts(of: Numbers, run: Run) -> dict[str, int]:
    """Bytes of weights, adapter, gradients, optimizer, activations, logits and libraries. Raises BadRequest for an unknown method."""
    if run.method not in METHODS:
        raise BadRequest(f"no training method {run.method!r:.40}", fix=f"use one of {', '.join(METHODS)}")
    trained = of.parameters if run.method == "full" else of.adapter
    return {
        "weights": _weights(of, run),
        "adapter": 0 if run.method == "full" else trained * 4,
        "gradients": trained * 4,
        "optimizer": trained * 8,
        "activations": _activations(of, run),
        "logits": min(run.tokens * of.vocabulary, MOST_LOGITS) * LOGIT_BYTES,
        "libraries": LIBRARIES,
    }


def total(of: Numbers, run: Run) -> int:
    return sum(parts(of, run).values())


def _weights(of: Numbers, run: Run) -> int:
    """As this project loads them: float32 on a processor; on a GPU NF4 with tables in 16 bits, bfloat16, or float32 if all are trained."""
    if run.gpu and run.method == "qlora":
        return round((of.parameters - of.tables) * NF4_BITS / 8 + of.tables * 2)
    return of.parameters * (2 if run.gpu and run.method != "full" else 4)


def _activations(of: Numbers, run: Run) -> int:
    rate = (RATES if run.bfloat16 or run.gpu else FLOAT32_RATES)[run.method]
    width = (of.hidden + of.inner / USUAL_INNER) / 2
    kept = run.tokens * of.layers * width * rate
    if not run.recompute:
        return round(kept)
    inputs = run.tokens * of.layers * of.hidden * (2 if run.gpu else 4)  # the sum that runs past the layers, in the weights' type
    return round(min(kept, inputs + kept / of.layers))
