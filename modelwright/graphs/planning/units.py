"""Amounts with their unit: memory ("12 gigs", "24GB", "512 MiB" -> GiB) and money ("$0.30", "30 cents", "0,25 €").

GB and GiB are read alike, as people write one for the other: a "24 GB" card has 24 GiB.
"""

from __future__ import annotations

import re

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.numbers import find_numbers

_GIB = {"g": 1.0, "m": 1 / 1024, "t": 1024.0}
_AFTER_MEMORY = re.compile(
    r"\s?-?(?:(?P<unit>[gmt])(?:i?b|ibibytes?|igabytes?|igabyte|egabytes?|erabytes?|igas?|igs?|igaoctets?|o)|(?P<bare>g))(?![\w])",
    re.IGNORECASE,
)
_AFTER_MONEY = re.compile(
    r"\s?(?:(?P<cents>cents?|¢|ct|centimes?|céntimos?)|(?:\$|€|£|dollars?|bucks|euros?|eur|usd|gbp|pounds?))(?!\w)", re.IGNORECASE
)
_BEFORE_MONEY = re.compile(r"(?:\$|€|£|\busd\s|\beur\s)\s?$", re.IGNORECASE)
_GLUED = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?)(?=\s?-?(?:[gmt]i?b|gig|go|g|ct|cents?|usd|eur)(?![\w]))", re.IGNORECASE)


def find_amounts(text: str) -> list[Candidate]:
    """kind memory (value in GiB) and money (value in the currency that is written)."""
    found: dict[int, Candidate] = {}
    numbers = {c.start: (c.start, c.end, float(c.value)) for c in find_numbers(text)}
    numbers |= {m.start(): (m.start(), m.end(), float(m.group().replace(",", "."))) for m in _GLUED.finditer(text)}
    for start, end, value in numbers.values():
        memory, money = _AFTER_MEMORY.match(text, end), _AFTER_MONEY.match(text, end)
        before = _BEFORE_MONEY.search(text[max(0, start - 4) : start])
        if memory:
            amount = value * _GIB[(memory.group("unit") or "g").lower()]
            found[start] = Candidate("memory", _whole(amount), start, memory.end(), text[start : memory.end()])
        elif before:
            found[start] = Candidate("money", _whole(value), start, end, text[start:end])
        elif money:
            found[start] = Candidate(
                "money", _whole(value / (100 if money.group("cents") else 1)), start, money.end(), text[start : money.end()]
            )
    return list(found.values())


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() else value


_TIME = re.compile(
    r"\s?(?P<unit>ms|msec|milliseconds?|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|%|percent|per cent)(?!\w)", re.IGNORECASE
)
_MS = {"m": 60_000.0, "h": 3_600_000.0, "s": 1000.0}
_OF_FIELD = {"_ms": 1.0, "_seconds": 1000.0}


def in_own_unit(name: str, most: float | None, value: int | float, text: str, end: int) -> int | float:
    """The number before text[end:] as an argument counts it: `0.8 s` is 800 for ttft_ms, `99 %` is 0.99 where at most 1 is taken."""
    unit = _TIME.match(text, end)
    said = unit.group("unit").lower() if unit else ""
    counted = next((ms for ending, ms in _OF_FIELD.items() if name.endswith(ending)), None)
    if not said:
        return value
    if said in ("%", "percent", "per cent"):
        return round(value / 100, 10) if most is not None and most <= 1 < value else value
    if counted is None:
        return value
    ms = 1.0 if said.startswith(("ms", "milli")) else _MS[said[0]]
    return _whole(round(value * ms / counted, 10))
