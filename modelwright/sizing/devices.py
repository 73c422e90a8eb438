"""What a model would run on: an accelerator of a small table (`gpus.toml`), or a processor whose numbers are given.

NOT here: looking at the machine; whoever asks brings its memory, bandwidth and speed.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from modelwright.errors import BadRequest


@dataclass(frozen=True)
class Device:
    name: str
    memory_bytes: int
    bandwidth: float
    """bytes a second"""
    flops: float
    """of 16-bit matrix products (float32 on a processor), a second"""
    is_gpu: bool = True


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, Any]]:
    with (files(__package__) / "gpus.toml").open("rb") as stream:
        return tomllib.load(stream)


def find(name: str) -> Device:
    """The accelerator called `name`, in any spelling. Raises BadRequest with the nearest names."""
    names = {_plain(spelling): known for known, entry in table().items() for spelling in (known, *entry.get("also", []))}
    wanted = _plain(name)
    if wanted not in names:
        near = list(dict.fromkeys(names[key] for key in get_close_matches(wanted, names, n=9, cutoff=0.5)))[:3]  # a GPU has many spellings
        fix = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(table())}; or give memory_gib"
        raise BadRequest(f"no GPU {name!r:.60} in the table", fix=fix)
    entry = table()[names[wanted]]
    return Device(names[wanted], int(entry["memory_mib"]) << 20, entry["bandwidth_gb_s"] * 1e9, entry["tflops"] * 1e12)


def _plain(name: str) -> str:
    return re.sub(r"nvidia|geforce|tesla|apple|amd|instinct|[^a-z0-9]|(?<=\d)gi?b$", "", name.lower())
