"""The warm child of the planning model: `python -m modelwright.engines.complete MODEL.gguf THREADS`.

A server, not a job: one JSON object a line on stdin, one on stdout, until stdin ends, and so never longer than its
parent. It first says {"ready": true}. Then {"text", "prefixes"} gives {"scores", "prompt_tokens"}: for each prefix
the log-probability in nats of the text after it. The keys and values of a prefix (1 MB for 45 tokens) are kept, so a
second question costs only its own text. It does NOT generate.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from typing import IO, Any

import numpy as np

from modelwright.errors import ModelwrightError, ToolFailed

CONTEXT = 1024
KEPT_PREFIXES = 64
LONGEST_PREFIX, LONGEST_TEXT = 512, 256
"""Tokens; of a longer text the end counts. At 130 tokens/s that is 2 s for each prefix."""

Json = dict[str, Any]
State = tuple[bytes, "np.ndarray[Any, np.dtype[np.float64]]"]


class Scorer:
    """One open model and the states after the prefixes that it was asked about."""

    def __init__(self, path: str, threads: int) -> None:
        from modelwright.engines import llama

        self._llama = llama
        self._llm = llama.load(path, n_ctx=CONTEXT, threads=threads)
        self._states: dict[str, State] = {}
        self.tokens = 0
        """Tokens read since the last `answer`."""

    def answer(self, question: Json) -> Json:
        self.tokens = 0
        scores = [self.score(prefix, question["text"]) for prefix in question["prefixes"]]
        return {"scores": scores, "prompt_tokens": self.tokens}

    def score(self, prefix: str, text: str) -> float:
        """log p(text | prefix), in nats."""
        state, last = self._after(prefix)
        length = min(len(self._ids(prefix)), LONGEST_PREFIX)
        ids = self._ids(text)[-LONGEST_TEXT:]
        self._restore(state)
        rows = np.vstack([last, self._read(ids[:-1], length)]) if len(ids) > 1 else last[None]
        rows = rows - rows.max(axis=1, keepdims=True)
        picked = rows[np.arange(len(ids)), ids] - np.log(np.exp(rows).sum(axis=1))
        return float(picked.sum())

    def _after(self, prefix: str) -> State:
        if prefix not in self._states:
            if len(self._states) >= KEPT_PREFIXES:
                self._states.clear()
            self._forget()
            last = self._read(self._ids(prefix)[-LONGEST_PREFIX:], 0)[-1]
            self._states[prefix] = (self._save(), last)
        return self._states[prefix]

    def _ids(self, text: str) -> list[int]:
        return self._llama.tokenize(self._llm, text, add_bos=False, special=False)

    def _read(self, ids: list[int], position: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Put `ids` into the sequence at `position`; the logits after each."""
        api, context = self._llama.llama_cpp, self._llm.ctx
        rows = []
        for start in range(0, len(ids), 256):
            part = ids[start : start + 256]
            self._llama.decode(context, part, position + start)
            rows.append(np.ctypeslib.as_array(api.llama_get_logits(context), shape=(len(part), self._llm.n_vocab())).astype(np.float64))
        self.tokens += len(ids)
        return np.vstack(rows)

    def _forget(self) -> None:
        api = self._llama.llama_cpp
        api.llama_memory_clear(api.llama_get_memory(self._llm.ctx), True)

    def _save(self) -> bytes:
        api, context = self._llama.llama_cpp, self._llm.ctx
        size = api.llama_state_seq_get_size(context, 0)
        buffer = (ctypes.c_uint8 * size)()
        api.llama_state_seq_get_data(context, buffer, size, 0)
        return bytes(buffer)

    def _restore(self, state: bytes) -> None:
        self._forget()
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        self._llama.llama_cpp.llama_state_seq_set_data(self._llm.ctx, buffer, len(state), 0)


def serve(path: str, threads: int, lines: IO[str], out: IO[str]) -> int:
    """Answer until `lines` ends. A question that fails is answered with its error."""
    try:
        scorer = Scorer(path, threads)
    except ModelwrightError as error:
        _say(out, {"error": error.as_json()})
        return 1
    _say(out, {"ready": True})
    for line in lines:
        try:
            reply = scorer.answer(json.loads(line))
        except ModelwrightError as error:
            reply = {"error": error.as_json()}
        except (ValueError, LookupError, TypeError) as error:
            reply = {"error": ToolFailed(f"not a question: {error!r:.200}").as_json()}
        _say(out, reply)
    return 0


def _say(out: IO[str], message: Json) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def main() -> int:
    """What libraries print goes to stderr; stdout is the protocol's alone."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        return serve(sys.argv[1], int(sys.argv[2]), sys.stdin, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
