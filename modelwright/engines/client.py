"""The parent's side of a job: start a child or join one, follow its events, keep its limits, leave nobody behind.

Two facts to know. The job folder's `lock` is held (flock) from before the child is started until it is dead, whoever
started it: a held lock means "runs", a free one with `result.json` means "done", anything else "try again". And a
child's children may have left its process group (setsid), so the parent is a subreaper and sweeps.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from modelwright import faults
from modelwright.errors import EngineCrashed, Interrupted, JobLimit, from_json
from modelwright.files import clear_os_errors, write_atomic, write_json

Json = dict[str, Any]
Progress = Callable[[Json], None]
POLL_SECONDS = 0.1
GRACE_SECONDS = 3.0
SIGN_IN_SECONDS = 20.0
MARK = "MODELWRIGHT_JOB"


@dataclass(frozen=True)
class JobLimits:
    seconds: float = 6 * 3600
    memory_bytes: int | None = None
    """Resident memory of the child and its children together; `None` is 90% of what is free at the start."""


@dataclass
class Usage:
    """What a job used, as the parent saw it."""

    seconds: float = 0
    peak_memory_bytes: int = 0
    joined: bool = False
    reused: bool = False


def run_job(
    engine: str, spec: Json, folder: Path, *, limits: JobLimits | None = None, progress: Progress | None = None, usage: Usage | None = None
) -> Json:
    """Run `engine` with `spec` in a child whose files live in `folder`, and give its result.

    A finished job is not run again, a running one is joined. Raises what the child raised, EngineCrashed when it died
    without a word, JobLimit past its time or memory, Interrupted on Ctrl-C (the child is gone by then).
    """
    limits, usage = limits or JobLimits(), usage or Usage()
    with clear_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            events_seen = 0
            if _take_lock(lock, folder):
                done = _finished(folder, raise_errors=False)
                if done is not None:
                    usage.reused = True
                    return done
                _start(engine, spec, folder, lock, limits)
            else:
                usage.joined = True
                events_seen = _count_lines(folder / "events.jsonl")
                _move_deadline(folder, limits)
        finally:
            os.close(lock)  # the child keeps its own copy, and with it the lock
        _follow(_running(folder), folder, limits, progress or (lambda event: None), usage, events_seen)
    except KeyboardInterrupt:
        _kill_holder(folder)
        raise Interrupted("stopped by the user") from None
    result = _finished(folder, raise_errors=True)
    if result is None:
        raise EngineCrashed(f"the {engine} job ended without a result{_how_it_ended(folder)}", fix=f"see {folder / 'log.txt'}")
    return result


def _take_lock(lock: int, folder: Path) -> bool:
    """Whether the job is ours to run. One that was killed may hold the lock until the last of its threads has gone: it is waited for."""
    waited_until = time.monotonic() + SIGN_IN_SECONDS
    while not _try_lock(lock):
        process, signed = _signed_in(folder), (folder / "pid.json").is_file()
        if not signed or (process is not None and _alive(process, folder)) or time.monotonic() > waited_until:
            return False
        time.sleep(0.02)
    return True


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _finished(folder: Path, *, raise_errors: bool) -> Json | None:
    """The result if there is one; the child's error is raised, or thrown away when it is from an earlier try."""
    if (folder / "result.json").is_file():
        result: Json = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return result
    error_file = folder / "error.json"
    if error_file.is_file():
        error = from_json(json.loads(error_file.read_text(encoding="utf-8")))
        if raise_errors:
            raise error
        error_file.unlink()
    return None


def _start(engine: str, spec: Json, folder: Path, lock: int, limits: JobLimits) -> None:
    become_subreaper()
    write_json(folder / "job.json", {"engine": engine, "spec": spec})
    _move_deadline(folder, limits)
    for stale in ("events.jsonl", "pid.json"):
        (folder / stale).unlink(missing_ok=True)
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "modelwright.engines.child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock,),
            env={**child_environment(), MARK: str(folder)},
        )
    child.returncode = 0  # it is reaped in _alive, by pid; without this Popen warns that it lost a running child
    faults.point("client.child_started")


def _move_deadline(folder: Path, limits: JobLimits) -> None:
    """Until when the child may run, seconds since the epoch; it looks again each second."""
    write_atomic(folder / "deadline", str(time.time() + limits.seconds))


def child_environment() -> dict[str, str]:
    """No hub, no telemetry; OpenMP threads spin briefly, as spinning ones collapse when another process is busy."""
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "LANGSMITH_TRACING": "false",
        "PYTHONUNBUFFERED": "1",
        "GOMP_SPINCOUNT": "1000",
        "TQDM_DISABLE": "1",
    }


