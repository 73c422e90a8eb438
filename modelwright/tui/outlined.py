"""Data as a person reads it: a name and a value on each row, what is inside of something below it. The JSON itself is behind a key.

Names lose their underscores; bytes, seconds and truth are told in words; what is empty is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelwright.text import human_bytes, human_seconds

if TYPE_CHECKING:
    from modelwright.types import Json

Row = tuple[str, str]
INSIDE = "  "


def rows_of(data: Json, before: str = "") -> list[Row]:
    """(name, value) of everything in it."""
    return [row for name, value in data.items() if value not in (None, "", [], {}) for row in _rows(before + words(name), name, value)]


def words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _rows(label: str, name: str, value: Any) -> Iterator[Row]:
    inside = INSIDE + label[: len(label) - len(label.lstrip())]
    if isinstance(value, dict):
        yield label, ""
        yield from rows_of(value, inside)
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for number, part in enumerate(value, 1):
            yield from _rows(f"{label} {number}", name, part)
    else:
        yield label, _told(name, value)


def _told(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_told(name, part) for part in value)
    if isinstance(value, int | float) and name.endswith("bytes"):
        return human_bytes(value)
    if isinstance(value, int | float) and name.endswith("seconds"):
        return human_seconds(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
