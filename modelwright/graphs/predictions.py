"""What calls were predicted to take beside what they took, on this machine: a factor for the next prediction, and its error.

Two facts to know. What is stored is the tool's own estimate, before any correction, so corrections never feed on themselves. And a
factor is the geometric mean of measured over predicted, of like calls (same tool, same words among the arguments) if there
are any, else of the tool's; with few calls it is pulled towards 1, as one slow run proves little.

Jobs that were joined or reused are not stored: their time is not known. NOT here: what a tool estimates from.
"""

from __future__ import annotations

import math
import platform
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from modelwright.canonical import canonical_json
from modelwright.contract import Tool
from modelwright.types import Estimate, Json

NEWEST = 40
"""calls that are looked at: a machine's load changes"""
DOUBT = 0.5
"""calls that say "the estimate is right" before there is any, so that one call moves it by two thirds"""
DOUBT_UNLIKE = 3.0
"""the same where only calls of another kind ran: inference says little of training"""
SHORTEST = 1.0
"""seconds below which being off is counted as a share of this: 0.1 s said and 0.003 s taken is no error"""
WIDEST = 20.0
"""a factor beyond this is a broken measurement, not a correction"""
SPREAD_UNKNOWN = 0.35
"""of the logarithm, until there are calls to tell"""
TWO_SIDED_80 = 1.28
"""standard deviations that hold 80% of a normal distribution"""


@dataclass(frozen=True)
class Past:
    """One call that ran."""

    features: str
    predicted: float
    measured: float


@dataclass(frozen=True)
class Factor:
    """What to multiply a prediction with."""

    value: float
    spread: float
    """standard deviation of the logarithm"""
    calls: int

    @property
    def low(self) -> float:
        return self.value * math.exp(-TWO_SIDED_80 * self.spread)

    @property
    def high(self) -> float:
        return self.value * math.exp(TWO_SIDED_80 * self.spread)

    @property
    def error(self) -> float:
        """The share by which a prediction is usually off: one standard deviation."""
        return math.exp(self.spread) - 1


def features_of(tool: Tool, args: Json) -> str:
    """The words among the arguments that choose a way of working (method, engine, format, types …); numbers and paths do not count."""
    properties = tool.args_schema.get("properties", {})
    chosen = {name: value for name, value in args.items() if _is_choice(properties.get(name, {})) and value is not None}
    return canonical_json(chosen)


def _is_choice(schema: Json) -> bool:
    kinds = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    return any("enum" in kind or "$ref" in kind or kind.get("type") == "boolean" for kind in kinds)


@lru_cache(maxsize=1)
def machine() -> str:
    """This machine, as its record is kept: processor and cores."""
    import os

    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            name = next((line.split(":", 1)[1].strip() for line in stream if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def store(db: sqlite3.Connection, key: str, tool: Tool, args: Json, estimate: Estimate, seconds: float, memory_bytes: int) -> None:
    """Keep what a call was predicted to take, as its tool said, and what it took."""
    db.execute(
        "insert or replace into predictions (key, tool, features, machine, time, predicted_seconds, seconds, predicted_memory, memory) "
        "values (?,?,?,?,?,?,?,?,?)",
        (
            key,
            tool.name,
            features_of(tool, args),
            machine(),
            time.time(),
            estimate.seconds,
            seconds,
            estimate.memory_bytes,
            memory_bytes,
        ),
    )


class History:
    """The record of one workspace, read without writing. Empty when there is none."""

    def __init__(self, database: Path) -> None:
        self._rows: dict[str, list[sqlite3.Row]] = {}
        if not database.is_file():
            return
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
                db.row_factory = sqlite3.Row
                for row in db.execute("select * from predictions where machine = ? order by time desc limit 2000", (machine(),)):
                    self._rows.setdefault(row["tool"], []).append(row)
        except sqlite3.Error:  # a store of before this table, or a damaged one: doctor tells
            self._rows = {}

    @property
    def tools(self) -> list[str]:
        return sorted(self._rows)

    def seconds(self, tool: str) -> list[Past]:
        return [Past(r["features"], r["predicted_seconds"], r["seconds"]) for r in self._rows.get(tool, ())]

    def memory(self, tool: str) -> list[Past]:
        return [Past(r["features"], r["predicted_memory"], r["memory"]) for r in self._rows.get(tool, ())]

    def corrected(self, tool: Tool, args: Json, estimate: Estimate) -> Estimate:
        """The estimate by what like calls took here, with its interval; where none ran yet, as it was and marked as a first guess.

        A guess of less than SHORTEST is not marked: nobody waits for it.
        """
        features = features_of(tool, args)
        time_factor = factor(self.seconds(tool.name), features)
        memory_factor = factor(self.memory(tool.name), features)
        changes: Json = {} if time_factor or estimate.seconds < SHORTEST else {"first_guess": True}
        if time_factor and estimate.seconds:
            changes |= {
                "seconds": round(estimate.seconds * time_factor.value, 2),
                "seconds_low": round(estimate.seconds * time_factor.low, 2),
                "seconds_high": round(estimate.seconds * time_factor.high, 2),
                "seconds_error": round(time_factor.error, 3),
                "learned_from": time_factor.calls,
            }
        if memory_factor and estimate.memory_bytes:
            changes |= {
                "memory_bytes": int(estimate.memory_bytes * memory_factor.value),
                "memory_low": int(estimate.memory_bytes * memory_factor.low),
                "memory_high": int(estimate.memory_bytes * memory_factor.high),
                "memory_error": round(memory_factor.error, 3),
            }
        return estimate.model_copy(update=changes)


def factor(past: Sequence[Past], features: str) -> Factor | None:
    """Of the like calls among `past` (newest first), or of all of them; None when there is none that can be used."""
    usable = [one for one in past if one.predicted > 0 and one.measured > 0 and 1 / WIDEST < one.measured / one.predicted < WIDEST]
    like = [one for one in usable if one.features == features]
    ratios = [math.log(one.measured / one.predicted) for one in (like or usable)[:NEWEST]]
    if not ratios:
        return None
    doubt = DOUBT if like else DOUBT_UNLIKE
    mean = sum(ratios) / (len(ratios) + doubt)
    around = [(ratio - mean) ** 2 for ratio in ratios]
    spread = math.sqrt((sum(around) + doubt * SPREAD_UNKNOWN**2) / (len(ratios) - 0.5 + doubt))
    return Factor(math.exp(mean), spread, len(ratios))


@dataclass(frozen=True)
class Record:
    """How good predictions were: the median share by which they were off, as estimated and as corrected by the calls before."""

    calls: int
    plain: float
    corrected: float


def record(past: Sequence[Past], *, least: float = 0.0) -> Record | None:
    """Over `past`, newest first; each call is corrected by those before it alone. None for fewer than two calls.

    What was measured below `least` counts as `least` when the share is taken.
    """
    usable = [one for one in past if one.predicted > 0 and one.measured > 0]
    if len(usable) < 2:
        return None
    plain, corrected = [], []
    for index, one in enumerate(usable[:-1]):
        before = factor(usable[index + 1 :], one.features)
        against = max(one.measured, least)
        plain.append(abs(one.predicted - one.measured) / against)
        corrected.append(abs(one.predicted * (before.value if before else 1) - one.measured) / against)
    return Record(len(usable), statistics.median(plain), statistics.median(corrected))
