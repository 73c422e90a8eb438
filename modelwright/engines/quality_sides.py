"""One model whose logits are compared: a GGUF file in llama.cpp, or a folder in transformers, whole or quantized at load.

Two facts to know. `logits(tokens, first)` has one row for each of `tokens[first:]`, the row that predicts it. And every
side reads a window in one go from an empty cache, so a quantized KV cache acts as it does in a long prompt.

What makes a folder smaller stands in `low_bit`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from modelwright.engines import gguf_header, low_bit
from modelwright.errors import ModelRefError
from modelwright.files import discard
from modelwright.modelrefs import Model

Logits = np.ndarray[Any, np.dtype[np.float32]]
PROMPT, WRITTEN = 16, 24
"""Tokens of one measurement of writing: read, then written one by one."""


class Side(Protocol):
    name: str
    bytes: int
    """Of the file, or of the weights in memory."""
    bits_per_weight: float
    vocabulary: int

    def logits(self, tokens: list[int], first: int) -> Logits:
        """[len(tokens) - first, vocabulary]: row i predicts tokens[first + i]."""

    def write(self, prompt: list[int]) -> float:
        """Seconds to write WRITTEN tokens after `prompt`."""

    def close(self) -> None: ...


class LlamaSide:
    """A GGUF file; `cache_type` is that of keys and values, None is llama.cpp's own (f16)."""

    def __init__(self, name: str, path: str, *, context: int, threads: int, cache_type: str | None = None) -> None:
        from modelwright.engines import llama

        header = gguf_header.read(Path(path))
        self.name, self.bytes, self.bits_per_weight = name, Path(path).stat().st_size, header.bits_per_weight
        self._llama = llama
        self._llm = _open(path, context, threads, cache_type) if cache_type else llama.load(path, n_ctx=context, threads=threads)
        self.vocabulary = int(self._llm.n_vocab())

    def logits(self, tokens: list[int], first: int) -> Logits:
        return self._llama.all_logits(self._llm, tokens)[first - 1 : len(tokens) - 1]

    def write(self, prompt: list[int]) -> float:
        api, context = self._llama.llama_cpp, self._llm.ctx
        api.llama_memory_clear(api.llama_get_memory(context), True)
        self._llama.decode(context, prompt, 0)
        began, rows = time.perf_counter(), len(prompt)
        for position in range(len(prompt), len(prompt) + WRITTEN):
            last = np.ctypeslib.as_array(api.llama_get_logits(context), shape=(rows, self.vocabulary))[-1]
            self._llama.decode(context, [int(last.argmax())], position)
            rows = 1
        return time.perf_counter() - began

    def close(self) -> None:
        self._llm.close()


def _open(path: str, context: int, threads: int, cache_type: str) -> Any:
    """With a cache of another type. A quantized V needs flash attention."""
    from modelwright.engines import llama

    number = int(getattr(llama.llama_cpp, f"GGML_TYPE_{cache_type.upper()}"))
    given = {"n_ctx": context, "n_threads": threads, "n_threads_batch": threads}
    try:
        return llama.llama_cpp.Llama(path, **given, type_k=number, type_v=number, flash_attn=True, verbose=False)
    except (ValueError, RuntimeError) as error:
        said = "; ".join(list(llama.log_lines)[-2:]) or str(error)
        raise ModelRefError(f"llama.cpp has no {cache_type} cache for {path}: {said[:200]}", fix="choose another cache type") from None


class FolderSide:
    """A model in transformers. `weights` is how many the original has, 0 for itself; `stored` its bytes, if not those in memory."""

    def __init__(self, name: str, network: Any, weights: int = 0, *, stored: int = 0) -> None:
        self.name, self._network = name, network.eval()
        self.bytes = stored or int(network.get_memory_footprint(return_buffers=False))
        self.weights = weights or sum(parameter.numel() for parameter in network.parameters())
        self.bits_per_weight = self.bytes * 8 / self.weights
        self.vocabulary = int(network.get_input_embeddings().num_embeddings)

    def logits(self, tokens: list[int], first: int) -> Logits:
        import torch

        with torch.inference_mode():
            ids = torch.tensor([tokens], device=self._network.device)
            rows = self._network(input_ids=ids, use_cache=False, logits_to_keep=len(tokens) - first + 1).logits[0, :-1]
        found: Logits = rows.float().cpu().numpy()
        return found

    def write(self, prompt: list[int]) -> float:
        """Reading the short prompt counts here: generate() does both."""
        import torch

        ids = torch.tensor([prompt], device=self._network.device)
        began = time.perf_counter()
        with torch.inference_mode():
            self._network.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, min_new_tokens=WRITTEN, max_new_tokens=WRITTEN
            )
        return time.perf_counter() - began

    def close(self) -> None:
        self._network = None


@dataclass(frozen=True)
class Folders:
    """How the quantized versions of one folder are opened."""

    model: Model
    cache_dir: Path
    scratch: Path
    texts: Sequence[str]
    """What GPTQ and AWQ are calibrated on."""
    weights: int

    def open(self, kind: str) -> FolderSide:
        if kind in low_bit.CALIBRATED:
            return self._calibrated(kind)
        return FolderSide(kind, low_bit.at_load(kind, self.model, self.cache_dir), self.weights)

    def _calibrated(self, kind: str) -> FolderSide:
        """Its bytes are those of the files: on a processor the weights are read back to float32 to be computed with."""
        folder = self.scratch / kind
        discard(folder)
        low_bit.make(kind, self.model, folder, self.texts, self.cache_dir)
        return FolderSide(kind, low_bit.open_calibrated(kind, folder), self.weights, stored=low_bit.stored_bytes(folder))
