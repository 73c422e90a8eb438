"""Numbers in a request: 3, 1e-4, .5, 1,000, 8k, three, twenty-five, a dozen, twice.

`k` is kept in the value as thousands; a field that counts tokens reads it as 1024 (see fill.py).
"""

from __future__ import annotations

import re

from modelwright.graphs.planning.candidate import Candidate

_DIGITS = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?P<k>\s?k(?:ilo)?)?(?![\w%])", re.IGNORECASE)
_UNITS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_TIMES = {"twice": 2, "thrice": 3}
_OTHER = {
    "single": 1,
    "half": 0.5,
    "a dozen": 12,
    "dozen": 12,
    "a hundred": 100,
    "hundred": 100,
    "a thousand": 1000,
    "thousand": 1000,
    "a couple": 2,
}
_WORDS = re.compile(
    rf"\b(?:(?:{'|'.join(_TENS)})[- ](?:{'|'.join(list(_UNITS)[1:10])})|a (?:dozen|hundred|thousand|couple)"
    rf"|(?:{'|'.join(list(_UNITS)[1:])}|{'|'.join(_TENS)}) (?:hundred|thousand)|{'|'.join({**_UNITS, **_TENS, **_TIMES, **_OTHER})})\b",
    re.IGNORECASE,
)


def find_numbers(text: str) -> list[Candidate]:
    found = [Candidate("number", _read_digits(m), m.start(), m.end(), m.group()) for m in _DIGITS.finditer(text)]
    for match in _WORDS.finditer(text):
        if not any(match.start() < f.end and f.start < match.end() for f in found):
            found.append(Candidate("number", read_words(match.group()), match.start(), match.end(), match.group()))
    return found


def _read_digits(match: re.Match[str]) -> int | float:
    text = match.group().replace(",", "").lower()
    thousands = match.group("k") is not None
    if thousands:
        text = text.split("k")[0].strip()
    number = float(text) * (1000 if thousands else 1)
    return int(number) if number.is_integer() and "e-" not in text else number


def read_words(text: str) -> int | float:
    """'twenty-five' -> 25, 'three hundred' -> 300."""
    known: dict[str, int | float] = {**_UNITS, **_TENS, **_TIMES, **_OTHER}
    text = text.lower()
    if text in known:
        return known[text]
    first, second = re.split(r"[- ]", text, maxsplit=1)
    if second in ("hundred", "thousand"):
        return known[first] * known[second]
    return known[first] + known[second]
