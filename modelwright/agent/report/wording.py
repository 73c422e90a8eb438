"""How numbers, fields and outcomes are said, once for Markdown and HTML.

A field's unit is read from the end of its name: `_bytes`, `_seconds`, `_mb` … Nothing here is escaped; that is the
work of whoever writes it into a page.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from modelwright.text import counted, human_bytes, human_seconds
from modelwright.types import Json, Spent

CUT = 300
"""Characters of a text field that a table shows; the whole stands in the ledger."""
_SPAN = re.compile(r"^request\[(\d+):(\d+)\]$")


def number(value: float) -> str:
    """0.61234 -> '0.612', 12345 -> '12,345', 1.2e-7 -> '1.2e-07'."""
    if isinstance(value, int) or (abs(value) >= 1000 and math.isfinite(value)):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}"


def signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"


def interval(low: float | None, high: float | None, *, sign: bool = False) -> str:
    """'[0.48, 0.73]', or nothing when an end is unknown."""
    if low is None or high is None:
        return ""
    say = signed if sign else number
    return f"[{say(low)}, {say(high)}]"


def scalar(name: str, value: Any) -> str:
    """A field's value with the unit that its name gives."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        unit = _unit(name)
        if unit == "bytes":
            return human_bytes(value)
        if unit == "seconds" and math.isfinite(value):
            return human_seconds(value)
        return str(value) if unit == "plain" else number(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= CUT else text[: CUT - 1] + "…"


def _unit(name: str) -> str:
    """Of 'file_bytes', 'sizes: tuned' or 'parts: kv_bytes': the last word of the field or of its record."""
    words = {part.rsplit("_", 1)[-1] for part in name.split(": ")}
    if words & {"bytes", "sizes"}:
        return "bytes"
    if "seconds" in words:
        return "seconds"
    return "plain" if words & {"seed", "step", "line", "lines", "port"} else "number"


def label(name: str) -> str:
    return name.replace("_", " ")


def source(given: str, request: str) -> str:
    """'request[20:36]' -> 'the request: “data/tone.jsonl”'."""
    span = _SPAN.match(given)
    if not span:
        return {"request": "the request"}.get(given, given)
    words = request[int(span.group(1)) : int(span.group(2))]
    return f"the request: “{words}”" if words else "the request"


def headline(status: str, error: Json | None, steps: int, checks: int) -> str:
    """The outcome in one line."""
    why = str((error or {}).get("message") or "no reason was recorded")
    if status == "done":
        return (
            f"Verified: {counted(steps, 'step')} ran and {counted(checks, 'check')} passed"
            if checks
            else f"Done: {counted(steps, 'step')} ran, nothing to check"
        )
    said = {
        "unverified": f"Ran but not verified: {why}",
        "failed": f"Failed: {why}",
        "denied": f"Not allowed: {why}",
        "nothing": f"Nothing to do: {why}",
        "waiting": "Waiting for a reply",
        "interrupted": "Interrupted: it can be resumed",
        "running": "Not finished",
    }
    return said.get(status, status)


def tone(status: str) -> str:
    """good, caution, bad or quiet: the colour of the outcome."""
    return {"done": "good", "unverified": "caution", "failed": "bad", "denied": "caution"}.get(status, "quiet")


def spent_rows(spent: Spent, limits: Json) -> list[tuple[str, str, str]]:
    """(what, used, limit) of every budget."""
    return [(label(name), _budget(name, used), _budget(name, limits.get(name))) for name, used in spent.model_dump().items()]


def _budget(name: str, value: float | None) -> str:
    if value is None:
        return "no limit"
    return f"${value:.2f}" if name == "cost" else scalar(name, value)
