"""llama.cpp under load, in this process: several sequences in one context, batched as they come and go.

Two facts to know. Each step decodes one token for every running request and fills the rest of the batch with prompts, as
llama.cpp's server does, so a long prompt makes the others wait. And with one request at a time it is llama-bench's loop
plus the choice of the likeliest token (20 microseconds for 49152).

Greedy only; no grammar, no sampling. Nothing of a request is kept for the next unless prefix_cache is on: then a slot
keeps its last prompt.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from modelwright.engines import llama
from modelwright.engines.load_types import Ended, Json, Load, Options, Request, clock, refuse_too_long, unheard
from modelwright.engines.runtimes import LlamaRuntime
from modelwright.errors import BadRequest, ModelRefError
from modelwright.modelrefs import Model
from modelwright.scoring.latency import Record

BATCH, MICRO_BATCH = 2048, 512
"""llama.cpp's own defaults."""
Tokens = list[int]


@dataclass
class Slot:
    """One sequence of the context, and the request that it works on."""

    id: int
    index: int = -1
    prompt: Tokens = field(default_factory=list)
    wanted: int = 0
    scheduled: float = 0.0
    sent: float = 0.0
    read: int = 0
    """Tokens of the prompt that are in the sequence."""
    reused: int = 0
    kept: Tokens = field(default_factory=list)
    """The prompt that the sequence still holds from the request before."""
    chunks: list[float] = field(default_factory=list)
    last: int = 0

    @property
    def busy(self) -> bool:
        return self.index >= 0

    @property
    def writes(self) -> bool:
        return self.busy and self.read == len(self.prompt)


