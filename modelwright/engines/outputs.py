"""Where an engine writes a large file or folder: enough space before, a partial name during, the final name only at success.

What stands there already is the user's and is not replaced, also when it came there while the job worked; unless this
very job put it there before it was killed: a mark in the job's folder, made just before the rename, says so.
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


def refuse_existing(final: Path, job: Job, *, replace: bool) -> None:
    """Raise BadRequest when something that this job did not make stands at `final`."""
    if final.exists() and not replace and not _mark(final, job).exists():
        raise BadRequest(f"{final} exists already", fix="choose another output, or remove it")


def _mark(final: Path, job: Job) -> Path:
    return job.folder / f"writes-{final.name}"


def _partial(final: Path, job: Job) -> Path:
    """Of this very job: another one may be writing for the same place, and the first to end has it."""
    return files.partial_name(final, str(job.folder.absolute()))


@contextlib.contextmanager
def place(final: Path, job: Job, *, replace: bool) -> Iterator[Path]:
    """Gives the partial path to write. Published when the block succeeds; nothing is left when it does not.

    `replace`: the place was chosen by the program, so what stands there is from an earlier try.
    """
    refuse_existing(final, job, replace=replace)
    partial = _partial(final, job)
    with files.clear_os_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        files.discard(partial)
    try:
        yield partial
        refuse_existing(final, job, replace=replace)  # hours may have passed
        with files.clear_os_errors(final):
            _mark(final, job).touch()
        files.publish(partial, final)
    except BaseException:
        with contextlib.suppress(OSError):
            files.discard(partial)
        raise
