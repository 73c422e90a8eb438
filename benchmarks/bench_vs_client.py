"""TTFT and TPOT of `benchmark` through a server, beside those of an independent client (aiperf) on the same requests.

    python -m venv client_venv && client_venv/bin/pip install aiperf     # its own environment: its pins are not ours
    python benchmarks/bench_vs_client.py --client client_venv/bin/aiperf --tokenizer FOLDER
        [--requests 20] [--prompt 64] [--output 32] [--rounds 4]

Starts `python -m llama_cpp.server` with the built-in model on loopback, one thread, and sends both the same prompts with
the same fields, one request at a time, in the order A B B A. The server tells no usage in its stream, so TPOT is compared
with aiperf's mean inter-chunk latency: one chunk is one token here. Prints the medians of both and their ratio; the aim is 5%.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from machine import card

from modelwright.engines import bench
from modelwright.engines.bench_prompts import WORDS
from modelwright.engines.child import Job
from modelwright.modelrefs import builtin_gguf, resolve
from modelwright.tools import _bench

ANSWER = {"role": "assistant", "content": "."}
Times = tuple[float, float]


@contextmanager
def server(context: int) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(builtin_gguf()), "--model_alias", "smollm2", "--port", str(port)]
    options = ["--n_threads", "1", "--n_threads_batch", "1", "--n_ctx", str(context), "--interrupt_requests", "false"]
    child = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", child)
        yield f"127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait()


def wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and child.poll() is None:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("llama_cpp.server did not start: pip install 'llama-cpp-python[server]'")


def warm_up(address: str) -> None:
    body = {"model": "smollm2", "messages": [{"role": "user", "content": "Say something."}], "max_tokens": 8}
    httpx.post(f"http://{address}/v1/chat/completions", json=body, timeout=120)


def ours(address: str, data: Path, args: argparse.Namespace, folder: Path) -> Times:
    model = resolve(f"openai:http://{address}/v1#smollm2", Path.cwd())
    spec: dict[str, Any] = {
        **_bench.DEFAULTS,
        "sides": [{"name": "server", "model": asdict(model), "engine": "endpoint", "key_variable": None}],
        "dataset": str(data),
        "prompt_tokens": args.prompt,
        "output_tokens": args.output,
        "concurrency": [1],
        "requests": args.requests,
        "warmup": 0,
        "prefix_cache": True,  # the prompts as they stand, so that both send the same
        "seed": 1,
        "threads": 1,
        "cache_dir": str(folder),
        "output_dir": str(folder),
        "args": {},
    }
    folder.mkdir(exist_ok=True)
    [point] = bench.run(spec, Job(folder, spec))["points"]
    return point["ttft_ms"]["p50"], point["tpot_ms"]["p50"]


def theirs(address: str, data: Path, args: argparse.Namespace, folder: Path) -> Times:
    fields = {"max_tokens": args.output, "min_tokens": args.output, "ignore_eos": True, "temperature": 0}
    command = [args.client, "profile", "--model", "smollm2", "--url", f"http://{address}", "--endpoint-type", "chat", "--streaming"]
    command += [
        "--tokenizer",
        args.tokenizer,
        "--input-file",
        str(data),
        "--custom-dataset-type",
        "single_turn",
        "--extra-inputs",
        json.dumps(fields),
    ]
    command += ["--concurrency", "1", "--request-count", str(args.requests), "--artifact-dir", str(folder), "--ui", "none"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent)}  # offline it takes no folder as a tokenizer
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    results = sorted(folder.rglob("profile_export_aiperf.json"))
    if done.returncode or not results:
        raise SystemExit(f"the client failed: {(done.stderr or done.stdout)[-1500:]}")
    found = json.loads(results[0].read_text(encoding="utf-8"))
    return found["time_to_first_token"]["p50"], found["inter_chunk_latency"]["p50"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, help="path of aiperf")
    parser.add_argument(
        "--tokenizer", required=True, help="folder with tokenizer.json; aiperf counts words with it, nothing here depends on it"
    )
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--prompt", type=int, default=64, help="words of a prompt")
    parser.add_argument("--output", type=int, default=32, help="tokens of an answer")
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    version = subprocess.run([args.client, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    print(card("llama-cpp-python", "httpx"), f"; client aiperf {version}")
    chance = random.Random(1)
    prompts = [" ".join(chance.choice(WORDS) for _ in range(args.prompt)) for _ in range(args.requests)]
    with tempfile.TemporaryDirectory() as name, server(max(512, args.prompt * 2 + args.output + 128)) as address:
        root = Path(name)
        (root / "theirs.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in prompts), encoding="utf-8")
        rows = [{"messages": [{"role": "user", "content": text}, ANSWER]} for text in prompts]
        (root / "ours.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        warm_up(address)
        a: list[Times] = []
        b: list[Times] = []
        for number in range(args.rounds):
            for side in ("b", "a") if number % 2 else ("a", "b"):
                if side == "a":
                    a.append(theirs(address, root / "theirs.jsonl", args, root / f"theirs-{number}"))
                else:
                    b.append(ours(address, root / "ours.jsonl", args, root / f"ours-{number}"))
    print(f"{args.requests} requests of {args.prompt} words and {args.output} tokens, one at a time, {args.rounds} rounds in turn")
    print(f"{'median of':>12} {'aiperf ms':>10} {'benchmark':>10} {'ratio':>7}   each round's ratio")
    for label, place in (("TTFT", 0), ("TPOT", 1)):
        ratios = [y[place] / x[place] for x, y in zip(a, b, strict=True)]
        first, second = (statistics.median(one[place] for one in side) for side in (a, b))
        print(f"{label:>12} {first:>10.2f} {second:>10.2f} {statistics.median(ratios):>7.3f}   {' '.join(f'{r:.3f}' for r in ratios)}")


if __name__ == "__main__":
    main()
