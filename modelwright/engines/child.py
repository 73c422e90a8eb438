"""The child's side of a job: `python -m modelwright.engines.child JOB_DIR`.

Reads `JOB_DIR/job.json` ({"engine", "spec"}), runs the engine's `run(spec, job)`, and leaves
exactly one of `result.json` or `error.json`, each renamed into place. Events go to `events.jsonl`, one JSON object a
line; everything a library prints goes to `log.txt`. It outlives its parent, so that a resumed run can join it, but
never its own deadline.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import psutil

from modelwright import faults
from modelwright.errors import EngineMissing, JobLimit, ModelwrightError, ToolFailed
from modelwright.files import write_json

Json = dict[str, Any]


class Job:
    """What an engine is given beside its specification."""

    def __init__(self, folder: Path, spec: Json) -> None:
        self.folder = folder
        """Scratch folder of this job. The same again when it is tried again: trainer checkpoints live here."""
        self.spec = spec
        self._events = (folder / "events.jsonl").open("a", encoding="utf-8", buffering=1)

    def progress(self, message: str, **numbers: Any) -> None:
        """One line of progress: step, steps, loss, tokens_per_second, eta_seconds … as numbers."""
        faults.point(f"job.{message.split(maxsplit=1)[0] if message else 'progress'}")
        self._events.write(json.dumps({"message": message, **numbers}, default=float) + "\n")


def _module(engine: str) -> str:
    """A plain name is one of ours; a dotted one is the module of a package that brings its own engine."""
    return engine if "." in engine else f"modelwright.engines.{engine}"


def _missing(error: ImportError) -> EngineMissing:
    package = (error.name or "").split(".")[0] or str(error)
    extra = {
        "llama_cpp": "llama",
        "torch": "train",
        "transformers": "train",
        "trl": "train",
        "peft": "train",
        "bitsandbytes": "qlora",
        "gptqmodel": "gptq",
        "gguf": "train",
        "matplotlib": "train",
        "datasets": "train",
        "sentence_transformers": "rag",
        "tokenizers": "rag",
        "safetensors": "rag",
        "pypdf": "rag",
        "docx": "rag",
        "bs4": "rag",
        "lxml": "rag",
    }.get(package)
    fix = f"pip install 'modelwright[{extra}]'" if extra else f"pip install {package}"
    return EngineMissing(f"the package {package} is not installed", fix=fix)


def as_error(error: BaseException) -> ModelwrightError:
    if isinstance(error, ModelwrightError):
        return error
    if isinstance(error, ImportError):
        return _missing(error)
    if isinstance(error, MemoryError):
        return ToolFailed("out of memory", fix="use a smaller batch size or max_length")
    first_line = (str(error).splitlines() or [""])[0]
    return ToolFailed(f"{type(error).__name__}: {first_line[:300]}", fix="the job's log.txt has the whole story")


def _die_at_deadline(folder: Path) -> None:
    """A child whose parent is gone must still end: SIGKILL to its own group at the deadline, which a parent that joins may move."""

    def wait() -> None:
        while time.time() < float((folder / "deadline").read_text()) + 5:  # the parent's own limit comes first
            time.sleep(1)
        write_json(
            folder / "error.json", JobLimit("the job reached its time limit while nobody watched", fix="raise job_seconds").as_json()
        )
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _sign_in(folder: Path) -> None:
    """Who runs here, before anything slow is imported: a parent that finds the lock held looks for it."""
    write_json(folder / "pid.json", {"pid": os.getpid(), "create_time": psutil.Process().create_time()})
    _note_attempt(folder, f"start {os.getpid()}")


def _note_attempt(folder: Path, what: str) -> None:
    with (folder / "attempts.txt").open("a", encoding="utf-8") as stream:
        stream.write(what + "\n")


def peak_memory_bytes() -> int:
    """The most that was resident of this process. Not ru_maxrss on Linux: a child begins there with the peak of its parent."""
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main(folder: Path) -> int:
    job_file = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    _sign_in(folder)
    _die_at_deadline(folder)
    job = Job(folder, job_file["spec"])
    try:
        faults.point("job.start")
        engine = importlib.import_module(_module(job_file["engine"]))
        result = engine.run(job_file["spec"], job)
        faults.point("job.before_result")
        _note_attempt(folder, "end")
        write_json(folder / "result.json", result)
        return 0
    except BaseException as error:
        traceback.print_exc()
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return 130
        write_json(folder / "error.json", as_error(error).as_json())
        return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
