"""Training memory: the predicted peak beside the measured one, for each method, length and batch size.

    python benchmarks/training_memory.py [--lengths 64 256 512] [--batches 1 4] [--methods lora qlora full] [--steps 2] [--threads 1]
    python benchmarks/training_memory.py --held-out          # lengths 96, 192, 384 with batches 2 and 4: no rate was fitted to them

Every row of the data all but fills `max_length`, so a step holds nearly length x batch tokens. Each run is a child process of its own;
the peak is the resident memory that its parent saw, every 0.1 s. Two steps are enough: the optimizer's states exist from
the first step on, so the second backward pass is the peak.
Not covered: GPUs, models other than the built-in one, and DoRA.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import asdict
from pathlib import Path

from machine import card

from modelwright.canonical import sha256_of_path
from modelwright.engines import client, train_memory
from modelwright.modelrefs import resolve

CACHE = Path("~/.cache/modelwright").expanduser()
FITTED, HELD_OUT = ([64, 256, 512], [1, 4]), ([96, 192, 384], [2, 4])
"""lengths and batch sizes that the rates of sizing/training.py were fitted to, and those that test them"""
ROOM = 40
"""tokens of the chat template and the question"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", action="store_true", help="points that no rate was fitted to")
    parser.add_argument("--lengths", type=int, nargs="+")
    parser.add_argument("--batches", type=int, nargs="+")
    parser.add_argument("--methods", nargs="+", default=["lora", "qlora", "full"])
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    lengths, batches = HELD_OUT if options.held_out else FITTED
    print(card("torch", "transformers", "trl", "peft", "bitsandbytes"), "\n")
    print(
        "| method | length | batch | predicted GB | measured GB | error | seconds |\n| --- | --- | --- | --- | --- | --- | --- |",
        flush=True,
    )
    errors = [
        _row(method, length, batch, options)
        for method in options.methods
        for length in options.lengths or lengths
        for batch in options.batches or batches
    ]
    off = [abs(error) for error in errors]
    print(f"\n{len(off)} runs: off by {statistics.median(off):.1%} in the median, {max(off):.1%} at most")


def _row(method: str, length: int, batch: int, options: argparse.Namespace) -> float:
    predicted = train_memory.memory_bytes(train_memory.BUILTIN, method, length * batch)
    usage = measure(method, length, batch, options)
    error = predicted / usage.peak_memory_bytes - 1
    peak = usage.peak_memory_bytes / 1e9
    print(f"| {method} | {length} | {batch} | {predicted / 1e9:.2f} | {peak:.3f} | {error:+.0%} | {usage.seconds:.0f} |", flush=True)
    return error


def measure(method: str, length: int, batch: int, options: argparse.Namespace) -> client.Usage:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.jsonl"
        row = {"messages": [{"role": "user", "content": "Count."}, {"role": "assistant", "content": " one" * (length - ROOM)}]}
        data.write_text((json.dumps(row) + "\n") * batch, encoding="utf-8")
        usage = client.Usage()
        client.run_job("train", _spec(method, length, batch, data, options), Path(folder) / "job", usage=usage)
    return usage


def _spec(method: str, length: int, batch: int, data: Path, options: argparse.Namespace) -> dict[str, object]:
    return {
        "model": asdict(resolve("builtin", data.parent)),
        "dataset": str(data),
        "dataset_sha256": sha256_of_path(data),
        "method": method,
        "epochs": 1,
        "max_steps": options.steps,
        "learning_rate": 5e-5 if method == "full" else 1e-3,
        "lora_rank": 16,
        "lora_alpha": 32,
        "batch_size": batch,
        "max_length": length,
        "seed": 7,
        "threads": options.threads,
        "cache_dir": str(options.cache),
        "output": str(data.parent / "trained"),
        "sample_tokens": 1,
        "checkpoint_steps": 1000,
    }


if __name__ == "__main__":
    main()
