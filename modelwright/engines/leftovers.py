"""What an earlier try left in a job's folder: gone on from only when specification and model files are still the same.

Not here: whether a single file is whole (each engine knows its own).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.canonical import sha256_of
from modelwright.files import clear_os_errors, discard, write_json
from modelwright.modelrefs import Model

RECORD = "belongs_to.json"


def fingerprint(spec: dict[str, Any], model: Model) -> str:
    """What the work depends on. A model file that was written anew has another time stamp."""
    path = Path(model.path)
    stamps = sorted([str(p.relative_to(path)), p.stat().st_size, p.stat().st_mtime_ns] for p in path.rglob("*")) if path.is_dir() else []
    if path.is_file():
        stamps = [["", path.stat().st_size, path.stat().st_mtime_ns]]
    return sha256_of({"spec": spec, "model": stamps})


def drop_foreign(folder: Path, mark: str, names: Sequence[str]) -> None:
    """Throw `names` in `folder` away unless they were left by work with the same `mark`."""
    record = folder / RECORD
    with clear_os_errors(folder):
        if _mark_in(record) == mark:
            return
        for name in names:
            discard(folder / name)
    write_json(record, {"fingerprint": mark})


def _mark_in(record: Path) -> str | None:
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
