"""`benchmark` in process beside llama.cpp's own benchmark loop: prefill and decode tokens per second, run in turn.

    python benchmarks/bench_vs_llama_loop.py [--model FILE.gguf] [--prompt 128] [--output 32] [--threads N] [--rounds 40]

The reference is written here against the C API as llama-bench does it: random token ids, no sampling, one llama_decode of
the prompt (`pp`), then one a token behind it (`tg` at that depth), after a warm-up. Both run in this process on their own
open model and a fresh context each round, in the order A B B A: many short rounds, as a busy neighbour then slows both alike. Prints
medians and the ratio of the two; the aim is 3%.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from pathlib import Path

from machine import card

from modelwright.engines import bench_prompts, llama
from modelwright.engines.load_llama import BATCH, MICRO_BATCH, LlamaTarget
from modelwright.engines.load_types import Options, closed
from modelwright.modelrefs import resolve
from modelwright.scoring.latency import values

Speeds = tuple[float, float]


class Loop:
    """llama-bench's test_prompt and test_gen."""

    def __init__(self, path: str, threads: int, prompt: int, output: int) -> None:
        api = self.api = llama.llama_cpp
        self.prompt, self.output = prompt, output
        self.params = api.llama_context_default_params()
        self.params.n_ctx = prompt + output
        self.params.n_batch, self.params.n_ubatch = BATCH, MICRO_BATCH
        self.params.n_threads = self.params.n_threads_batch = threads
        self.model = api.llama_model_load_from_file(path.encode(), api.llama_cpp.llama_model_default_params())
        self.width = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))

    def run(self) -> Speeds:
        context = self.api.llama_init_from_model(self.model, self.params)
        try:
            self._test_prompt(context, self.prompt)
            self._test_gen(context, 4)
            self.api.llama_memory_clear(self.api.llama_get_memory(context), False)
            began = time.perf_counter()
            self._test_prompt(context, self.prompt)
            between = time.perf_counter()
            self._test_gen(context, self.output)
            ended = time.perf_counter()
        finally:
            self.api.llama_free(context)
        return self.prompt / (between - began), self.output / (ended - between)

    def _test_prompt(self, context: object, count: int) -> None:
        done = 0
        while done < count:
            size = min(count - done, BATCH)
            tokens = (self.api.llama_token * size)(*(random.randrange(self.width) for _ in range(size)))
            assert self.api.llama_decode(context, self.api.llama_batch_get_one(tokens, size)) == 0
            done += size
        self.api.llama_synchronize(context)

    def _test_gen(self, context: object, count: int) -> None:
        token = (self.api.llama_token * 1)(random.randrange(self.width))
        for _ in range(count):
            assert self.api.llama_decode(context, self.api.llama_batch_get_one(token, 1)) == 0
            self.api.llama_synchronize(context)
            token[0] = random.randrange(self.width)


def ours(target: LlamaTarget, lengths: bench_prompts.Lengths, seed: int) -> Speeds:
    target.fresh()
    target.run(bench_prompts.made(lengths, 1, seed=seed, salt="warm"), closed(1))
    records = target.run(bench_prompts.made(lengths, 1, seed=seed, salt="real"), closed(1))
    prefill, decode = (values(records, name)[0] for name in ("prefill_tokens_per_second", "decode_tokens_per_second"))
    return prefill, decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--output", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()
    print(card("llama-cpp-python"))
    model = resolve(args.model, Path.cwd())
    lengths = bench_prompts.Lengths(args.prompt, args.output)
    options = Options(enforce_output=True, prefix_cache=False, timeout_seconds=600)
    target = LlamaTarget(model, options, threads=args.threads, slots=1, longest=lengths.longest)
    loop = Loop(model.path, args.threads, args.prompt, args.output)
    reference: list[Speeds] = []
    measured: list[Speeds] = []
    for number in range(args.rounds):
        first, second = (lambda: reference.append(loop.run())), (lambda seed=number: measured.append(ours(target, lengths, seed)))
        for call in (first, second) if number % 2 == 0 else (second, first):
            call()
        print(f"round {number + 1}: " + ", ".join(f"{b / a:.3f}" for a, b in zip(reference[-1], measured[-1], strict=True)), flush=True)
    print(f"{model.name}, {args.threads} threads, {args.prompt} prompt tokens, {args.output} output tokens, {args.rounds} rounds in turn")
    print(f"{'':>10} {'loop tok/s':>11} {'benchmark':>11} {'ratio':>7}   each round's ratio")
    for name, place in (("prefill", 0), ("decode", 1)):
        a, b = [one[place] for one in reference], [one[place] for one in measured]
        ratios = [y / x for x, y in zip(a, b, strict=True)]
        rounds = " ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{name:>10} {statistics.median(a):>11.2f} {statistics.median(b):>11.2f} {statistics.median(ratios):>7.3f}   {rounds}")


if __name__ == "__main__":
    main()
