"""Numbers of a request with their unit and what stands around them, and which argument of an unseen tool each is for.

A number belongs to the argument whose name or unit stands beside it; where nothing stands, numbers and arguments go in order.
The best whole assignment wins, not the best single one. "100 µF" is 0.0001 for an argument in farads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.spans import STOP, Around, around
from modelwright.graphs.planning.stems import nearly, stem
from modelwright.graphs.planning.units import SCALES

_DIGITS = re.compile(
    r"(?<![\w.^])(?P<cur>[$€£¥]\s?)?(?P<num>(?<![\d)])-?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"(?P<ord>st|nd|rd|th)?(?![\d_])"
)
_POWER = re.compile(r"\s?[*x×]\s?10\s?(?:\^|\*\*)\s?(-?\d+)")
_BIG = re.compile(r"\s?(thousand|million|billion|trillion)\b|(?<=\d)(k|K|M|B)\b(?!\w)", re.IGNORECASE)
_UNIT = re.compile(r"\s?-?\s?(%|°\s?[CFK]?|[A-Za-zµμΩ]+(?:\s?[/^]\s?\w+|[²³])*)")
FACTORS = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "b": 1e9, "trillion": 1e12}
SHORT = {
    "m": "meter", "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "kg": "kilogram", "g": "gram", "s": "second", "h": "hour",
    "hr": "hour", "min": "minute", "c": "celsius", "°c": "celsius", "°f": "fahrenheit", "k": "kelvin", "mph": "mile", "lb": "pound",
    "ft": "feet", "a": "ampere", "v": "volt", "n": "newton", "w": "watt", "j": "joule", "%": "percent", "°": "degree", "bpm": "beat",
    "sq": "square", "yr": "year", "µf": "farad", "mh": "henrie", "hz": "hertz", "pa": "pascal", "l": "liter", "ml": "milliliter",
    "atm": "atmosphere", "t": "tesla", "nm": "nanometer",
}  # fmt: skip
MEANS = {
    **dict.fromkeys(("kelvin", "celsiu", "celsius", "fahrenheit"), "temp"),
    **dict.fromkeys(("kilogram", "kg", "gram", "pound"), "mass|weight"),
    **dict.fromkeys(("second", "minute", "hour"), "time|duration"),
    **dict.fromkeys(("meter", "kilometer", "mile", "feet", "foot"), "distance|length|height|width|radius|depth"),
    "newton": "force",
    "volt": "volt",
    "ampere": "current",
    "hertz": "freq",
    "percent": "rate|prob|percent",
}
"""Unit -> the beginning of the words that it speaks for."""
ENOUGH = 2.0
"""Points from which an argument that may be left out takes a number."""


@dataclass(frozen=True)
class Quantity:
    value: int | float
    text: str
    start: int
    end: int
    unit: str = ""
    """As a word: meter, kelvin, percent; empty where none stands there."""
    raw_unit: str = ""
    money: bool = False
    near: Around = field(default_factory=lambda: Around((), ()))

    @property
    def is_year(self) -> bool:
        return isinstance(self.value, int) and 1500 <= self.value <= 2100 and not self.unit and not self.money and "," not in self.text


def find(text: str, outside: Sequence[tuple[int, int]] = ()) -> list[Quantity]:
    """All numbers in order; none inside the spans `outside` (dates, ids, quotes)."""
    found = [q for m in _DIGITS.finditer(text) if (q := _read(text, m)) is not None]
    taken = [(q.start, q.end) for q in found] + [(m.start(), m.end()) for m in re.finditer(r"\w*\d\w*", text)]
    for word in find_numbers(text):
        if not any(a < word.end and word.start < b for a, b in taken) and not re.match(r"(?:a|an|one|once|half|dozen)\b", word.text, re.I):
            found.append(_quantity(text, float(word.value) if isinstance(word.value, str) else word.value, word.start, word.end))
    return sorted((q for q in found if not any(a <= q.start and q.end <= b for a, b in outside)), key=lambda q: q.start)


def _read(text: str, match: re.Match[str]) -> Quantity | None:
    number, start, end = match.group("num"), match.start(), match.end()
    if number.startswith("-") and re.search(r"\w$", text[: match.start("num")]):  # "5-7" is a range
        number = number[1:]
    value = float(number.replace(",", ""))
    power, big = _POWER.match(text, end), _BIG.match(text, end)
    if power:
        value, end = value * 10.0 ** int(power.group(1)), power.end()
    elif big and (big.group(1) or match.group("cur") or big.group(2) == "k"):
        value, end = value * FACTORS[(big.group(1) or big.group(2)).lower()], big.end()
    whole = value.is_integer() and "e" not in number.lower() and abs(value) < 1e15 and "." not in number.replace(".0", "")
    return _quantity(text, int(value) if whole else value, start, end, money=bool(match.group("cur")))


def _quantity(text: str, value: int | float, start: int, end: int, *, money: bool = False) -> Quantity:
    unit = _UNIT.match(text, end)
    raw = unit.group(1).replace(" ", "") if unit else ""
    word = SHORT.get(raw.lower(), raw.lower())
    word = "" if word in STOP or not word else word
    near = around(text, start, end)
    return Quantity(value, text[start:end], start, end, word, raw, money or bool(re.match(r"dollar|euro|usd|eur|pound", word)), near)


# which argument -------------------------------------------------------------------------------------------------------


def assign(fields: Sequence[FieldSpec], found: Sequence[Quantity]) -> dict[str, Quantity]:
    """Field -> its number. Required ones take what is left in order, others only what stands beside their name."""
    digits = [q for q in found if not q.text[:1].isalpha()]
    found = digits if len(digits) >= sum(f.required for f in fields) else found  # "the GCD of two numbers, 12 and 15"
    listed = _in_order(fields, found)
    if listed:
        return listed
    points = [[_points(field, quantity, fields) for quantity in found] for field in fields]
    best: tuple[float, tuple[int, ...]] = (-1.0, (-1,) * len(fields))
    best = _best(points, [f.required for f in fields], 0, frozenset(), 0.0, (), best)
    return {field.name: found[place] for field, place in zip(fields, best[1], strict=False) if place >= 0}


def _in_order(fields: Sequence[FieldSpec], found: Sequence[Quantity]) -> dict[str, Quantity]:
    """ "base and height as 6cm and 10cm": one run of as many numbers as are required, nothing but "and" between, goes in order."""
    required = [f for f in fields if f.required]
    digits = [q for q in found if not q.text.isalpha()]
    runs_on = all(b.start - a.end - len(a.raw_unit) <= 6 and _is_and(b.near.before[: 1 + bool(a.raw_unit)]) for a, b in pairwise(digits))
    fits = (
        len(required) == len(digits) > 1
        and runs_on
        and all(f.inner == "number" or isinstance(q.value, int) for f, q in zip(required, digits, strict=True))
    )
    if not fits:
        return {}
    said = [*reversed(digits[0].near.before)]
    places = {f.name: min((said.index(w) for w in name_words(f.name) if w in said), default=-1) for f in required}
    ordered = sorted(required, key=lambda f: places[f.name]) if min(places.values()) >= 0 else required
    return {f.name: q for f, q in zip(ordered, digits, strict=True)}


def _is_and(words: Sequence[str]) -> bool:
    return any(w in (",", "and", "or", "to", "by", "x") for w in words)


def _best(
    points: Sequence[Sequence[float]],
    required: Sequence[bool],
    at: int,
    used: frozenset[int],
    total: float,
    places: tuple[int, ...],
    best: tuple[float, tuple[int, ...]],
) -> tuple[float, tuple[int, ...]]:
    """Depth first; fields in order, each with its 4 best numbers or none. Later numbers for later fields are worth a little."""
    if at == len(points):
        taken = [p for p in places if p >= 0]
        ordered = sum(0.3 for a, b in pairwise(taken) if a < b)
        return max(best, (total + ordered, places))
    row = points[at]
    ranked = sorted((n for n in range(len(row)) if n not in used), key=lambda n: (-row[n], n))[:4]
    for n in ranked:
        worth = row[n] + 3.0 if required[at] else row[n] - ENOUGH
        if row[n] > -5 and worth > 0:
            best = _best(points, required, at + 1, used | {n}, total + worth, (*places, n), best)
    return _best(points, required, at + 1, used, total, (*places, -1), best)


def _points(field: FieldSpec, quantity: Quantity, fields: Sequence[FieldSpec]) -> float:
    if field.inner == "integer" and not float(in_unit(field, quantity)).is_integer():
        return -9.0
    names = [stem(w) for w in name_words(field.name)]
    others = [stem(w) for f in fields if f.name != field.name for w in name_words(f.name)]
    said = {stem(w) for w in re.findall(r"[^\W\d_]{3,}", field.description.lower()) if w not in STOP}
    said |= {
        stem(SHORT[w])
        for w in re.findall(r"\b(kg|km|cm|mm|mph|ft|hz|ml|nm)\b|\(([a-zµ°]{1,3})\)", field.description.lower())
        for w in w
        if w in SHORT
    }
    points = -1.5 if quantity.text.isalpha() else 0.0
    for words, reach in ((quantity.near.before, 0.6), (quantity.near.after, 0.5)):
        worth, blocked = 1.0, False
        for word in words:
            root = stem(word)
            if not blocked and any(root == name or nearly(word, name) for name in names):
                points += 3.0 * worth
            elif root in others:
                blocked = True
            elif root in said and not blocked:
                points += 1.2 * worth
            if word in (",", "and", "or"):
                worth *= 0.6
            worth *= 0.8 if word in STOP or word in (",", "=", ":") else reach + 0.2
    unit = stem(quantity.unit)
    if unit and (unit in said or unit in names):
        points += 2.5
    if quantity.money and re.search(
        r"price|cost|budget|amount|dollar|usd|revenue|income|salary|asset|invest|principal|loan|value",
        f"{field.name} {field.description}",
        re.I,
    ):
        points += 2.0
    meant = MEANS.get(quantity.unit.rstrip("s"))
    points += 2.0 * bool(meant and any(re.match(meant, word) for word in name_words(field.name)))
    return points + _shape(field, quantity)


def _shape(field: FieldSpec, quantity: Quantity) -> float:
    """What the value itself says: a year, a percentage, a count."""
    text = f"{field.name} {field.description}".lower()
    wants_year = bool(re.search(r"(?:^|_)year_?\d*$", field.name.lower())) or "year " in field.description.lower()[:40]
    counts_years = bool(re.search(r"years|number of years", text))
    points = 0.0
    if quantity.is_year:
        points += 2.5 if wants_year and not counts_years else -2.0
    elif wants_year and not counts_years and quantity.value < 1000:
        points -= 3.0
    if quantity.unit == "percent":
        points += 2.0 if re.search(r"rate|percent|probab|ratio|interest|level|proportion|yield", text) else -2.0
    if re.search(r"decimal places|round", text) and not re.search(
        r"round|decimal|digit|precision", " ".join((*quantity.near.before, *quantity.near.after))
    ):
        points -= 6.0
    return points


def in_unit(field: FieldSpec, quantity: Quantity) -> int | float:
    """The value in the unit that the argument's description names; a percentage as a share where it is a float that says so."""
    text = field.description.lower()
    if quantity.unit == "percent":
        as_share = field.inner == "number" and not re.search(r"percent(?!age of)|%", text)
        return (
            round(quantity.value / 100, 10)
            if as_share or re.search(r"decimal (?:form|format|value)|as a decimal|between 0 and 1", text)
            else quantity.value
        )
    own = SCALES.get(quantity.raw_unit.lower()) or SCALES.get(quantity.unit.rstrip("s"))
    if own is None:
        return quantity.value
    wanted = {w.rstrip("s") for w in re.findall(r"[a-zµ]{3,}", text)} | {SHORT.get(w, w) for w in re.findall(r"\(([a-zµ]+)\)", text)}
    there = [SCALES[w] for w in wanted if w in SCALES and SCALES[w][0] == own[0]]
    if not there or own in there:
        return quantity.value
    value = quantity.value * own[1] / there[0][1]
    return round(value) if abs(value - round(value)) < 1e-9 and field.inner == "integer" else float(f"{value:.12g}")


def name_words(name: str) -> list[str]:
    """`initialVelocity_2` -> initial, velocity."""
    return [
        w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name) if len(w) > 1 or name.lower() == w.lower() or len(name) < 3
    ]


def runs(found: Sequence[Quantity], text: str) -> list[list[Quantity]]:
    """Lists of numbers: what is parted by commas, spaces, "and" or "or" only."""
    groups: list[list[Quantity]] = []
    for quantity in found:
        between = text[groups[-1][-1].end : quantity.start] if groups else "x"
        between = between.replace(groups[-1][-1].raw_unit, "", 1) if groups and groups[-1][-1].raw_unit else between
        if groups and re.fullmatch(r"[\s,;%]*(?:(?:and|or|to|x)\b)?[\s,;$]*", between):
            groups[-1].append(quantity)
        else:
            groups.append([quantity])
    return groups
