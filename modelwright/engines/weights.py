"""How many weights a model has, read from file headers alone: a few kilobytes, before anything is loaded.

Used by estimates and before the free space is checked. An adapter counts as its base. Not for endpoints (0).
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

from modelwright.engines import gguf_header, hf
from modelwright.errors import ModelRefError
from modelwright.modelrefs import Model

BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 1.0625}
MAX_HEADER = 100 << 20


def count(model: Model) -> int:
    """Weights of `model`. Raises ModelRefError for a damaged header."""
    if model.kind == "endpoint":
        return 0
    if model.kind == "gguf":
        return gguf_header.read(Path(model.path)).elements
    folder = Path(model.path) if model.kind == "hf" else None
    return count(hf.base_of(model)) if folder is None else sum(map(_in_safetensors, folder.glob("*.safetensors")))


def _in_safetensors(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(MAX_HEADER, path.stat().st_size):
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(stream.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise ModelRefError(f"{path} is damaged: {error}", fix="copy or save it again") from None
