"""The warm child of the planning model: `python -m modelwright.engines.complete MODEL.gguf THREADS [ADAPTER.gguf] [FOLDER]`.

A server, not a job: one JSON object a line on stdin, one on stdout, until stdin ends, and so never longer than its
parent. It first says {"ready": true}. Two kinds of questions, which share one context:
  score  {"text", "prefixes"} -> {"scores", "prompt_tokens"}: for each prefix log p(text | prefix), without the adapter
  draft  {"system", "user"} opens an answer; then {"pick": [texts], "forced"?: text, "follow"?: [[texts]]} adds `forced`
         and the likeliest of the texts to it -> {"index", "scores", "tokens"}. "" is the end of the turn. See pick.py.
Prefixes are kept: in memory, and those of drafts in FOLDER too, so a second process does not read them again.
It does NOT write anything but the texts that it is given.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import IO, Any

import numpy as np

from modelwright.engines.pick import Tokens, pick, trie
from modelwright.engines.sequence import Row, Sequence
from modelwright.errors import ModelwrightError, ToolFailed

CONTEXT = 1024
KEPT_PREFIXES = 64
LONGEST_PREFIX, LONGEST_TEXT = 512, 256
"""Tokens; of a longer text the end counts. At 130 tokens/s that is 2 s for each prefix."""
LONGEST_REQUEST = 640
"""Tokens of what a draft is made for; of a longer one the beginning and the end are read, half each."""
MARK = "\N{SYMBOL FOR NULL}text\N{SYMBOL FOR NULL}"
"""Stands in a chat for the words whose place is looked for."""

Json = dict[str, Any]
State = tuple[bytes, Row]


class Scorer:
    """One open model, the states after the prefixes that it was asked about, and the answer that is being drafted."""

    def __init__(self, path: str, threads: int, adapter: str | None = None, folder: Path | None = None) -> None:
        from modelwright.engines import llama

        self._llama = llama
        self._llm = llama.load(path, n_ctx=CONTEXT, threads=threads)
        self._sequence = Sequence(self._llm, path, adapter)
        self._folder = folder
        self._states: dict[str, State] = {}
        self._end_token: int | None = None
        self.tokens = 0
        """Tokens read since the last `answer`."""

    def answer(self, question: Json) -> Json:
        self.tokens = 0
        if "system" in question:
            return self.open(question["system"], question["user"])
        if "pick" in question:
            return self.pick(question["pick"], question.get("forced", ""), question.get("follow"))
        scores = [self.score(prefix, question["text"]) for prefix in question["prefixes"]]
        return {"scores": scores, "prompt_tokens": self.tokens}

    # scoring --------------------------------------------------------------------------------------------------

    def score(self, prefix: str, text: str) -> float:
        """log p(text | prefix), in nats, of the model as it is without its adapter."""
        self._sequence.use_adapter(False)
        state, last = self._after(prefix)
        ids = self._ids(text)[-LONGEST_TEXT:]
        self._sequence.restore(state, min(len(self._ids(prefix)), LONGEST_PREFIX))
        rows = np.vstack([last, self._read(ids[:-1])]) if len(ids) > 1 else last[None]
        rows = rows - rows.max(axis=1, keepdims=True)
        picked = rows[np.arange(len(ids)), ids] - np.log(np.exp(rows).sum(axis=1))
        return float(picked.sum())

    def _after(self, prefix: str) -> State:
        if prefix not in self._states:
            if len(self._states) >= KEPT_PREFIXES:
                self._states.clear()
            self._sequence.clear()
            last = self._read(self._ids(prefix)[-LONGEST_PREFIX:])[-1]
            self._states[prefix] = (self._sequence.save(), last)
        return self._states[prefix]

    def _ids(self, text: str, *, special: bool = False) -> Tokens:
        ids: Tokens = self._llama.tokenize(self._llm, text, add_bos=False, special=special)
        return ids

    def _read(self, ids: Tokens) -> Any:
        self.tokens += len(ids)
        return self._sequence.read(ids, every=True)

    # drafting -------------------------------------------------------------------------------------------------

    def open(self, system: str, user: str) -> Json:
        """Begin an answer to `user`. Its text is never read as the template's own tokens (<|im_end|> …)."""
        began = time.monotonic()
        self._sequence.use_adapter(True)
        before, after = self._template(system)
        kept = self._sequence.begin(self._ids(before, special=True), self._folder)
        ids = _both_ends(self._ids(user), LONGEST_REQUEST) + self._ids(after, special=True)
        self._sequence.read(ids)
        return {"prompt_tokens": self._sequence.length, "kept_tokens": kept, "seconds": time.monotonic() - began}

    def pick(self, texts: list[str], forced: str, follow: list[list[str]] | None) -> Json:
        began, length = time.monotonic(), self._sequence.length
        if not length:
            raise ToolFailed("no answer is open", fix="open one with system and user")
        if forced:
            self._sequence.read(self._ids(forced))
        ends = [self._ids(text) or [self._end()] for text in texts]
        then = [[(self._ids(text) or [self._end()])[0] for text in texts] for texts in follow] if follow else None
        index, scores = pick(trie(ends, then), self._sequence, len(texts))
        return {"index": index, "scores": scores, "tokens": self._sequence.length - length, "seconds": time.monotonic() - began}

    def _end(self) -> int:
        """The token that ends a turn: what the chat template writes after an answer, not what the file calls its end (SmolLM2's
        file has <|endoftext|> as end of turn, its template <|im_end|>)."""
        if self._end_token is None:
            _, after = self._rendered([*self._messages("s", "u"), {"role": "assistant", "content": MARK}], answer_next=False)
            ids = self._ids(after, special=True)
            self._end_token = ids[0] if ids else int(self._llm.token_eos())
        return self._end_token

    def _template(self, system: str) -> tuple[str, str]:
        """What the model's chat template writes before and after the user's words."""
        return self._rendered(self._messages(system, MARK), answer_next=True)

    def _messages(self, system: str, user: str) -> list[Json]:
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]

    def _rendered(self, messages: Any, *, answer_next: bool) -> tuple[str, str]:
        """The chat around MARK."""
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        source = self._llm.metadata.get("tokenizer.chat_template")
        if not source:
            raise ToolFailed("the planning model has no chat template", fix="use an instruct model")
        eos, bos = (self._llama.token_text(self._llm, token) for token in (self._llm.token_eos(), self._llm.token_bos()))
        render = Jinja2ChatFormatter(source, eos_token=eos, bos_token=bos, add_generation_prompt=answer_next)
        before, found, after = render(messages=messages).prompt.partition(MARK)
        if not found:
            raise ToolFailed("the planning model's chat template leaves out what is said", fix="use another model")
        return before, after


def _both_ends(ids: Tokens, longest: int) -> Tokens:
    return ids if len(ids) <= longest else ids[: longest // 2] + ids[-(longest - longest // 2) :]


def serve(scorer: Scorer, lines: IO[str], out: IO[str]) -> int:
    """Answer until `lines` ends. A question that fails is answered with its error."""
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


def start(arguments: list[str], lines: IO[str], out: IO[str]) -> int:
    """Open the model and serve; 1 when it cannot be opened, with the error as the only answer."""
    path, threads, adapter, folder = [*arguments, "", ""][:4]
    try:
        scorer = Scorer(path, int(threads), adapter or None, Path(folder) if folder else None)
    except ModelwrightError as error:
        _say(out, {"error": error.as_json()})
        return 1
    return serve(scorer, lines, out)


def _say(out: IO[str], message: Json) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def main() -> int:
    """What libraries print goes to stderr; stdout is the protocol's alone."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        return start(sys.argv[1:], sys.stdin, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
