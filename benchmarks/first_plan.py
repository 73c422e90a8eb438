"""How long the first plan takes: `modelwright plan` in a process of its own, with the built-in model, in turn.

cold     nothing was used before: code, libraries and models are out of the file cache, and no state of the model is kept
new      the files are in the cache, the model's state is not kept
later    the model has read its prompt before and kept the state on disk

python benchmarks/first_plan.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from machine import card

PROGRAM = str(Path(sys.executable).parent / "modelwright")
REQUEST = "Fine-tune the built-in model on train.jsonl with rank 8 and compare it with the original on eval.jsonl"


READ = {".pyc", ".py", ".so", ".gguf", ".toml", ".json", ".jsonl"}


def drop_caches() -> None:
    """Take the packages' files out of the file cache; nobody else's."""
    import modelwright

    for folder in (Path(os.__file__).parent, Path(sysconfig.get_path("purelib")), Path(modelwright.__file__).parent):
        for path in folder.rglob("*"):
            if path.suffix in READ and path.is_file():
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)


def seconds(workspace: Path, cache: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        [PROGRAM, "plan", REQUEST], cwd=workspace, env={**os.environ, "MODELWRIGHT_CACHE": str(cache)}, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(f"the plan failed: {done.stderr.decode()[-500:]}")
    return time.perf_counter() - started


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(card("llama-cpp-python", "langgraph"), "", "| start | median s | longest s |", "| --- | --- | --- |", sep="\n")
    took: dict[str, list[float]] = {"cold": [], "new": [], "later": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            workspace = Path(folder)
            for name in ("train.jsonl", "eval.jsonl"):
                (workspace / name).write_text('{"prompt": "a", "completion": "b"}\n')
            drop_caches()
            took["cold"].append(seconds(workspace, workspace / "first"))
            took["new"].append(seconds(workspace, workspace / "second"))
            took["later"].append(seconds(workspace, workspace / "second"))
    for name, values in took.items():
        print(f"| {name} | {statistics.median(values):.1f} | {max(values):.1f} |")


if __name__ == "__main__":
    main()