def _running(folder: Path) -> psutil.Process | None:
    """The process that holds the lock. It signs in within a moment of its start; a pid that was reused does not count."""
    waited_until = time.monotonic() + SIGN_IN_SECONDS
    while time.monotonic() < waited_until and _held(folder):
        if process := _signed_in(folder):
            return process
        time.sleep(0.02)
    return None


def _signed_in(folder: Path) -> psutil.Process | None:
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        written = json.loads((folder / "pid.json").read_text(encoding="utf-8"))
        process = psutil.Process(written["pid"])
        if abs(process.create_time() - written["create_time"]) < 1:
            return process
    return None


def _held(folder: Path) -> bool:
    lock = os.open(folder / "lock", os.O_RDWR)
    try:
        return not _try_lock(lock)
    finally:
        os.close(lock)


def _kill_holder(folder: Path) -> None:
    process = _running(folder)
    if process is not None:
        kill_tree(process)
    sweep_orphans(folder)


def _follow(process: psutil.Process | None, folder: Path, limits: JobLimits, progress: Progress, usage: Usage, seen: int) -> None:
    started = time.monotonic()
    memory_limit = limits.memory_bytes or int(psutil.virtual_memory().available * 0.9)
    lines = _new_lines(folder / "events.jsonl", seen)
    try:
        while True:
            alive = _alive(process, folder)
            for line in next(lines):
                progress(line)
            usage.seconds = time.monotonic() - started
            if not alive:
                return
            usage.peak_memory_bytes = max(usage.peak_memory_bytes, resident_bytes(process))
            if usage.seconds > limits.seconds:
                raise JobLimit(f"the job took longer than {limits.seconds:.0f} s and was stopped", fix="raise job_seconds")
            if usage.peak_memory_bytes > memory_limit:
                raise JobLimit(
                    f"the job used more than {memory_limit / 1e9:.1f} GB and was stopped",
                    fix="use a smaller batch size or max_length, or raise job_memory_gib",
                )
            time.sleep(POLL_SECONDS)
    finally:
        if process is not None and _alive(process, folder):
            kill_tree(process)
        sweep_orphans(folder)


def _alive(process: psutil.Process | None, folder: Path) -> bool:
    if process is None:  # it never signed in: the lock tells
        return _held(folder)
    with contextlib.suppress(psutil.Error, ChildProcessError):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _new_lines(path: Path, seen: int) -> Iterator[list[Json]]:
    """Each next() gives the complete lines written since the last; a torn last line waits for its end."""
    offset, skip = 0, seen
    while True:
        fresh: list[Json] = []
        if path.is_file():
            with path.open("rb") as stream:
                stream.seek(offset)
                for raw in stream:
                    if not raw.endswith(b"\n"):
                        break
                    offset += len(raw)
                    if skip:
                        skip -= 1
                        continue
                    with contextlib.suppress(ValueError):
                        fresh.append(json.loads(raw))
        yield fresh


def _count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def resident_bytes(process: psutil.Process | None) -> int:
    total = 0
    if process is not None:
        with contextlib.suppress(psutil.Error):
            for member in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += member.memory_info().rss
    return total


def kill_tree(process: psutil.Process) -> None:
    """End a child and all below it: SIGTERM, a moment, SIGKILL. Also those that left its process group."""
    with contextlib.suppress(psutil.Error):
        members = [process, *process.children(recursive=True)]
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, sign)
            for member in members:
                with contextlib.suppress(psutil.Error):
                    member.send_signal(sign)
            _, members = psutil.wait_procs(members, timeout=GRACE_SECONDS)
            if not members:
                return


_reaping = False


def become_subreaper() -> None:
    """Orphans of our children become ours (Linux PR_SET_CHILD_SUBREAPER), so that a sweep can find them."""
    global _reaping
    if _reaping or sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)
    _reaping = True


def sweep_orphans(folder: Path) -> None:
    """Kill what this job left behind: processes handed to us by its death that carry its mark in their environment."""
    for member in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if member.status() != psutil.STATUS_ZOMBIE and member.environ().get(MARK) == str(folder):
                member.kill()
                member.wait(GRACE_SECONDS)


def _how_it_ended(folder: Path) -> str:
    """The last line of its log, as a hint."""
    with contextlib.suppress(OSError):
        lines = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            return f" (last words: {lines[-1][:160]})"
    return ""
