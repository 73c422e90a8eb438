"""Two runs side by side: request, plan, decisions, numbers of the results, seconds, and events that only one has.

Reads the trace and the ledger; runs nothing. Steps are matched by id and tool. Difference is b minus a. It does not
say which is better: that takes a paired test on the same items, which `compare` makes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from modelwright.agent import trace
from modelwright.agent.runs import Run, Runs
from modelwright.events import Event, EventType
from modelwright.graphs.ledger import Ledger
from modelwright.text import clean, human_bytes, human_seconds, one_line
from modelwright.types import Json

LONGEST_CELL = 60
LONGEST_LIST = 12
"""Longer lists of a result (losses, items) are not compared number by number."""
_NAMES = ("name", "model", "type", "metric", "id")


@dataclass(frozen=True)
class Change:
    """Something that is not the same. `None` is "not there"."""

    what: str
    a: Any
    b: Any


@dataclass(frozen=True)
class NumberChange:
    what: str
    a: float | None
    b: float | None
    difference: float | None


@dataclass(frozen=True)
class Diff:
    a: str
    b: str
    changes: list[Change] = field(default_factory=list)
    """Request, status, steps, arguments, decisions."""
    numbers: list[NumberChange] = field(default_factory=list)
    """Every number of the results that is not equal."""
    seconds: list[NumberChange] = field(default_factory=list)
    only_a: list[str] = field(default_factory=list)
    """Events that only a has, with how many more."""
    only_b: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        return asdict(self)

    def text(self, longest: int = LONGEST_CELL) -> str:
        """A table for a terminal, with cells of at most so many characters."""
        parts = [f"{self.a} (a) and {self.b} (b)", *self._tables(longest)]
        return "\n\n".join(parts if len(parts) > 1 else [*parts, "no difference but in time"])

    def _tables(self, longest: int) -> Iterator[str]:
        if self.changes:
            yield _table(["", "a", "b"], [[c.what, _show(c.a, longest), _show(c.b, longest)] for c in self.changes])
        for title, found in (("result", self.numbers), ("seconds", self.seconds)):
            if found:
                yield _table([title, "a", "b", "b - a"], [_row(n, title) for n in found])
        for name, events in (("a", self.only_a), ("b", self.only_b)):
            if events:
                yield f"events only in {name}:\n" + "\n".join(f"  {event}" for event in events)


def diff(db: sqlite3.Connection, a: str, b: str) -> Diff:
    """Compare two runs, named by id, a beginning of it, or `last`. Raises BadRequest when there is no such run."""
    first, second = _Side(db, Runs(db).get(a)), _Side(db, Runs(db).get(b))
    return Diff(
        first.run.id,
        second.run.id,
        changes=[Change(what, *pair) for what, pair in _unequal(first.words(), second.words())],
        numbers=_numbers(first.numbers(), second.numbers()),
        seconds=_numbers(first.seconds(), second.seconds()),
        only_a=_more(first.happenings(), second.happenings()),
        only_b=_more(second.happenings(), first.happenings()),
    )


class _Side:
    """One of the two runs, as flat mappings that can be set against each other."""

    def __init__(self, db: sqlite3.Connection, run: Run) -> None:
        self._db, self.run = db, run
        self._events = list(trace.read(db, run.id))
        plans = [event.data["plan"] for event in self._events if event.type is EventType.PLAN_PROPOSED]
        self._steps: list[Json] = (run.plan or (plans[-1] if plans else {})).get("steps", [])
        self._calls = {event.step: event for event in self._events if event.type in (EventType.TOOL_FINISHED, EventType.TOOL_REUSED)}

    def words(self) -> dict[str, Any]:
        found: dict[str, Any] = {"request": clean(self.run.request), "status": self.run.status}
        for step in self._steps:
            found |= {
                f"{step['id']} tool": step["tool"],
                f"{step['id']} decision": step.get("decision"),
                f"{step['id']} rule": step.get("rule"),
            }
            found |= {f"{step['id']} {name}": clean(value) for name, value in step["args"].items()}
        return found

    def numbers(self) -> dict[str, float]:
        return {f"{step} {path}": value for step, event in self._calls.items() for path, value in flat(self._result(event))}

    def _result(self, event: Event) -> Json:
        entry = Ledger(self._db).find(str(event.data.get("key", "")))
        result: Json = clean(entry.result) if entry and entry.result else {}
        return {name: value for name, value in result.items() if name != "artifacts"}

    def seconds(self) -> dict[str, float]:
        took = {
            f"{step} {event.data.get('gen_ai.tool.name', '')}".strip(): float(event.data["seconds"])
            for step, event in self._calls.items()
            if "seconds" in event.data
        }
        return took | ({"in all": float(self.run.spent["seconds"])} if self.run.spent else {})

    def happenings(self) -> Counter[str]:
        return Counter(_happening(event) for event in self._events if event.type is not EventType.TOOL_PROGRESS)


def _happening(event: Event) -> str:
    """An event without its times and hashes, so that the same thing in two runs reads the same."""
    data = event.data
    said = (
        data.get("purpose")
        or data.get("message")
        or data.get("decision")
        or (data.get("error") or {}).get("message")
        or data.get("reached")
        or ""
    )
    return " ".join(part for part in (event.type.value, event.step or "", one_line(str(said), 120)) if part)


def _unequal(a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in dict.fromkeys([*a, *b]):
        if a.get(name) != b.get(name):
            yield name, (a.get(name), b.get(name))


def _numbers(a: dict[str, float], b: dict[str, float]) -> list[NumberChange]:
    changed = []
    for what, (x, y) in _unequal(a, b):
        changed.append(NumberChange(what, x, y, None if x is None or y is None else y - x))
    return changed


def _more(a: Counter[str], b: Counter[str]) -> list[str]:
    return [f"{what} ({n} more)" if n > 1 else what for what, n in sorted((a - b).items())]


def flat(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """(path, number) of every number: `scores.rubric.mean`, `models[tuned].bytes`. Truth values are not numbers."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and len(value) <= LONGEST_LIST:
        for index, item in enumerate(value):
            yield from flat(item, f"{path}[{_name_of(item, index)}]")


def _name_of(item: Any, index: int) -> str:
    """What tells an item of a list from the others: its names, else its place."""
    named = [str(item[key]) for key in _NAMES if isinstance(item.get(key), str)] if isinstance(item, dict) else []
    return " ".join(named) or str(index)


def _row(number: NumberChange, title: str) -> list[str]:
    """Bytes and seconds in the units that all else is told in."""
    unit = _unit(number.what, title)
    if unit is None:
        return [number.what, _show(number.a), _show(number.b), _signed(number.difference)]
    a, b = ("-" if value is None else unit(value) for value in (number.a, number.b))
    change = "" if number.difference is None else f"{'-' if number.difference < 0 else '+'}{unit(abs(number.difference))}"
    return [number.what, a, b, change]


def _unit(what: str, title: str) -> Callable[[float], str] | None:
    """None for a number that has neither unit: a figure a second (`tokens_per_second`) is none of seconds."""
    last = what.rpartition(".")[2].partition("[")[0].rpartition(" ")[2]
    if title == "seconds" or last == "seconds" or (last.endswith("_seconds") and "_per_" not in last):
        return human_seconds
    return _bytes if (last == "bytes" or last.endswith("_bytes")) and "_per_" not in last else None


def _bytes(count: float) -> str:
    return human_bytes(round(count))


def _show(value: Any, longest: int = LONGEST_CELL) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), longest)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows])
