"""Text for the screen. All of it becomes Content or rich Text here: nothing that came from outside is ever read as markup."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.content import Content

from modelwright.text import human_bytes, human_seconds, one_line, safe_text

if TYPE_CHECKING:
    from modelwright.types import Json

SPAN = re.compile(r"request\[(\d+):(\d+)\]")
LONGEST = 2000
"""characters of a text that is wrapped"""
LONGEST_LABEL = 22
"""columns for the names of labelled rows; a longer name pushes its own value to the right"""
FULL, EMPTY = "█", "░"
ROUGHLY = "~"
REUSED = "reused, 0 s"
MUTED = "dim"
"""For what stands beside the thing itself. Not $text-muted: in Content that is drawn in full white or black."""


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


def spans_of(source: str, request: str) -> list[tuple[int, int]]:
    """The places of the request that an argument came from, as (first, one past the last) character."""
    found = [(int(start), int(end)) for start, end in SPAN.findall(source)]
    return [(start, end) for start, end in found if 0 <= start < end <= len(request)]


def source_text(source: str, request: str) -> str:
    """Where an argument came from, in words: a place of the request is told by what stands there."""
    return SPAN.sub(lambda m: f"your words «{request[int(m[1]) : int(m[2])]}»" if int(m[2]) <= len(request) else m[0], source)


def request_marked(request: str, sources: Iterable[str]) -> Content:
    """The request with the places that the sources name set in «», so that no colour is needed to see them."""
    made: list[Content] = []
    at = 0
    for start, end in sorted({span for source in sources for span in spans_of(source, request)}):
        if start >= at:
            made += [plain(request[at:start], MUTED), plain(f"«{request[start:end]}»", "bold underline")]
            at = end
    return Content.assemble(*made, plain(request[at:], MUTED))


def under(start: str, text: str, width: int) -> str:
    """The text behind its start, wrapped under itself."""
    return textwrap.fill(one_line(text, LONGEST), max(width, 2 * len(start)), initial_indent=start, subsequent_indent=" " * len(start))


def labelled(rows: Sequence[tuple[str, str]], width: int) -> list[Content]:
    """Rows of (name, value), the values under each other and wrapped under themselves."""
    column = min(LONGEST_LABEL, max((len(name) for name, _ in rows), default=0))
    made = []
    for name, value in rows:
        start = f"  {safe_text(name):<{column}}  "
        text = under(start, value, width) if value else start.rstrip()
        made.append(plain(text).stylize("bold", 2, 2 + len(name)))
    return made


def when(seconds: float) -> str:
    """A time of the past by this machine's clock, as every list shows it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def estimate_texts(estimate: Json | None) -> tuple[str, str, str]:
    """Time, memory, disk. The time with ~ where it is a first guess; as a range where there is a record of this machine; none for what was
    done before."""
    if estimate is None:
        return "unknown", "unknown", "unknown"
    if estimate.get("reused"):
        return REUSED, human_bytes(0), human_bytes(0)
    seconds = (ROUGHLY if estimate.get("first_guess") else "") + human_seconds(estimate.get("seconds", 0))
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
