"""One sequence in a llama.cpp context: read tokens, save and restore, with or without a LoRA adapter.

Two facts to know. Logits are made for the last token only unless all are asked for: with a vocabulary of 49152 they cost
a quarter of reading a prompt. And a kept prefix (23 kB a token) is used only with the very model, adapter, prefix and
llama.cpp that wrote it: its name is a hash of all four.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.engines import llama
from modelwright.engines.pick import Tokens
from modelwright.errors import ModelRefError

Row = np.ndarray[Any, np.dtype[np.float64]]
BATCH = 256
ENDS = 2**20
"""Bytes at each end of a file that identify it together with its size: a model's header and its last weights."""


class Sequence:
    """Sequence 0 of the model's context."""

    def __init__(self, llm: Any, path: str, adapter: str | None) -> None:
        self._llm, self._api = llm, llama.llama_cpp
        self._adapter = self._open_adapter(adapter) if adapter else None
        self._on = False
        self._identity = "".join(map(file_mark, filter(None, (path, adapter)))) + str(llama.llama_cpp.__version__)
        self.length = 0
        self.last: Row = np.zeros(0)
        """Logits after the last token."""
        self._prefix: tuple[Tokens, bool] = ([], False)
        """What the sequence begins with, and whether the adapter read it."""

    def _open_adapter(self, path: str) -> Any:
        found = self._api.llama_adapter_lora_init(self._llm.model, path.encode()) if os.path.isfile(path) else None
        if found is None:
            raise ModelRefError(f"llama.cpp cannot load the adapter {path} on this model", fix="rebuild it: make planner-adapter")
        return found

    def use_adapter(self, on: bool) -> None:
        """What was read before holds no longer when this changes."""
        if self._adapter is None or on == self._on:
            return
        adapters = (self._api.llama_adapter_lora_p_ctypes * 1)(self._adapter)
        self._api.llama_set_adapters_lora(self._llm.ctx, adapters, 1 if on else 0, (ctypes.c_float * 1)(1.0))
        self._on = on
        self.clear()

    def clear(self) -> None:
        self._api.llama_memory_clear(self._api.llama_get_memory(self._llm.ctx), True)
        self.length, self._prefix = 0, ([], False)

    def read(self, ids: Tokens, *, every: bool = False) -> Row:
        """Add `ids`; the logits after the last one, or after every one as rows."""
        rows = []
        for start in range(0, len(ids), BATCH):
            rows.append(self._decode(ids[start : start + BATCH], every or start + BATCH >= len(ids), every))
        self.last = rows[-1][-1]
        return np.vstack(rows) if every else self.last

    def _decode(self, ids: Tokens, wanted: bool, every: bool) -> Row:
        if self.length + len(ids) > self._llm.n_ctx():
            raise ModelRefError(f"{self.length + len(ids)} tokens do not fit the planning model's context of {self._llm.n_ctx()}")
        batch = self._api.llama_batch_init(len(ids), 0, 1)
        try:
            batch.n_tokens = len(ids)
            for i, token in enumerate(ids):
                batch.token[i], batch.pos[i], batch.logits[i] = token, self.length + i, every or (wanted and i == len(ids) - 1)
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            code = self._api.llama_decode(self._llm.ctx, batch)
        finally:
            self._api.llama_batch_free(batch)
        if code:
            raise ModelRefError(f"llama.cpp could not run the planning model (code {code})", fix="see `modelwright doctor`")
        self.length += len(ids)
        shape = (len(ids) if every else int(wanted), self._llm.n_vocab())
        if not shape[0]:
            return np.zeros(shape)
        return np.ctypeslib.as_array(self._api.llama_get_logits(self._llm.ctx), shape=shape).astype(np.float64)

    def save(self) -> bytes:
        size = self._api.llama_state_seq_get_size(self._llm.ctx, 0)
        buffer = (ctypes.c_uint8 * size)()
        self._api.llama_state_seq_get_data(self._llm.ctx, buffer, size, 0)
        return bytes(buffer)

    def restore(self, state: bytes, length: int) -> None:
        self.clear()
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        self._api.llama_state_seq_set_data(self._llm.ctx, buffer, len(state), 0)
        self.length = length

    def begin(self, prefix: Tokens, folder: Path | None) -> int:
        """Start anew with `prefix`, from where it was kept if it was; how many tokens need not be read."""
        if self._prefix == (prefix, self._on):
            self._cut(len(prefix))
            return len(prefix)
        self.clear()
        file = folder / f"prefix-{self._name(prefix)}.state" if folder else None
        kept = file is not None and self._load(file, prefix)
        if not kept:
            self.read(prefix)
            if file:
                self._keep(file, prefix)
        self._prefix = (list(prefix), self._on)
        return len(prefix) if kept else 0

    def _cut(self, length: int) -> None:
        self._api.llama_memory_seq_rm(self._api.llama_get_memory(self._llm.ctx), 0, length, -1)
        self.length = length

    def _name(self, prefix: Tokens) -> str:
        return hashlib.sha256(f"{self._identity} {self._on} {prefix}".encode()).hexdigest()[:32]

    def _load(self, file: Path, prefix: Tokens) -> bool:
        if not file.is_file():
            return False
        found, count = (self._api.llama_token * len(prefix))(), ctypes.c_size_t(0)
        read = self._api.llama_state_seq_load_file(self._llm.ctx, str(file).encode(), 0, found, len(prefix), ctypes.byref(count))
        if read and list(found) == prefix:
            self.length = len(prefix)
            return True
        self.clear()
        return False

    def _keep(self, file: Path, prefix: Tokens) -> None:
        """Best effort: a full disk or a read-only folder costs a second read, nothing else."""
        partial = file.with_suffix(f".{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            tokens = (self._api.llama_token * len(prefix))(*prefix)
            if self._api.llama_state_seq_save_file(self._llm.ctx, str(partial).encode(), 0, tokens, len(prefix)):
                partial.replace(file)
        except OSError:
            partial.unlink(missing_ok=True)


def file_mark(path: str) -> str:
    """Identifies a large file in a millisecond: the hash of its size, first and last MiB."""
    size = os.path.getsize(path)
    with open(path, "rb") as stream:
        head = stream.read(ENDS)
        stream.seek(max(0, size - ENDS))
        return hashlib.sha256(str(size).encode() + head + stream.read(ENDS)).hexdigest()
