"""A/A: the same model against itself, 50 times. How often does `benchmark` name a winner? The aim is at most 3.

    python benchmarks/bench_aa.py [--model FILE.gguf] [--times 50] [--prompt 32] [--output 16] [--requests 1] [--repeats 8]

Each comparison is a whole benchmark job with a baseline: eight blocks in turn A B, B A …, fresh contexts, and the verdict
on throughput at its 99% interval. Prints every verdict with its interval as it comes. A busy machine is part of the test.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from machine import card

from modelwright.engines import bench
from modelwright.engines.child import Job
from modelwright.modelrefs import resolve
from modelwright.tools import _bench


def compare(args: argparse.Namespace, folder: Path, number: int) -> dict[str, Any]:
    """The difference in throughput of one comparison."""
    model = asdict(resolve(args.model, Path.cwd()))
    spec: dict[str, Any] = {
        **_bench.DEFAULTS,
        "sides": [{"name": name, "model": model, "engine": "llama.cpp", "key_variable": None} for name in ("A", "B")],
        "prompt_tokens": args.prompt,
        "output_tokens": args.output,
        "concurrency": [1],
        "requests": args.requests,
        "repeats": args.repeats,
        "seed": number,
        "threads": args.threads,
        "cache_dir": str(folder),
        "output_dir": str(folder),
        "args": {},
    }
    found = bench.run(spec, Job(folder, spec))["comparison"]
    decisive: dict[str, Any] = next(one for one in found if one["metric"] == "output_tokens_per_second")
    return decisive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--output", type=int, default=16)
    parser.add_argument("--requests", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print(card("llama-cpp-python"))
    winners = 0
    with tempfile.TemporaryDirectory() as name:
        for number in range(args.times):
            one = compare(args, Path(name), number)
            winners += one["verdict"] != "cannot tell"
            interval = f"{one['low']:+.2f} to {one['high']:+.2f}%" if one["low"] is not None else "no interval"
            print(f"{number + 1:>3} {one['percent']:+7.2f}% [{interval}] {one['verdict']}", flush=True)
    print(f"{winners} winners in {args.times} comparisons of {args.model} with itself, {args.repeats} blocks each")


if __name__ == "__main__":
    main()
