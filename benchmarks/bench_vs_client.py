"""TTFT and TPOT of `benchmark` through a server, beside those of an independent client (aiperf) on the same requests.

    python -m venv client_venv && client_venv/bin/pip install aiperf     # its own environment: its pins are not ours
    python benchmarks/bench_vs_client.py --client client_venv/bin/aiperf --tokenizer FOLDER
        [--requests 20] [--prompt 64] [--output 32] [--rounds 4]

llama_cpp.server with the built-in model on loopback, one thread; both send the same prompts with the same fields, one request at a
time, in the order A B B A. A pass-through between client and server notes when each request came and each token left, so that
a client is compared with the wire on the very same requests: the other client's turn is a minute away, and on a machine with
neighbours (or with a client of ten processes on two cores) the server is another one by then. The aim is 5% on `client / wire`.
Both clients count alike: TTFT is the first chunk with text - sent, TPOT (last - first) / (chunks - 1) of each request.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from machine import card, others_cpu
from wire import Wire, listening

from modelwright.engines import bench
from modelwright.engines.bench_prompts import WORDS
from modelwright.engines.child import Job
from modelwright.modelrefs import resolve
from modelwright.tools import _bench

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests import llama_server

ANSWER = {"role": "assistant", "content": "."}
Times = tuple[float, float]
"""TTFT and TPOT, medians over the requests, ms"""


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
    command += ["--tokenizer", args.tokenizer, "--input-file", str(data), "--custom-dataset-type", "single_turn"]
    command += ["--extra-inputs", json.dumps(fields), "--concurrency", "1", "--request-count", str(args.requests)]
    command += ["--artifact-dir", str(folder), "--ui", "none"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent)}  # offline it takes no folder as a tokenizer
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    records = sorted(folder.rglob("profile_export.jsonl"))
    if done.returncode or not records:
        raise SystemExit(f"the client failed: {(done.stderr or done.stdout)[-1500:]}")
    found = [json.loads(line)["metrics"] for line in records[0].read_text(encoding="utf-8").splitlines()]
    gaps = [statistics.mean(one["inter_chunk_latency"]["value"]) for one in found if one.get("inter_chunk_latency")]
    return statistics.median(one["time_to_first_token"]["value"] for one in found), statistics.median(gaps)


def main() -> None:
    args = _arguments()
    version = subprocess.run([args.client, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    print(card("llama-cpp-python", "httpx"), f"; client aiperf {version}", flush=True)
    chance = random.Random(1)
    prompts = [" ".join(chance.choice(WORDS) for _ in range(args.prompt)) for _ in range(args.requests)]
    context = max(512, args.prompt * 2 + args.output + 128)
    with tempfile.TemporaryDirectory() as name, llama_server.running(context, interrupt_requests="false") as server:
        root = Path(name)
        (root / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in prompts), encoding="utf-8")
        rows = [{"messages": [{"role": "user", "content": text}, ANSWER]} for text in prompts]
        (root / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        warm_up(server)
        with listening(server, args.output) as wire:
            a, b = _rounds(args, root, wire)
    print(f"{args.requests} requests of {args.prompt} words and {args.output} tokens, one at a time, {args.rounds} rounds in turn")
    _table(a, b)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, help="path of aiperf")
    parser.add_argument(
        "--tokenizer", required=True, help="folder with tokenizer.json; aiperf counts words with it, nothing here depends on it"
    )
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--prompt", type=int, default=64, help="words of a prompt")
    parser.add_argument("--output", type=int, default=32, help="tokens of an answer")
    parser.add_argument("--rounds", type=int, default=4)
    return parser.parse_args()


Pair = tuple[Times, Times]
"""what the client says, and the wire, of the same requests"""


def _rounds(args: argparse.Namespace, root: Path, wire: Wire) -> tuple[list[Pair], list[Pair]]:
    a: list[Pair] = []
    b: list[Pair] = []
    for number in range(args.rounds):
        for side in ("b", "a") if number % 2 else ("a", "b"):
            wire.forget()
            run, found = (theirs, a) if side == "a" else (ours, b)
            said = run(wire.address, root / f"{side}.jsonl", args, root / f"{side}-{number}")
            found.append((said, wire.medians()))
            who = "aiperf" if side == "a" else "benchmark"
            print(f"  {who}: TTFT {said[0]:.1f} ms, wire {found[-1][1][0]:.1f}; others use {others_cpu():.1f} cores", flush=True)
    return a, b


def _table(a: list[Pair], b: list[Pair]) -> None:
    print(f"{'median of':>10} {'':>10} {'client ms':>10} {'wire ms':>9} {'client/wire':>12}   each round's")
    for label, place in (("TTFT", 0), ("TPOT", 1)):
        shares = {}
        for who, side in (("aiperf", a), ("benchmark", b)):
            ratios = [said[place] / seen[place] for said, seen in side]
            shares[who] = statistics.median(ratios)
            said, seen = (statistics.median(pair[part][place] for pair in side) for part in (0, 1))
            rounds = " ".join(f"{ratio:.3f}" for ratio in ratios)
            print(f"{label:>10} {who:>10} {said:>10.2f} {seen:>9.2f} {shares[who]:>12.3f}   {rounds}")
        print(f"{label:>10} {'ratio':>10} benchmark over aiperf, each over its wire: {shares['benchmark'] / shares['aiperf']:.3f}")


if __name__ == "__main__":
    main()
