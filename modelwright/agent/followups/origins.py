"""Where an argument of a plan came from, and what it is, as a person reads it: «Q4_K_M» of your request, the default, what s1 makes."""

from __future__ import annotations

import re
from typing import Any

from modelwright.graphs import references
from modelwright.text import one_line

_SPAN = re.compile(r"request\[(\d+):(\d+)\]")
_REFERENCE = re.compile(r"\$(\w+)\.(\w+)")


def in_words(source: str, request: str) -> str:
    """A source of plan: a place of the request is told by what stands there."""

    def place(match: re.Match[str]) -> str:
        start, end = int(match[1]), int(match[2])
        return f"«{one_line(request[start:end], 80)}» of your request" if start < end <= len(request) else "your request"

    return _SPAN.sub(place, source) or "no source"


def value_in_words(value: Any) -> str:
    """A list with commas; a result of an earlier step by that step."""
    if isinstance(value, list):
        return ", ".join(value_in_words(item) for item in value)
    if isinstance(value, str) and references.REFERENCE.match(value) and (made := _REFERENCE.match(value)):
        return f"what {made[1]} makes"
    return one_line(str(value), 80)
