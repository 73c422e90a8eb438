"""One streamed chat completion, put together chunk by chunk (server-sent events, `data: {…}`).

Two facts to know. An answer is whole only after `[DONE]` or a finish_reason: without either the connection was cut, and
what came is thrown away. And ids, roles and fingerprints that the server sends are not looked at.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from modelwright.models.failures import CallFailed
from modelwright.text import one_line, redact

LONGEST_ANSWER = 200_000
"""Characters. A plan has a few hundred; beyond this a server has run away."""


@dataclass
class Streamed:
    """What has come so far."""

    text: list[str] = field(default_factory=list)
    chunks: int = 0
    characters: int = 0
    first_at: float = 0.0
    """time.monotonic() of the first token, be it of the answer or of its reasoning."""
    finish: str = ""
    done: bool = False
    usage: dict[str, Any] = field(default_factory=dict)

    @property
    def started(self) -> bool:
        return self.chunks > 0

    def take_line(self, line: str) -> bool:
        """Read one line of the stream; True when it carried data (comments and blank lines keep a connection open, no more)."""
        if not line.startswith("data:"):
            return False
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            self.done = True
        else:
            self.take(parsed(data))
        return True

    def take(self, body: dict[str, Any]) -> None:
        """Read one chunk, or a whole answer of a server that does not stream."""
        if body.get("error"):
            raise refused_in_stream(body["error"])
        if isinstance(body.get("usage"), dict):
            self.usage = body["usage"]
        choices = body.get("choices")
        for choice in choices[:1] if isinstance(choices, list) else []:
            self._take_choice(choice)

    def _take_choice(self, choice: Any) -> None:
        if not isinstance(choice, dict):
            raise malformed(str(choice))
        part = choice.get("delta") or choice.get("message") or {}
        said = part.get("content") if isinstance(part, dict) else None
        thought = part.get("reasoning_content") if isinstance(part, dict) else None
        if said or thought:
            self.chunks += 1
            self.first_at = self.first_at or time.monotonic()
        if isinstance(said, str):
            self.text.append(said)
            self.characters += len(said)
        if self.characters > LONGEST_ANSWER:
            raise CallFailed(f"the server's answer is longer than {LONGEST_ANSWER} characters", read=True)
        self.finish = choice.get("finish_reason") or self.finish

    def check_whole(self) -> None:
        if not (self.done or self.finish):
            raise CallFailed(f"the server ended the stream in the middle of its answer, after {self.chunks} chunks", again=True, read=True)

    def tokens(self, prompt_bytes: int) -> tuple[int, int, bool]:
        """(prompt, answer, estimated). A server that tells no usage is counted by chunks, one token each."""
        prompt, output = self.usage.get("prompt_tokens"), self.usage.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(output, int):
            return prompt, output, False
        return prompt_bytes // 4, self.chunks, True


def parsed(data: str) -> dict[str, Any]:
    """A JSON object, or CallFailed that shows what came instead."""
    try:
        body = json.loads(data)
    except ValueError:
        raise malformed(data) from None
    if not isinstance(body, dict):
        raise malformed(data)
    return body


def malformed(data: str) -> CallFailed:
    return CallFailed(f"the server sent what is no JSON object: {one_line(redact(data), 80)!r}", again=True, read=True)


def refused_in_stream(error: Any) -> CallFailed:
    told = error.get("message") if isinstance(error, dict) else error
    return CallFailed(f"the server ended its answer with an error: {one_line(redact(str(told)), 160)}", again=True, read=True)
