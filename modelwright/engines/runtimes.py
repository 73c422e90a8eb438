"""One face for the two runtimes that answer here, llama.cpp and transformers: render, encode, generate, NLL.

A runtime opens light (tokenizer and chat template), so that prompts are measured before the weights are loaded with
just the context they need. Answers are greedy and end at the model's own end of turn; nothing of one prompt is kept
for the next, so the order of work, and a resume in the middle of it, changes no answer.

Not here: sampling, tools, images, endpoints.
"""

from __future__ import annotations

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from modelwright.errors import DataError, EngineMissing, ModelRefError
from modelwright.modelrefs import Model

Messages = list[dict[str, Any]]
BATCH = 8
ROWS = 128
"""Rows of logits in float64 at once: 50 MB for a vocabulary of 49,152. All of 4096 tokens together would take 5 GB."""
BATCH_TOKENS = 4096
"""Prompt and answer tokens of one batch together: 190 MB of float32 KV cache for the built-in model."""


@dataclass(frozen=True)
class Answer:
    text: str
    output_tokens: int
    finish: str
    """stop: the model ended its turn. length: max_new_tokens was reached."""


class Runtime(Protocol):
    name: str
    context: int
    """The longest sequence that the model was made for."""
    adds_bos: bool

    def render(self, messages: Messages, *, generation: bool) -> str: ...

    def encode(self, text: str, *, plain: bool = False) -> list[int]:
        """Token ids. `plain` text has no special tokens in it and gets a BOS if the model wants one."""

    def load(self, context: int) -> None: ...

    def batches(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[list[int]]:
        """Indexes of prompts that are answered together; the same for the same prompts."""

    def answer(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[Answer]: ...

    def nll(self, tokens: list[int], first: int) -> list[float]:
        """-log p of tokens[first:], each given all before it."""

    def ends_turn(self, token: int) -> bool: ...


def open_runtime(model: Model, *, engine: str | None, cache_dir: str, threads: int) -> Runtime:
    """llama.cpp for GGUF files, transformers for folders, or the one that `engine` names (a GGUF file can be read by both)."""
    if model.kind == "endpoint":
        raise EngineMissing(f"{model.ref}: evaluation over endpoints is not built yet", fix="name a model on this machine")
    wanted = engine or ("llama.cpp" if model.kind == "gguf" else "transformers")
    if wanted == "llama.cpp" and model.kind == "gguf":
        return LlamaRuntime(model, threads)
    return TransformersRuntime(model, Path(cache_dir), threads)


def encode_prompts(runtime: Runtime, prompts: Sequence[Messages], max_new_tokens: int) -> list[list[int]]:
    """Every prompt as tokens. Raises DataError for the first that the model's context cannot hold with its answer."""
    encoded = []
    for number, messages in enumerate(prompts, 1):
        tokens = runtime.encode(_render(runtime, messages, number, generation=True))
        if not tokens:
            raise DataError(f"prompt {number} is empty", fix="give it a user message")
        if len(tokens) + max_new_tokens > runtime.context:
            sizes = f"{len(tokens)} tokens and {max_new_tokens} new ones do not fit the model's context of {runtime.context}"
            raise DataError(f"prompt {number} is too long: {sizes}", fix="shorten that row or lower max_new_tokens")
        encoded.append(tokens)
    return encoded


def encode_answer(runtime: Runtime, messages: Messages, number: int) -> tuple[list[int], int]:
    """A conversation that ends with an answer, and where the answer's tokens start. They end with the end of turn."""
    prompt = _render(runtime, messages[:-1], number, generation=True)
    whole = _render(runtime, messages, number, generation=False)
    if not whole.startswith(prompt):
        raise DataError(
            f"conversation {number}: the chat template does not keep the prompt in front of the answer",
            fix="use a metric that compares texts instead of perplexity",
        )
    # Encoded apart, so that no token crosses from the prompt into the answer, as when the model generates.
    head, tail = runtime.encode(prompt), runtime.encode(whole[len(prompt) :])
    end = next((i + 1 for i, token in enumerate(tail) if runtime.ends_turn(token)), len(tail))
    return head + tail[:end], len(head)


def _render(runtime: Runtime, messages: Messages, number: int, *, generation: bool) -> str:
    try:
        return runtime.render(messages, generation=generation)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # what templates raise on roles they do not know
        reason = f"conversation {number} does not fit the model's chat template: {error}"[:300]
        raise DataError(reason, fix="check its roles and their order") from None


def no_template(model: Model) -> ModelRefError:
    return ModelRefError(f"{model.ref} has no chat template, so it cannot answer", fix="use metrics=perplexity, or an instruct model")


class LlamaRuntime:
    """A GGUF file in llama.cpp. Answers are written by several contexts of one thread each, one prompt at a time.

    Two contexts of one thread write 150 tokens/s where one of two threads writes 121, and beside a busy process they
    lose a half instead of nearly all. An answer does not depend on what the other contexts do.
    """

    name = "llama.cpp"

    def __init__(self, model: Model, threads: int) -> None:
        from modelwright.engines import llama

        self._model, self._threads, self._load = model, threads, llama.load
        self._all_logits, self._tokenize, self._ends_generation = llama.all_logits, llama.tokenize, llama.ends_generation
        self._llm = llama.load(model.path, n_ctx=512, threads=threads, vocab_only=True)
        metadata: dict[str, str] = self._llm.metadata
        self.context = int(metadata.get(f"{metadata.get('general.architecture')}.context_length", 512))
        self.adds_bos = metadata.get("tokenizer.ggml.add_bos_token", "false").lower() == "true"
        self._formatters: dict[bool, Any] = {}
        self._writers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers = llama.thread_count(threads)
        self._n_ctx = 512

    def render(self, messages: Messages, *, generation: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(self._formatter(generation)(messages=messages).prompt)
        except TemplateError as error:
            raise ValueError(str(error)) from None

    def _formatter(self, generation: bool) -> Any:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        if generation not in self._formatters:
            template = self._llm.metadata.get("tokenizer.chat_template")
            if not template:
                raise no_template(self._model)
            bos, eos = (self._piece(token) for token in (self._llm.token_bos(), self._llm.token_eos()))
            self._formatters[generation] = Jinja2ChatFormatter(template, eos_token=eos, bos_token=bos, add_generation_prompt=generation)
        return self._formatters[generation]

    def _piece(self, token: int) -> str:
        return self._llm.detokenize([token], special=True).decode("utf-8", "replace") if token >= 0 else ""

    def encode(self, text: str, *, plain: bool = False) -> list[int]:
        tokens: list[int] = self._tokenize(self._llm, text, add_bos=plain, special=not plain)
        return tokens

    def load(self, context: int) -> None:
        self._llm, self._n_ctx = self._load(self._model.path, n_ctx=context, threads=self._workers), context

    def batches(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[list[int]]:
        """Twice as many prompts as contexts, so that a long answer keeps only one of them waiting."""
        size = 2 * self._workers if self._workers > 1 else 1
        return [list(range(start, min(start + size, len(prompts)))) for start in range(0, len(prompts), size)]

    def answer(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[Answer]:
        while self._writers.qsize() < self._workers:
            self._writers.put(self._load(self._model.path, n_ctx=self._n_ctx, threads=1))
        with ThreadPoolExecutor(self._workers) as pool:
            return list(pool.map(lambda prompt: self._answer(prompt, max_new_tokens), prompts))

    def _answer(self, prompt: list[int], max_new_tokens: int) -> Answer:
        llm = self._writers.get()
        try:
            return self._written(llm, prompt, max_new_tokens)
        finally:
            self._writers.put(llm)

    def _written(self, llm: Any, prompt: list[int], max_new_tokens: int) -> Answer:
        llm.reset()  # a reused prefix is computed in other batches: last digits, and with them near-ties, would differ
        output: list[int] = []
        finish = "length"
        for token in llm.generate(prompt, temp=0.0):
            if self.ends_turn(token):
                finish = "stop"
                break
            output.append(token)
            if len(output) >= max_new_tokens:
                break
        return Answer(llm.detokenize(output, prev_tokens=prompt).decode("utf-8", "replace"), len(output), finish)

    def nll(self, tokens: list[int], first: int) -> list[float]:
        import numpy as np

        rows = self._all_logits(self._llm, tokens)[first - 1 : len(tokens) - 1]
        losses: list[float] = []
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS].astype(np.float64)
            part -= part.max(axis=1, keepdims=True)
            chosen = tokens[first + start : first + start + len(part)]
            losses += (np.log(np.exp(part).sum(axis=1)) - part[np.arange(len(part)), chosen]).tolist()
        return losses

    def ends_turn(self, token: int) -> bool:
        return bool(self._ends_generation(self._llm, token))


class TransformersRuntime:
    """A Hugging Face folder, an adapter on its base, or a GGUF file read back to float32."""

    name = "transformers"

    def __init__(self, model: Model, cache_dir: Path, threads: int) -> None:
        import torch

        from modelwright.engines import hf

        if threads:
            torch.set_num_threads(threads)
        self._weights, self._tokenizer = hf.load(model, cache_dir)
        self._model = model
        self.context = int(getattr(self._weights.config, "max_position_embeddings", None) or 2048)
        probe: list[int] = self._tokenizer("a").input_ids
        self.adds_bos = bool(probe) and probe[0] == self._tokenizer.bos_token_id
        self._ends = self._end_tokens()

    def _end_tokens(self) -> list[int]:
        named = self._weights.generation_config.eos_token_id
        ends = set(named if isinstance(named, list) else [named]) | {self._tokenizer.eos_token_id}
        return sorted(token for token in ends if token is not None)

    def render(self, messages: Messages, *, generation: bool) -> str:
        from jinja2 import TemplateError

        if not self._tokenizer.chat_template:
            raise no_template(self._model)
        try:
            return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation))
        except TemplateError as error:
            raise ValueError(str(error)) from None

    def encode(self, text: str, *, plain: bool = False) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=plain, verbose=False).input_ids
        return tokens

    def load(self, context: int) -> None:
        """Nothing: the weights came with the tokenizer, and the cache grows as it is needed."""

    def batches(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[list[int]]:
        """Prompts of like length together, so that little padding is computed."""
        by_length = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), index))
        groups: list[list[int]] = []
        for index in by_length:  # ascending, so this prompt is the longest of its group
            size = len(groups[-1]) + 1 if groups else BATCH + 1
            if size <= BATCH and size * (len(prompts[index]) + max_new_tokens) <= BATCH_TOKENS:
                groups[-1].append(index)
            else:
                groups.append([index])
        return groups

    def answer(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[Answer]:
        import torch
        from transformers import GenerationConfig

        width, pad = max(map(len, prompts)), self._tokenizer.pad_token_id
        pad = self._ends[0] if pad is None else pad
        device = self._weights.device
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)
        config = GenerationConfig(do_sample=False, max_new_tokens=max_new_tokens, eos_token_id=self._ends, pad_token_id=pad)
        # The model's own settings (a repetition penalty, say) would fill what is left open here.
        self._weights.generation_config = config
        with torch.inference_mode():
            output = self._weights.generate(input_ids=ids, attention_mask=mask, generation_config=config)
        return [self._cut(row) for row in output[:, width:].tolist()]

    def _cut(self, row: list[int]) -> Answer:
        end = next((i for i, token in enumerate(row) if token in self._ends), None)
        kept = row if end is None else row[:end]
        return Answer(self._tokenizer.decode(kept, skip_special_tokens=True), len(kept), "length" if end is None else "stop")

    def nll(self, tokens: list[int], first: int) -> list[float]:
        import torch

        with torch.inference_mode():
            ids = torch.tensor([tokens], device=self._weights.device)
            logits = self._weights(input_ids=ids, use_cache=False, logits_to_keep=len(tokens) - first + 1).logits[0, :-1].float()
            losses = torch.nn.functional.cross_entropy(logits, ids[0, first:], reduction="none")
        return [float(value) for value in losses]

    def ends_turn(self, token: int) -> bool:
        return token in self._ends
