"""A GGUF file as planning model, in a warm child process of its own (engines/complete.py).

It scores the text, not the answer: log p(text | examples of the choice), the noisy channel of Min et al. 2022
(arXiv 2108.04106). Measured with SmolLM2-135M on 24 requests in other words than the examples: 21 right, against 4
by the likelihood of the answer, 8 with that calibrated by a content-free text, and 12 with one-line descriptions in
place of examples. The child starts at the first choice; one that died is started once more, then it is EngineMissing.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from modelwright.engines.client import child_environment
from modelwright.errors import EngineMissing, from_json
from modelwright.models.base import Choice
from modelwright.types import Json

TIMEOUT_SECONDS = 120.0
"""Of one choice. It takes 1 to 5 s; beyond this the child hangs."""


def llama_installed() -> bool:
    return importlib.util.find_spec("llama_cpp") is not None


class BuiltinModel:
    def __init__(self, path: str, *, name: str = "builtin", threads: int = 1) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "modelwright.engines.complete", path, str(threads)]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the child, None while there is none."""
        return self._child.pid if self._child else None

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        started = time.monotonic()
        prefixes = [_prefix(choice, examples.get(choice, ())) for choice in choices]
        reply = self._ask({"text": f"{prompt}\n", "prefixes": prefixes})
        scores = dict(zip(choices, reply["scores"], strict=True))
        best = max(choices, key=lambda choice: scores[choice])
        return Choice(best, scores, reply["prompt_tokens"], 0, time.monotonic() - started)

    def close(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for stream in (child.stdin, child.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _ask(self, question: Json) -> Json:
        for last_try in (False, True):
            try:
                return self._exchange(question)
            except (OSError, EOFError) as error:
                self.close()
                if last_try:
                    reason = str(error) or "it ended without a word"
                    raise EngineMissing(f"the planning model cannot be reached: {reason}", fix="see `modelwright doctor`") from None
        raise AssertionError("unreachable")

    def _exchange(self, question: Json) -> Json:
        child = self._child or self._start()
        assert child.stdin
        child.stdin.write(json.dumps(question).encode() + b"\n")
        child.stdin.flush()
        return self._read(child)

    def _start(self) -> subprocess.Popen[bytes]:
        """Its own session, so that Ctrl-C reaches the parent alone; it ends when its stdin does."""
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=child_environment(),
        )
        self._read(self._child)
        return self._child

    def _read(self, child: subprocess.Popen[bytes]) -> Json:
        assert child.stdout
        ready, _, _ = select.select([child.stdout], [], [], TIMEOUT_SECONDS)
        if not ready:
            raise OSError(f"no answer in {TIMEOUT_SECONDS:.0f} s")
        line = child.stdout.readline()
        if not line:
            raise EOFError
        reply: Json = json.loads(line)
        if "error" in reply:
            self.close()
            raise from_json(reply["error"])
        return reply


def _prefix(choice: str, examples: Sequence[str]) -> str:
    return f"People who want to {choice} write:\n" + "".join(f"- {example}\n" for example in examples) + "- "
