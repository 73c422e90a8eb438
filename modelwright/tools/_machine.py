"""This machine as a device: its free memory, how fast one copy runs through it, and roughly what its cores multiply.

The bandwidth is measured once a process (0.1 s); the arithmetic is an assumption, 40 GFLOP/s a core, that `benchmark` replaces by a
measurement.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from modelwright.errors import ModelRefError
from modelwright.modelrefs import resolve
from modelwright.sizing.devices import Device

FLOPS_PER_CORE = 40e9
COPIED = 64 << 20


def processor() -> Device:
    cores = len(os.sched_getaffinity(0))
    return Device(f"this machine ({cores} cores)", psutil.virtual_memory().available, _bandwidth(), FLOPS_PER_CORE * cores, is_gpu=False)


@lru_cache(maxsize=1)
def _bandwidth() -> float:
    """Bytes a second of one thread's copy, read and written, the best of three."""
    source = bytearray(COPIED)
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        bytes(source)
        best = max(best, 2 * COPIED / (time.perf_counter() - started))
    return best


def gguf_of(ref: str, workspace: Path) -> dict[str, Any]:
    """For a job: the path of the model's GGUF file if it has one, else its config if that is at hand, else nothing."""
    path = (workspace / os.path.expanduser(ref)).absolute()
    if path.suffix == ".json" and path.is_file():
        return {"config_path": str(path)}
    try:
        model = resolve(ref, workspace)
    except ModelRefError:
        return {}
    if model.kind == "hf":
        return {"config_path": str(Path(model.path) / "config.json")}
    return {"path": model.path} if model.kind == "gguf" else {}
