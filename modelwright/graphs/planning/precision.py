"""Whether a model of the workspace is quantized already: its GGUF header, read in bounded steps, says so."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from modelwright.engines import gguf_header
from modelwright.errors import ModelwrightError

WHOLE = frozenset({"F16", "F32", "BF16", "F64", "I8", "I16", "I32", "I64"})


def quantized_types(ref: str, workspace: Path) -> tuple[str, ...]:
    """The quantized types among its tensors, the most frequent first; empty where there are none or nothing can be read."""
    path = workspace / os.path.expanduser(ref)
    try:
        return _types(str(path), path.stat().st_mtime_ns) if path.is_file() else ()
    except (OSError, ValueError, RuntimeError):
        return ()


def is_quantized(ref: str, workspace: Path) -> bool:
    return bool(quantized_types(ref, workspace))


@lru_cache(maxsize=64)
def _types(path: str, changed: int) -> tuple[str, ...]:
    try:
        types = gguf_header.read(Path(path)).types
    except (ModelwrightError, OSError):
        return ()  # what cannot be read is the tool's to report, with its hint
    return tuple(sorted((t for t in types if t not in WHOLE), key=lambda t: -types[t]))
