"""A rubric: named checks in a TOML file that a program can decide on one answer.

    name = "house-tone"
    pass_score = 1.0
    [[check]]
    name = "greeting"
    kind = "regex"              # regex, not_regex, count, max_words, min_words, mean_word_length
    pattern = '^Hello there!'
    why = "one line for a person"
    weight = 1.0

The score of an answer is the weighted share of the checks that it passes; it passes when that reaches `pass_score`.
Words are what whitespace separates, with their punctuation. Only the first 20,000 characters of an answer are looked at.

Not here: anything that needs to understand the answer. A rubric sees form, not truth.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from modelwright.canonical import sha256_of_path
from modelwright.errors import BadRequest
from modelwright.scoring.patterns import MAX_CHARACTERS, compile_pattern, time_limit

MAX_FILE_BYTES = 1_000_000

KINDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "regex": (frozenset({"pattern"}), frozenset({"flags"})),
    "not_regex": (frozenset({"pattern"}), frozenset({"flags"})),
    "count": (frozenset({"pattern"}), frozenset({"flags", "min", "max"})),
    "max_words": (frozenset({"value"}), frozenset()),
    "min_words": (frozenset({"value"}), frozenset()),
    "mean_word_length": (frozenset(), frozenset({"min", "max"})),
}
"""Of each kind: the fields it must have and those it may have, beside name, kind, why and weight."""
COMMON = frozenset({"name", "kind", "why", "weight"})
FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


@dataclass(frozen=True)
class Check:
    name: str
    kind: str
    why: str = ""
    weight: float = 1.0
    pattern: re.Pattern[str] | None = None
    low: float = float("-inf")
    high: float = float("inf")

    def passes(self, answer: str) -> bool:
        text = answer[:MAX_CHARACTERS]
        if self.pattern is None:
            return self.low <= _measure(self.kind, text) <= self.high
        with time_limit(f"check {self.name!r}"):
            if self.kind == "count":
                return self.low <= sum(1 for _ in self.pattern.finditer(text)) <= self.high
            return (self.pattern.search(text) is None) == (self.kind == "not_regex")


@dataclass(frozen=True)
class Scored:
    score: float
    passed: bool
    checks: dict[str, bool]


@dataclass(frozen=True)
class Rubric:
    name: str
    pass_score: float
    checks: tuple[Check, ...]
    path: str
    sha256: str

    def score(self, answer: str) -> Scored:
        outcomes = {check.name: check.passes(answer) for check in self.checks}
        total = sum(check.weight for check in self.checks)
        score = sum(check.weight for check in self.checks if outcomes[check.name]) / total
        return Scored(score, score >= self.pass_score - 1e-9, outcomes)


def load(path: Path) -> Rubric:
    """The rubric in `path`. Raises BadRequest that names the file, the check and the field."""
    values = _read(path)
    where = str(path)
    _refuse_unknown(values, frozenset({"name", "pass_score", "check"}), where)
    raw_checks = values.get("check")
    if not isinstance(raw_checks, list) or not raw_checks:
        raise BadRequest(f"{where}: no checks in it", fix="add at least one [[check]] with name and kind")
    checks = tuple(_check(raw, f"{where}: check {number}") for number, raw in enumerate(raw_checks, 1))
    names = [check.name for check in checks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BadRequest(f"{where}: two checks are called {twice!r}", fix="give each check its own name")
    if not sum(check.weight for check in checks) > 0:
        raise BadRequest(f"{where}: the weights add up to 0", fix="give at least one check a weight above 0")
    pass_score = _number(values, "pass_score", where, default=1.0, low=0.0, high=1.0)
    return Rubric(str(values.get("name", path.stem)), pass_score, checks, where, sha256_of_path(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadRequest(f"{path}: {path.stat().st_size} bytes is too large for a rubric", fix="name a small TOML file")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadRequest(f"no rubric at {path}", fix="give rubric=FILE or put rubric.toml beside the data set") from None
    except IsADirectoryError:
        raise BadRequest(f"{path} is a folder, a rubric file is needed") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadRequest(f"{path}: not readable as TOML: {error}") from None


def _check(raw: Any, where: str) -> Check:
    if not isinstance(raw, dict):
        raise BadRequest(f"{where}: not a table", fix="write it as [[check]]")
    name = _text(raw, "name", where)
    where = f"{where} ({name})"
    kind = _text(raw, "kind", where)
    if kind not in KINDS:
        raise BadRequest(f"{where}: unknown kind {kind!r}", fix=_nearest(kind, KINDS))
    required, optional = KINDS[kind]
    _refuse_unknown(raw, COMMON | required | optional, where)
    missing = sorted(required - raw.keys())
    if missing:
        raise BadRequest(f"{where}: {missing[0]} is missing", fix=f"a {kind} check needs {', '.join(sorted(required))}")
    low, high = _bounds(raw, kind, where)
    weight = _number(raw, "weight", where, default=1.0, low=0.0)
    return Check(name, kind, str(raw.get("why", "")), weight, _pattern(raw, where), low, high)


def _bounds(raw: dict[str, Any], kind: str, where: str) -> tuple[float, float]:
    if kind == "max_words":
        return float("-inf"), _number(raw, "value", where, low=0.0)
    if kind == "min_words":
        return _number(raw, "value", where, low=0.0), float("inf")
    if kind in ("count", "mean_word_length") and not {"min", "max"} & raw.keys():
        raise BadRequest(f"{where}: neither min nor max is given", fix=f"a {kind} check needs at least one of them")
    low = _number(raw, "min", where, default=float("-inf"))
    high = _number(raw, "max", where, default=float("inf"))
    if low > high:
        raise BadRequest(f"{where}: min {low:g} is above max {high:g}")
    return low, high


def _pattern(raw: dict[str, Any], where: str) -> re.Pattern[str] | None:
    if "pattern" not in raw:
        return None
    text, letters = _text(raw, "pattern", where), str(raw.get("flags", ""))
    unknown = [letter for letter in letters if letter not in FLAGS]
    if unknown:
        raise BadRequest(f"{where}: unknown flag {unknown[0]!r}", fix="flags are letters out of i, m, s")
    flags = re.NOFLAG
    for letter in letters:
        flags |= FLAGS[letter]
    return compile_pattern(text, where, flags)


def _measure(kind: str, text: str) -> float:
    words = text.split()
    if kind == "mean_word_length":
        return sum(map(len, words)) / len(words) if words else 0.0
    return float(len(words))


def _text(raw: dict[str, Any], field: str, where: str) -> str:
    value = raw.get(field)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{where}: {field} must be a text, got {value!r:.60}")
    return value


def _number(
    raw: dict[str, Any], field: str, where: str, *, default: float | None = None, low: float = float("-inf"), high: float = float("inf")
) -> float:
    value = raw.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise BadRequest(f"{where}: {field} must be a number, got {value!r:.60}")
    if not low <= value <= high:
        raise BadRequest(f"{where}: {field} must be between {low:g} and {high:g}, got {value:g}")
    return float(value)


def _refuse_unknown(raw: dict[str, Any], known: frozenset[str], where: str) -> None:
    for key in raw:
        if key not in known:
            raise BadRequest(f"{where}: unknown key {key!r}", fix=_nearest(key, known))


def _nearest(word: str, known: Any) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
