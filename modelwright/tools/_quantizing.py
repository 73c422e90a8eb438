"""What quantizing a model takes, type by type: bytes on disk and seconds. For estimates; not a tool.

Two facts to know. A GGUF file's size is reckoned tensor by tensor by llama.cpp's own rules of its mixes (sizing/weights.py, equal to
its dry run to the byte) and keeps its metadata, so a small model's Q4_K_M is told with its fallbacks. And a folder keeps its
embedding, output and norms as they are loaded: in float32, as on a processor.

Where the matrices of a model are not known, it is at most 1.18 bytes a weight, Q8_0 with some to spare.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.engines import low_bit
from modelwright.engines import weights as weight_files
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model
from modelwright.sizing import layout, weights
from modelwright.sizing.mixes import DEFAULTS
from modelwright.sizing.shapes import ModelShape
from modelwright.tools import _model_shape

AT_MOST = 1.18
"""bytes a weight"""
BESIDE_FOLDER, BESIDE_FILE = 8_000_000, 4_000_000
"""bytes of tokenizer and configs, and of the metadata of a GGUF file that is not there yet"""
KEPT_BITS = 32
SECONDS_A_WEIGHT = (
    ("IQ1", 1.4e-5),
    ("IQ2", 3e-6),
    ("IQ", 3.3e-7),
    ("Q3_K", 4.2e-8),
    ("Q6_K", 2.5e-8),
    ("Q2_K", 3e-8),
    ("Q4_K", 3e-8),
    ("Q5_K", 3e-8),
    ("INT8", 5e-8),
    ("NF4", 1e-7),
    ("GPTQ", 2e-6),
    ("AWQ", 3.4e-6),
    ("", 1.5e-8),
)
"""By the beginning of a type's name. Measured on two cores with 134.5 million weights: Q8_0 took 1.9 s, Q4_0 1.6, Q6_K 3.3, Q4_K_M 4.1,
Q3_K_M 5.6, IQ4_XS 44; GPTQ 266 and AWQ 451 beside a training run; with 1.8 million weights IQ2_XXS 6 s, IQ1_S 25."""


def on_disk(model: Model, kinds: Sequence[str]) -> int:
    """Bytes of `model` in all of `kinds` together. Raises ModelRefError for a damaged file."""
    if model.kind == "endpoint":
        return 0
    wanted = dict.fromkeys(kind.strip().upper().replace("-", "_") for kind in kinds)
    try:
        shape = _model_shape.of_gguf(Path(model.path)) if model.kind == "gguf" else _model_shape.shape_of(model.path, Path(model.path))
        return sum(_in_folder(shape, kind) if kind.lower() in low_bit.KINDS else _in_file(model, shape, kind) for kind in wanted)
    except BadRequest:  # of an architecture whose matrices are not laid out here
        return len(wanted) * (int(weight_files.count(model) * AT_MOST) + BESIDE_FOLDER)


def seconds_a_weight(kind: str) -> float:
    name = kind.strip().upper()
    return next(seconds for start, seconds in SECONDS_A_WEIGHT if name.startswith(start))


def _in_file(model: Model, shape: ModelShape, kind: str) -> int:
    matrices = layout.weights(shape)
    if kind not in DEFAULTS:
        return int(sum(weight.elements for weight in matrices) * AT_MOST) + BESIDE_FOLDER
    return weights.stored(matrices, weights.traits_of(shape), kind).bytes + _metadata(model, shape)


def _metadata(model: Model, shape: ModelShape) -> int:
    if model.kind != "gguf":
        return BESIDE_FILE
    return max(0, Path(model.path).stat().st_size - sum(map(weights.as_stored, shape.weights)))


def _in_folder(shape: ModelShape, kind: str) -> int:
    return weights.stored_elsewhere(layout.weights(shape), kind.lower(), kept_bits=KEPT_BITS) + BESIDE_FOLDER
