"""One streamed chat answer as a benchmark sees it: when each non-empty chunk came, and what the server says it counted.

A chunk with a role alone, a comment or a blank line is no token. An answer is whole after `[DONE]` or a finish_reason.
The text itself is thrown away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from modelwright.engines.load_types import Json, clock
from modelwright.text import one_line, redact


class RequestFailed(Exception):
    """A request that did not end well, in one line."""


@dataclass
class Stream:
    """What came of one answer so far."""

    chunks: list[float] = field(default_factory=list)
    usage: Json = field(default_factory=dict)
    finish: str = ""
    done: bool = False

    def take(self, line: str, most: int) -> None:
        if not line.startswith("data:"):
            return
        data = line[5:].strip()
        if data == "[DONE]":
            self.done = True
            return
        body = _object(data)
        if body.get("error"):
            raise RequestFailed(f"the server ended its answer with an error: {said(body['error'])}")
        if isinstance(body.get("usage"), dict):
            self.usage = body["usage"]
        for choice in (body.get("choices") or [])[:1]:
            delta = choice.get("delta") or choice.get("message") or {}
            if delta.get("content") or delta.get("reasoning_content") or delta.get("tool_calls"):
                self.chunks.append(clock())
            self.finish = choice.get("finish_reason") or self.finish
        if len(self.chunks) > 2 * most + 16:
            raise RequestFailed(f"the server does not end: {len(self.chunks)} chunks for at most {most} tokens")


def _object(data: str) -> Json:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RequestFailed(f"the server sent what is no JSON object: {one_line(redact(data), 80)!r}")
    return body


def said(told: Any) -> str:
    """The words of an error body, whichever of the usual shapes it has."""
    try:
        found = json.loads(told) if isinstance(told, str) else told
    except ValueError:
        found = told
    inner = found.get("error", found) if isinstance(found, dict) else found
    words = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    return one_line(redact(str(words or told)), 160)