class Context:
    """A llama.cpp context of `slots` sequences of at most `length` tokens each, with one batch to fill."""

    def __init__(self, model: Any, slots: int, length: int, threads: int) -> None:
        api = llama.llama_cpp
        params = api.llama_context_default_params()
        self.length = -(-length // 256) * 256  # llama.cpp pads to this
        params.n_ctx, params.n_seq_max = self.length * slots, slots
        params.n_batch, params.n_ubatch = BATCH, MICRO_BATCH
        params.n_threads = params.n_threads_batch = threads
        self.slots = slots
        self.pointer = api.llama_init_from_model(model, params)
        if not self.pointer:
            said = "; ".join(list(llama.log_lines)[-2:])
            raise ModelRefError(f"llama.cpp makes no context of {slots} x {self.length} tokens: {said[:200]}", fix="lower concurrency")
        self.memory = api.llama_get_memory(self.pointer)
        self.batch = api.llama_batch_init(BATCH, 0, 1)

    def clear(self) -> None:
        llama.llama_cpp.llama_memory_clear(self.memory, True)

    def add(self, sequence: int, token: int, position: int, logits: bool) -> int:
        """Put one token into the batch; its place in it."""
        batch, at = self.batch, self.batch.n_tokens
        batch.token[at], batch.pos[at], batch.logits[at] = token, position, logits
        batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
        batch.n_tokens = at + 1
        return int(at)

    def decode(self) -> None:
        """Run what is in the batch and empty it."""
        code = llama.llama_cpp.llama_decode(self.pointer, self.batch)
        self.batch.n_tokens = 0
        if code:
            raise ModelRefError(f"llama.cpp could not run the model (code {code}): {'; '.join(llama.log_lines)[-200:]}")

    def close(self) -> None:
        if self.pointer:
            llama.llama_cpp.llama_batch_free(self.batch)
            llama.llama_cpp.llama_free(self.pointer)
            self.pointer = None


class LlamaTarget:
    """A GGUF file. `slots` is the most requests at once, `longest` the most tokens of one with its answer (at most the model's)."""

    name = "llama.cpp"

    def __init__(self, model: Model, options: Options, *, threads: int, slots: int, longest: int) -> None:
        if model.kind != "gguf":
            raise BadRequest(f"{model.ref} is no GGUF file, so llama.cpp cannot run it", fix="export_model format=gguf first")
        self._runtime = LlamaRuntime(model, threads)
        self._options, self._slots, self._longest = options, slots, min(longest, self._runtime.context)
        self._threads = llama.thread_count(threads)
        self._llm = llama.load(model.path, n_ctx=256, threads=self._threads)
        self._width = self._llm.n_vocab()
        self._ends = np.array([token for token in range(self._width) if llama.ends_generation(self._llm, token)], dtype=np.int64)
        self._context: Context | None = None
        self._table = [Slot(number) for number in range(slots)]
        self.fresh()

    def fresh(self) -> None:
        """A new context: the memory of one may by chance lie better than that of another."""
        if self._context:
            self._context.close()
        self._table = [Slot(number) for number in range(self._slots)]
        self._context = Context(self._llm.model, self._slots, self._longest, self._threads)

    def card(self) -> Json:
        assert self._context
        return {
            "engine": self.name,
            "version": llama.llama_cpp.__version__,
            "build": (llama.llama_cpp.llama_print_system_info() or b"").decode("utf-8", "replace").strip(),
            "threads": self._threads,
            "slots": self._slots,
            "context_per_slot": self._context.length,
            "batch": BATCH,
            "micro_batch": MICRO_BATCH,
            "kv_cache_type": "f16",
            "flash_attention": "auto",
            "sampling": "greedy",
        }

    def pids(self) -> list[int]:
        return [psutil.Process().pid]

    def close(self) -> None:
        if self._context:
            self._context.close()

    def encode(self, request: Request) -> Tokens:
        """Exactly prompt_tokens of the text, or a conversation as its template writes it."""
        if request.messages:
            tokens = self._runtime.encode(self._runtime.render(list(request.messages), generation=True))
        else:
            tokens = exactly(self._runtime.encode(request.text, plain=True), request.prompt_tokens)
        refuse_too_long(request, len(tokens), self._longest)
        return tokens

    def run(self, requests: Sequence[Request], load: Load, ended: Ended = unheard) -> list[Record]:
        assert self._context
        return _Run(self, self._context, requests, load, ended).go()

    def choose(self, row: int) -> int:
        """The likeliest token after place `row` of the batch."""
        assert self._context
        logits = np.ctypeslib.as_array(llama.llama_cpp.llama_get_logits_ith(self._context.pointer, ctypes.c_int32(row)), (self._width,))
        if self._options.enforce_output and len(self._ends):
            logits[self._ends] = -np.inf
        return int(logits.argmax())

    def stops_at(self, token: int) -> bool:
        return not self._options.enforce_output and token in self._ends

    def prepare(self, slot: Slot) -> None:
        """Empty the slot's sequence, or leave in it what the new prompt begins with."""
        assert self._context
        same = _common(slot.kept, slot.prompt) if self._options.prefix_cache else 0
        slot.reused = slot.read = min(same, len(slot.prompt) - 1)  # the last token is read again: its logits are needed
        llama.llama_cpp.llama_memory_seq_rm(self._context.memory, slot.id, slot.read, -1)
        slot.kept = slot.prompt

    @property
    def table(self) -> list[Slot]:
        return self._table


class _Run:
    """One load, from the first request to the last."""

    def __init__(self, target: LlamaTarget, context: Context, requests: Sequence[Request], load: Load, ended: Ended) -> None:
        self._target, self._context, self._load, self._ended = target, context, load, ended
        self._prompts = {request.index: target.encode(request) for request in requests}
        self._waiting = deque(requests)
        self._order = [request.index for request in requests]
        self._slots = target.table[: load.concurrency]
        self._records: dict[int, Record] = {}
        self._began = 0.0

    def go(self) -> list[Record]:
        self._began = clock()
        due = deque(self._began + moment for moment in self._load.arrivals)
        while self._waiting or any(slot.busy for slot in self._slots):
            self._admit(due)
            if any(slot.busy for slot in self._slots):
                self._step()
            elif due:
                time.sleep(max(0.0, due[0] - clock()))
        return [self._records[index] for index in self._order]

    def _admit(self, due: deque[float]) -> None:
        """Give waiting requests to free slots; in an open load only those whose moment has come."""
        for slot in self._slots:
            if slot.busy or not self._waiting or (due and due[0] > clock()):
                continue
            request, now = self._waiting.popleft(), clock()
            slot.index, slot.prompt, slot.wanted = request.index, self._prompts[request.index], request.output_tokens
            slot.scheduled, slot.sent, slot.chunks = due.popleft() if due else now, now, []
            self._target.prepare(slot)

    def _step(self) -> None:
        """One batch: a token for each that writes, then as much of the prompts as fits."""
        rows = []
        for slot in self._slots:
            if slot.writes:
                rows.append((slot, self._context.add(slot.id, slot.last, len(slot.prompt) + len(slot.chunks) - 1, True)))
        for slot in self._slots:
            if slot.busy and not slot.writes and (at := self._fill(slot)) is not None:
                rows.append((slot, at))
        self._context.decode()
        for slot, row in rows:
            self._take(slot, self._target.choose(row))

    def _fill(self, slot: Slot) -> int | None:
        """Read on in the slot's prompt; the place of its last token once that is in the batch."""
        at = None
        part = slot.prompt[slot.read : slot.read + BATCH - self._context.batch.n_tokens]
        for token in part:
            is_last = slot.read == len(slot.prompt) - 1
            place = self._context.add(slot.id, token, slot.read, is_last)
            slot.read += 1
            at = place if is_last else None
        return at

    def _take(self, slot: Slot, token: int) -> None:
        slot.last = token
        slot.chunks.append(clock())
        if len(slot.chunks) >= slot.wanted or self._target.stops_at(token):
            self._end(slot)

    def _end(self, slot: Slot) -> None:
        times = [moment - self._began for moment in (slot.scheduled, slot.sent, *slot.chunks)]
        self._records[slot.index] = Record(
            index=slot.index,
            scheduled=times[0],
            sent=times[1],
            first=times[2],
            end=times[-1],
            chunks=tuple(times[2:]),
            prompt_tokens=len(slot.prompt),
            output_tokens=len(slot.chunks),
            wanted_tokens=slot.wanted,
            cached_tokens=slot.reused,
            finish="stop" if self._target.stops_at(slot.last) else "length",
        )
        slot.index = -1
        self._ended()


def exactly(tokens: Tokens, wanted: int) -> Tokens:
    """`wanted` of them, from the start, over again where there are too few."""
    return (tokens * math.ceil(wanted / len(tokens)))[:wanted]


def _common(a: Tokens, b: Tokens) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
