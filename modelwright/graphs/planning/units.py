"""Amounts with their unit: memory ("12 gigs", "24GB", "512 MiB" -> GiB), money ("$0.30", "30 cents", "0,25 €"), and the scales of others.

GB and GiB are read alike, as people write one for the other: a "24 GB" card has 24 GiB.
"""

from __future__ import annotations

import re

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.numbers import find_numbers

_GIB = {"g": 1.0, "m": 1 / 1024, "t": 1024.0}
_AFTER_MEMORY = re.compile(
    r"\s?-?(?!(?-i:to)\b)(?:(?P<unit>[gmt])(?:i?b|ibibytes?|igabytes?|igabyte|egabytes?|erabytes?|igas?|igs?|igaoctets?|i?o)|(?P<bare>g))(?![\w])"
    r"(?!(?<=\Wgo) (?:in|into|on|onto|to|for|with|over|through)\b)",
    re.IGNORECASE,
)
_AFTER_MONEY = re.compile(
    r"\s?(?:(?P<cents>cents?|¢|ct|centimes?|céntimos?)|"
    r"(?:\$|€|£|(?:us[- ]?)?dollars?|dólar(?:es)?|dolar\w{0,2}|dollar[io]|bucks|euros?|eur|usd|gbp|pounds?))(?!\w)",
    re.IGNORECASE,
)
_BEFORE_MONEY = re.compile(r"(?:\$|€|£|\busd\s|\beur\s)\s?$", re.IGNORECASE)
_GLUED = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?)(?=\s?-?(?:[gmt]i?b|gig|go|g|ct|cents?|usd|eur)(?![\w]))", re.IGNORECASE)


def find_amounts(text: str) -> list[Candidate]:
    """kind memory (value in GiB) and money (value in the currency that is written)."""
    found: dict[int, Candidate] = {}
    numbers = {m.start(): (m.start(), m.end(), float(m.group().replace(",", "."))) for m in _GLUED.finditer(text)}
    numbers |= {c.start: (c.start, c.end, float(c.value)) for c in find_numbers(text)}
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


_SCALES = {
    "meter": {"m meter metre": 1.0, "km kilometer kilometre": 1000.0, "cm centimeter centimetre": 0.01, "mm millimeter": 1e-3, "nm": 1e-9},
    "kilogram": {"kg kilogram kilo": 1.0, "g gram": 1e-3},
    "second": {
        "s sec second sek sekunde sekunden segundo seconde secondo secondi seconden": 1.0,
        "ms msec millisecond millisekunde millisekunden milisegundo milliseconde millisecondi": 1e-3,
        "min minute": 60.0,
        "h hr hour": 3600.0,
    },
    "farad": {"f farad": 1.0, "µf μf uf microfarad": 1e-6},
    "henry": {"henry henrie": 1.0, "mh millihenry": 1e-3},
    "month": {"month monat monate moi mese mesi maanden mois": 1.0, "year jahr jahre año ano anno anni an jaar": 12.0},
    "watt": {"w watt": 1.0, "kw kilowatt": 1000.0},
}
SCALES = {word: (base, scale) for base, units in _SCALES.items() for words, scale in units.items() for word in words.split()}
"""Unit -> (the unit of its kind that others are counted in, how many of it). The one table of them."""
_PERCENT = re.compile(r"\s?(?:%|(?:per ?cent|prozent|procent|por ?ciento|pour ?cents?|per ?cento|por cento)(?!\w))", re.IGNORECASE)
_UNIT = re.compile(r"\s?(?P<unit>[^\W\d_]+)(?!\w)", re.IGNORECASE)
_EACH = re.compile(r"(?:\s[^\W\d_]+)?\s?(?:per|a|each|/)\s?(?P<unit>[^\W\d_]+)", re.IGNORECASE)
PER_SECOND = frozenset({"rate", "tokens_per_second"})
"""Arguments that count how many a second."""


def scale(word: str) -> tuple[str, float] | None:
    return SCALES.get(word.lower()) or SCALES.get(word.lower().rstrip("s"))


def in_own_unit(name: str, most: float | None, value: int | float, text: str, end: int) -> int | float:
    """The number before text[end:] as an argument counts it: `0.8 s` is 800 for ttft_ms, `99 %` is 0.99 where at most 1 is taken."""
    unit, own = _UNIT.match(text, end), scale(name.rsplit("_", 1)[-1])
    said = unit.group("unit").lower() if unit else ""
    if _PERCENT.match(text, end):
        return round(value / 100, 10) if most is not None and most <= 1 < value else value
    if name in PER_SECOND:
        each, own = _EACH.match(text, end), SCALES["second"]
        there = scale(each.group("unit")) if each else None
        return _whole(round(value / there[1], 10)) if there and there[0] == own[0] else value
    there = scale(said)
    return _whole(round(value * there[1] / own[1], 10)) if own and there and there[0] == own[0] else value
