"""What a `quantize` job costs beside llama.cpp's own call: the same file and type, in turn.

    python benchmarks/quantize_overhead.py [--model F16.gguf] [--types Q8_0 Q4_K_M] [--rounds 4] [--threads 1]

A: `llama_model_quantize` alone, in a process of its own that does nothing else, timed inside it.
B: the job as the tool starts it: a child process, space and source checks, the same call, the tensor count, a load and logits of
three tokens, a hash of the file, the rename. Its `call` is the part that is llama.cpp's; the rest is what the job adds.
Order A B B A; medians of each. Without --model the built-in model is exported to F16 first (not counted).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from machine import card

from modelwright.engines import client
from modelwright.modelrefs import Model, resolve

CACHE = Path("~/.cache/modelwright").expanduser()
ALONE = """
import ctypes, sys, time
from modelwright.engines import llama, quantize
source, target, name, threads = sys.argv[1:]
api = llama.llama_cpp
params = api.llama_model_quantize_default_params()
params.ftype, params.nthread = quantize.named([name])[0].number, int(threads)
began = time.perf_counter()
assert api.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params)) == 0
print(time.perf_counter() - began)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="full-precision GGUF file; the built-in model if unset")
    parser.add_argument("--types", nargs="+", default=["Q8_0", "Q4_K_M"])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(card("llama-cpp-python"), "\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = options.model or exported(folder)
        print("| type | call alone s | call in the job s | ratio | whole job s | what the job adds s |")
        print("| --- | --- | --- | --- | --- | --- |")
        for kind in options.types:
            print(row(kind, source, folder, options), flush=True)


def row(kind: str, source: Path, folder: Path, options: argparse.Namespace) -> str:
    alone_times: list[float] = []
    calls: list[float] = []
    wholes: list[float] = []
    for number in range(options.rounds):
        for side in ("ab", "ba")[number % 2]:
            if side == "a":
                alone_times.append(alone(kind, source, folder, options.threads))
                continue
            call, whole = as_job(kind, source, folder, options.threads)
            calls.append(call)
            wholes.append(whole)
    a, call, whole = map(statistics.median, (alone_times, calls, wholes))
    return f"| {kind} | {a:.2f} | {call:.2f} | {call / a:.3f} | {whole:.2f} | {whole - call:.2f} |"


def alone(kind: str, source: Path, folder: Path, threads: int) -> float:
    target = folder / "alone.gguf"
    command = [sys.executable, "-c", ALONE, str(source), str(target), kind, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=client.child_environment())
    target.unlink()
    return float(done.stdout.split()[-1])


def as_job(kind: str, source: Path, folder: Path, threads: int) -> tuple[float, float]:
    """Seconds of the call in the job, and of the whole job with the child's start."""
    spec = {
        "model": asdict(resolve(str(source), folder)),
        "types": [kind],
        "imatrix_dataset": None,
        "output": str(folder / "job"),
        "replace": True,
        "cache_dir": str(CACHE),
        "threads": threads,
        "seed": 1,
    }
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = client.run_job("quantize", spec, Path(scratch) / "job")
    seconds = time.perf_counter() - began
    return float(done["quantizations"][0]["seconds"]), seconds


def exported(folder: Path) -> Path:
    """The built-in model as an F16 file."""
    target = folder / "builtin-f16.gguf"
    common = {"replace": True, "cache_dir": str(CACHE), "threads": 1, "seed": 1}
    spec = {**common, "model": asdict(Model("builtin", "gguf", str(resolve("builtin", folder).path), is_builtin=True))}
    done = client.run_job("export", {**spec, "format": "gguf", "dtype": "f16", "output": str(target)}, folder / "export")
    print(f"source: {json.dumps(done['artifact']['path'])}, {target.stat().st_size / 1e6:.0f} MB\n", flush=True)
    return target


if __name__ == "__main__":
    main()
