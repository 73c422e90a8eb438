"""Text for the screen. All of it becomes Content or rich Text here: nothing that came from outside is ever read as markup."""

from __future__ import annotations

import re
from typing import Any

from rich.text import Text
from textual.content import Content

from modelwright.text import human_bytes, human_seconds, one_line, safe_text
from modelwright.types import Json

SPAN = re.compile(r"request\[(\d+):(\d+)\]")
FULL, EMPTY = "█", "░"


def plain(text: str, style: str = "") -> Content:
    """Lines of text as they are."""
    return Content.styled(safe_text(text), style)


def lines(*parts: str | Content | tuple[str, str]) -> Content:
    """Parts under each other; a pair is (text, style)."""
    made = [part if isinstance(part, Content) else plain(*part) if isinstance(part, tuple) else plain(part) for part in parts]
    return Content("\n").join(made)


def cell(text: str, style: str = "", *, limit: int = 400, right: bool = False) -> Text:
    """For a table: one line, no markup."""
    return Text(one_line(text, limit), style, justify="right" if right else "left", no_wrap=True, end="")


def bar(share: float, width: int) -> str:
    full = round(max(0.0, min(1.0, share)) * width)
    return FULL * full + EMPTY * (width - full)


def value_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value_text(v) for v in value)
    return "-" if value is None else safe_text(str(value))


def span_of(source: str, request: str) -> tuple[int, int] | None:
    """The characters of the request that an argument came from."""
    found = SPAN.search(source)
    span = (int(found[1]), int(found[2])) if found else None
    return span if span and 0 <= span[0] < span[1] <= len(request) else None


def request_with_span(request: str, source: str) -> Content:
    """The request with the place that the source names set in «», so that no colour is needed to see it."""
    span = span_of(source, request)
    if span is None:
        return plain(request, "$text-muted")
    before, inside, after = request[: span[0]], request[span[0] : span[1]], request[span[1] :]
    return Content.assemble(
        (safe_text(before), "$text-muted"), (f"«{safe_text(inside)}»", "bold underline"), (safe_text(after), "$text-muted")
    )


def estimate_texts(estimate: Json | None) -> tuple[str, str, str]:
    """Time, memory, disk."""
    if estimate is None:
        return "unknown", "unknown", "unknown"
    seconds = human_seconds(estimate.get("seconds", 0))
    if estimate.get("seconds_low") is not None and estimate.get("seconds_high") is not None:
        seconds = f"{human_seconds(estimate['seconds_low'])} to {human_seconds(estimate['seconds_high'])}"
    return seconds, human_bytes(estimate.get("memory_bytes", 0)), human_bytes(estimate.get("disk_bytes", 0))


def money(estimate: Json | None) -> str:
    cost = (estimate or {}).get("cost") or 0
    return f"{cost:.4f} US dollars" if cost else "no money"


def limits_of(text: str) -> Json:
    """ "seconds 3600" as {"seconds": 3600}; empty when it is not a bound and a number above zero."""
    name, _, number = text.strip().partition(" ")
    try:
        value = float(number)
    except ValueError:
        return {}
    if name not in BOUNDS or not 0 < value < float("inf"):
        return {}
    return {name: value if name in ("seconds", "cost") else int(value)}


BOUNDS = ("steps", "seconds", "tokens", "cost", "replans", "retries")
