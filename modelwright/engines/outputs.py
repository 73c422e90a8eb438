"""Where an engine writes a large file: enough space before, a partial name during, the final name only at success.

A file that stands there already is the user's and is not replaced, unless the same job put it there before it was killed.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from modelwright import files
from modelwright.engines.child import Job
from modelwright.errors import BadRequest, ToolFailed


def need_space(path: Path, wanted: float) -> None:
    """Raise ToolFailed when `wanted` bytes do not fit beside `path`."""
    free = shutil.disk_usage(files.existing_parent(path)).free
    if free < wanted:
        fix = "free some space, then resume"
        raise ToolFailed(f"{wanted / 1e6:.0f} MB are needed for {path} and {free / 1e6:.0f} MB are free", fix=fix)


@contextlib.contextmanager
def place(final: Path, job: Job, *, replace: bool) -> Iterator[Path]:
    """Gives the partial path to write. Published when the block succeeds; nothing is left when it does not.

    `replace`: the place was chosen by the program, so what stands there is from an earlier try.
    """
    mark = job.folder / f"writes-{final.name}"
    if final.exists() and not replace and not mark.exists():
        raise BadRequest(f"{final} exists already", fix="choose another output, or remove it")
    partial = files.partial_name(final)
    with files.clear_os_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        files.discard(partial)
        mark.touch()
    try:
        yield partial
        files.publish(partial, final)
    except BaseException:
        with contextlib.suppress(OSError):
            files.discard(partial)
        raise
