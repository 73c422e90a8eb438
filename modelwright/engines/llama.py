"""llama.cpp, wrapped once: load a GGUF file quietly, tokenize, and get the logits of every position.

For child processes only: a native assert kills the process it runs in. What llama.cpp logs goes to the job's log at
warning level and above, and `log_lines` keeps the last ones for an error message. It does NOT generate text.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from modelwright.engines import gguf_header
from modelwright.errors import EngineMissing, ModelRefError

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # 2 threads that spin longer drop from 120 to 2 tokens/s beside another busy process
try:
    import llama_cpp
except ImportError as error:
    raise EngineMissing(f"llama-cpp-python is not installed ({error})", fix="pip install 'modelwright[llama]'") from None

_default_params = llama_cpp.llama_cpp.llama_model_default_params


def _params_without_amx() -> Any:
    """Built with GCC before 14, llama.cpp dies of SIGSEGV in its AMX kernels: the compiler drops the tile configuration.

    Which compiler built it cannot be asked, so where AMX is compiled in, its weight buffers are left out.
    """
    params = _default_params()
    params.use_extra_bufts = b"AMX_INT8 = 1" not in (llama_cpp.llama_print_system_info() or b"")
    return params


llama_cpp.llama_cpp.llama_model_default_params = _params_without_amx  # `Llama` has no argument for it

__all__ = [
    "all_logits",
    "decode",
    "ends_generation",
    "listening",
    "llama_cpp",
    "load",
    "log_lines",
    "thread_count",
    "token_text",
    "tokenize",
]

WARNING = 3
"""ggml's levels: 1 debug, 2 info, 3 warning, 4 error, 5 continues the last line."""

log_lines: deque[str] = deque(maxlen=40)
_listeners: list[Callable[[str], None]] = []
_level = 0
_line = ""


def _on_log(level: int, text: bytes | None, _: object) -> None:
    global _level, _line
    if level != 5:
        _level = level
    _line += (text or b"").decode("utf-8", "replace")
    while "\n" in _line:
        complete, _line = _line.split("\n", 1)
        _take_line(complete)


def _take_line(line: str) -> None:
    for listener in _listeners:
        listener(line)
    if _level >= WARNING and line.strip():
        log_lines.append(line.strip())
        print(line, file=sys.stderr)


_log_callback = llama_cpp.llama_log_callback(_on_log)  # kept alive here: llama.cpp holds the bare pointer
llama_cpp.llama_log_set(_log_callback, ctypes.c_void_p(0))


@contextlib.contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Give `listener` every line that llama.cpp logs meanwhile, of all levels."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def thread_count(threads: int) -> int:
    """0 means every core that nobody else keeps busy: beside one busy process, two threads are slower than one (17 and 33 tokens/s)."""
    if threads:
        return threads
    busy: float = psutil.cpu_percent(0.3) / 100 * (os.cpu_count() or 1)
    return max(1, len(os.sched_getaffinity(0)) - round(busy))


def load(path: str, *, n_ctx: int, threads: int, lora: str | None = None, vocab_only: bool = False) -> Any:
    """An open `llama_cpp.Llama`. Raises ModelRefError when the file, or the adapter, is damaged or of a kind that llama.cpp cannot load."""
    for file in filter(None, (path, lora)):
        gguf_header.read(Path(file))
    log_lines.clear()
    count = thread_count(threads)
    try:
        return llama_cpp.Llama(
            path,
            n_ctx=n_ctx,
            n_threads=count,
            n_threads_batch=count,
            lora_path=lora,
            vocab_only=vocab_only,
            verbose=False,
        )
    except (ValueError, RuntimeError) as error:
        reason = "; ".join(list(log_lines)[-2:]) or str(error)
        raise ModelRefError(f"llama.cpp cannot load {lora or path}: {reason[:300]}", fix="export it again, or use another model") from None


def tokenize(llm: Any, text: str, *, add_bos: bool, special: bool) -> list[int]:
    """Token ids of `text`; `special` reads <|im_end|> and the like as one token. BOS only if the model itself adds one."""
    ids: list[int] = llm.tokenize(text.encode("utf-8"), add_bos=add_bos, special=special)
    return ids


def ends_generation(llm: Any, token: int) -> bool:
    """Whether llama.cpp stops at this token (eos, end of turn …)."""
    return bool(llama_cpp.llama_vocab_is_eog(llama_cpp.llama_model_get_vocab(llm.model), token))


def token_text(llm: Any, token: int) -> str:
    """The token as the file names it; "" for -1, which stands for none."""
    text = llama_cpp.llama_vocab_get_text(llama_cpp.llama_model_get_vocab(llm.model), token) if token >= 0 else b""
    return bytes(text).decode("utf-8", "replace")


def all_logits(llm: Any, tokens: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The logits after each of `tokens`, [len(tokens), vocabulary]. The KV cache is cleared before."""
    if not 0 < len(tokens) <= llm.n_ctx():
        raise ValueError(f"{len(tokens)} tokens do not fit a context of {llm.n_ctx()}")
    context, width = llm.ctx, llm.n_vocab()
    llm.reset()
    llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
    logits = np.empty((len(tokens), width), dtype=np.float32)
    for start in range(0, len(tokens), llm.n_batch):
        part = tokens[start : start + llm.n_batch]
        decode(context, part, start)
        rows = np.ctypeslib.as_array(llama_cpp.llama_get_logits(context), shape=(len(part), width))
        logits[start : start + len(part)] = rows
    llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
    return logits


def decode(context: Any, tokens: list[int], position: int) -> None:
    """Put `tokens` into sequence 0 from `position` on; llama_get_logits has a row for each then."""
    batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
    try:
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position + i, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        code = llama_cpp.llama_decode(context, batch)
    finally:
        llama_cpp.llama_batch_free(batch)
    if code:
        raise ModelRefError(f"llama.cpp could not run the model (code {code}): {'; '.join(log_lines)[-200:]}", fix="use a shorter context")
