"""Write whole or not at all: to a temporary name beside the target, synced, then renamed.

Also turns the operating system's refusals (full disk, read-only folder, folder for a file) into one clear line.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.canonical import bytes_of_path, sha256_of, sha256_of_path
from modelwright.errors import BadRequest, ToolFailed

if TYPE_CHECKING:
    from modelwright.types import Artifact


@contextlib.contextmanager
def clear_os_errors(path: Path) -> Iterator[None]:
    """Turn OSError about `path` into an error that says what, where and how to mend it."""
    try:
        yield
    except OSError as error:
        raise _explain(error, path) from error


def _explain(error: OSError, path: Path) -> BadRequest | ToolFailed:
    where = error.filename or path
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(existing_parent(path)).free
        return ToolFailed(f"no space left for {where} ({free / 1e6:.0f} MB free)", fix="free some space, then resume")
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return BadRequest(f"may not write or read {where}", fix="choose a folder that is yours to write, or change its rights")
    if error.errno == errno.ENOENT:
        return BadRequest(f"{where} does not exist")
    if error.errno == errno.EISDIR:
        return BadRequest(f"{where} is a folder, a file is needed")
    return ToolFailed(f"{where}: {error.strerror or error}")


def existing_parent(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def write_atomic(path: Path, text: str) -> None:
    with clear_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    write_atomic(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def keep_seconds(path: Path, seconds: float) -> None:
    """How long a work has taken so far, for the try that goes on with it."""
    write_json(path, {"seconds": round(seconds, 3)})


def kept_seconds(path: Path) -> float:
    """What `keep_seconds` wrote; 0 if there is nothing, or nothing that can be read."""
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def partial_name(final: Path, owner: str = "") -> Path:
    """Where to write what will become `final`; fixed, so that a later try finds and replaces it.

    `owner` tells apart those who may write the same file at the same time; without one the caller holds a lock.
    """
    mark = f".{sha256_of(owner)[:8]}" if owner else ""
    return final.with_name(f".{final.name}{mark}.partial")


def publish(partial: Path, final: Path) -> None:
    """Rename a finished partial file or folder to its final name, replacing what an earlier try left there."""
    with clear_os_errors(final):
        if final.is_dir() and not final.is_symlink():
            shutil.rmtree(final)
        partial.replace(final)


def discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def artifact(path: Path, kind: str) -> Artifact:
    from modelwright.types import Artifact  # pydantic takes 0.15 s, and the terminal app reads sessions before its first frame

    return Artifact(path=str(path), kind=kind, sha256=sha256_of_path(path), bytes=bytes_of_path(path))
