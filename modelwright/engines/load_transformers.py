"""transformers under load, in this process: the waiting requests, up to the concurrency, are answered together as one batch.

Two facts to know. A batch is static: a request that comes while it runs waits for its end, which is why an open load
shows queue time early. And answers are greedy by plain forward calls with a KV cache, so that each token has its time;
prompts are padded on the left, and the padding is computed too.

It has no prefix cache; asking for one is refused.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers

from modelwright.engines import hf
from modelwright.engines.load_llama import exactly
from modelwright.engines.load_types import Ended, Json, Load, Options, Request, clock, refuse_too_long, unheard
from modelwright.errors import BadRequest
from modelwright.modelrefs import Model
from modelwright.scoring.latency import Record

Tokens = list[int]


@dataclass
class Taken:
    """A request that was taken up."""

    index: int
    prompt: Tokens
    wanted: int
    scheduled: float
    sent: float
    chunks: list[float]
    finish: str = ""


class TransformersTarget:
    """A Hugging Face folder, an adapter on its base, or a GGUF file read back to float32."""

    name = "transformers"

    def __init__(self, model: Model, options: Options, *, threads: int, cache_dir: Path) -> None:
        if options.prefix_cache:
            raise BadRequest("transformers has no prefix cache to measure", fix="use engine=llama.cpp or an endpoint, or prefix_cache=off")
        if threads:
            torch.set_num_threads(threads)
        self._weights, self._tokenizer = hf.load(model, cache_dir)
        self._options = options
        self._context = int(getattr(self._weights.config, "max_position_embeddings", None) or 2**31)
        named = self._weights.generation_config.eos_token_id
        self._ends = sorted({*(named if isinstance(named, list) else [named]), self._tokenizer.eos_token_id} - {None})

    def fresh(self) -> None:
        """Nothing is kept between runs."""

    def card(self) -> Json:
        weights = self._weights
        return {
            "engine": self.name,
            "version": transformers.__version__,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": str(weights.device),
            "dtype": str(weights.dtype).removeprefix("torch."),
            "attention": str(getattr(weights.config, "_attn_implementation", "")),
            "batching": "static",
            "sampling": "greedy",
        }

    def pids(self) -> list[int]:
        return [psutil.Process().pid]

    def close(self) -> None:
        self._weights = None

    def encode(self, request: Request) -> Tokens:
        if request.messages:
            text = self._tokenizer.apply_chat_template(list(request.messages), tokenize=False, add_generation_prompt=True)
            tokens: Tokens = self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        else:
            tokens = exactly(self._tokenizer(request.text, verbose=False).input_ids, request.prompt_tokens)
        refuse_too_long(request, len(tokens), self._context)
        return tokens

    def run(self, requests: Sequence[Request], load: Load, ended: Ended = unheard) -> list[Record]:
        waiting = deque((request, self.encode(request)) for request in requests)
        began = clock()
        due = deque(began + moment for moment in load.arrivals)
        records: dict[int, Record] = {}
        while waiting:
            if due and due[0] > clock():
                time.sleep(due[0] - clock())
            batch = self._take(waiting, due, load.concurrency)
            with torch.inference_mode():
                self._answer(batch)
            for one in batch:
                records[one.index] = _record(one, began)
                ended()
        return [records[request.index] for request in requests]

    def _take(self, waiting: deque[tuple[Request, Tokens]], due: deque[float], most: int) -> list[Taken]:
        taken: list[Taken] = []
        while waiting and len(taken) < most and not (due and due[0] > clock()):
            (request, prompt), now = waiting.popleft(), clock()
            taken.append(Taken(request.index, prompt, request.output_tokens, due.popleft() if due else now, now, []))
        return taken

    def _answer(self, batch: list[Taken]) -> None:
        """Greedy, until the last of them is done; each notes the time of its own tokens only."""
        ids, mask = self._padded([one.prompt for one in batch])
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        cache: Any = None
        while any(not one.finish for one in batch):
            out = self._weights(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
            logits, cache = out.logits[:, -1], out.past_key_values
            if self._options.enforce_output:
                logits[:, self._ends] = -torch.inf
            ids = logits.argmax(-1, keepdim=True)
            tokens, now = ids[:, 0].tolist(), clock()
            for one, token in zip(batch, tokens, strict=True):
                self._note(one, token, now)
            mask = torch.cat([mask, mask.new_ones((len(batch), 1))], dim=1)
            positions = positions[:, -1:] + 1

    def _padded(self, prompts: list[Tokens]) -> tuple[Any, Any]:
        width, pad, device = max(map(len, prompts)), self._tokenizer.pad_token_id or 0, self._weights.device
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=device)
        return ids, torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)

    def _note(self, one: Taken, token: int, now: float) -> None:
        if one.finish:
            return
        one.chunks.append(now)
        if token in self._ends:
            one.finish = "stop"
        elif len(one.chunks) >= one.wanted:
            one.finish = "length"


def _record(one: Taken, began: float) -> Record:
    times = [moment - began for moment in (one.scheduled, one.sent, *one.chunks)]
    return Record(
        index=one.index,
        scheduled=times[0],
        sent=times[1],
        first=times[2],
        end=times[-1],
        chunks=tuple(times[2:]),
        prompt_tokens=len(one.prompt),
        output_tokens=len(one.chunks),
        wanted_tokens=one.wanted,
        cached_tokens=0,
        finish=one.finish,
    )
