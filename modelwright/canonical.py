"""One way to write a value down and one way to hash it: plans, arguments, files and folders.

Canonical JSON is UTF-8 with sorted keys and no spaces; NaN is refused. A folder's hash covers the relative names
and contents of its files, so moving a folder does not change it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8", "backslashreplace")).hexdigest()


def sha256_of_path(path: Path) -> str:
    """sha256 of a file, or of a folder's sorted relative names and file hashes."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        return sha256_of([[str(p.relative_to(path)), sha256_of_path(p)] for p in files])
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def bytes_of_path(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size
