"""How surprised one model is by a text, or by the reference answers of conversations.

spec: {"model", "texts": [text …] or "conversations": [[{"role", "content"} …] …], "threads", "cache_dir", "engine"?}
result: {"name": "perplexity" | "answer_perplexity", "perplexity", "nll": [nats …], "tokens": [count …], "engine",
         "window", "adds_bos", "seconds", "note"}, one entry of nll and tokens per window or conversation, for pairing.

Texts follow llama.cpp's own definition (tools/perplexity): joined by a blank line, cut into windows of 512 tokens with
a BOS in front if the model wants one, and the second half of each window scored; a rest that fills no window is not.
answer_perplexity is over the tokens of the last answer and its end of turn, given the prompt.

Not here: KL divergence. Numbers of different runtimes or tokenizers are not comparable; the result says so.
"""

from __future__ import annotations

import math
import time
from typing import Any

from modelwright.engines import runtimes
from modelwright.engines.child import Job
from modelwright.errors import DataError
from modelwright.modelrefs import Model

Json = dict[str, Any]
WINDOW = 512
SMALLEST_WINDOW = 32
LONGEST_CONVERSATION = 4096
"""The logits of every position are held at once: 0.8 GB for a vocabulary of 49,152."""
NOTE = "comparable only between models with the same tokenizer, run by the same runtime on the same data"


def run(spec: Json, job: Job) -> Json:
    model = Model(**spec["model"])
    runtime = runtimes.open_runtime(model, engine=spec.get("engine"), cache_dir=spec["cache_dir"], threads=spec["threads"])
    if spec.get("texts"):
        name, (windows, size) = "perplexity", text_windows(runtime, spec["texts"])
    else:
        name, (windows, size) = "answer_perplexity", answer_windows(runtime, spec["conversations"])
    runtime.load(size)
    began = time.monotonic()
    nll = _score(runtime, windows, job)
    counts = [len(tokens) - first for tokens, first in windows]
    return {
        "name": name,
        "perplexity": math.exp(sum(nll) / sum(counts)),
        "nll": nll,
        "tokens": counts,
        "engine": runtime.name,
        "note": NOTE,
        "window": size if name == "perplexity" else None,
        "adds_bos": runtime.adds_bos,
        "seconds": time.monotonic() - began,
    }


def text_windows(runtime: runtimes.Runtime, texts: list[str]) -> tuple[list[tuple[list[int], int]], int]:
    """Windows of 512 tokens with the place where scoring starts; one shorter window if there is less text than that."""
    tokens = runtime.encode("\n\n".join(texts), plain=True)
    size = min(WINDOW, len(tokens), runtime.context)
    if size < SMALLEST_WINDOW:
        raise DataError(f"the text has only {len(tokens)} tokens, perplexity needs at least {SMALLEST_WINDOW}", fix="give more text")
    windows = []
    for start in range(0, len(tokens) - size + 1, size):
        window = tokens[start : start + size]
        if runtime.adds_bos:
            window = [tokens[0], *window[1:]]  # as llama.cpp: BOS takes the place of the first token
        windows.append((window, size // 2 + 1))  # the logits at size/2 are the first that count, and they predict the next token
    return windows, size


def answer_windows(runtime: runtimes.Runtime, conversations: list[runtimes.Messages]) -> tuple[list[tuple[list[int], int]], int]:
    windows = [runtimes.encode_answer(runtime, messages, number) for number, messages in enumerate(conversations, 1)]
    limit = min(runtime.context, LONGEST_CONVERSATION)
    for number, (tokens, first) in enumerate(windows, 1):
        if len(tokens) > limit:
            raise DataError(f"conversation {number} has {len(tokens)} tokens, at most {limit} can be scored", fix="shorten that row")
        if len(tokens) == first:
            raise DataError(f"conversation {number} has an empty answer", fix="give it an answer or remove the row")
    return windows, max(len(tokens) for tokens, _ in windows)


def _score(runtime: runtimes.Runtime, windows: list[tuple[list[int], int]], job: Job) -> list[float]:
    sums, began, scored = [], time.monotonic(), 0
    for done, (tokens, first) in enumerate(windows, 1):
        sums.append(math.fsum(runtime.nll(tokens, first)))
        scored += len(tokens)
        seconds = time.monotonic() - began
        job.progress(
            f"scored {done} of {len(windows)}",
            step=done,
            steps=len(windows),
            tokens_per_second=scored / max(seconds, 1e-9),
            eta_seconds=seconds / done * (len(windows) - done),
        )
    return sums
