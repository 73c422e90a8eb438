"""What can be changed when something does not fit: each change with what it saves and what it costs, cheapest first.

A cost is one of four levels, because a number would claim more than is known: nothing is lost, hardly measurable (KL below 0.01
nats on models of a billion weights and more), noticeable, and what was asked for is cut. Within a level the largest saving
comes first. Source of the quality levels: llama.cpp's published KL tables for weights; measured KL of caches in q8_0 (3e-4
nats) and q4_0 (5e-2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LEVELS = ("free", "hardly measurable", "noticeable", "less than asked")


@dataclass(frozen=True)
class Lever:
    """A change of arguments."""

    change: dict[str, Any]
    level: int
    """index into LEVELS"""
    cost: str
    """what is given up, in words"""


@dataclass(frozen=True)
class Pulled:
    """A lever and what it does."""

    lever: Lever
    bytes: int
    saved_bytes: int


def ranked(levers: Iterable[Lever], now: int, bytes_with: Callable[[Mapping[str, Any]], int]) -> list[Pulled]:
    """Those that save something, by level and then by what they save. `bytes_with` gives the size after a change."""
    pulled = [Pulled(lever, size, now - size) for lever in levers if (size := bytes_with(lever.change)) < now]
    return sorted(pulled, key=lambda item: (item.lever.level, -item.saved_bytes))


def nearest(levers: Iterable[Lever], limit: int, bytes_with: Callable[[Mapping[str, Any]], int]) -> tuple[dict[str, Any], int] | None:
    """The cheapest change that fits into `limit`: one lever if one is enough, else several, cheapest first. None when none do."""
    ordered = sorted(levers, key=lambda lever: lever.level)
    for lever in ordered:
        if (size := bytes_with(lever.change)) <= limit:
            return dict(lever.change), size
    change: dict[str, Any] = {}
    best = bytes_with(change)
    for lever in ordered:
        size = bytes_with({**change, **lever.change})
        if size < best:
            change, best = {**change, **lever.change}, size
        if best <= limit:
            needed = _without_idle(change, limit, bytes_with)
            return needed, bytes_with(needed)
    return None


def _without_idle(change: dict[str, Any], limit: int, bytes_with: Callable[[Mapping[str, Any]], int]) -> dict[str, Any]:
    """Without the changes that turned out not to be needed, of which the dearest go first."""
    for name in reversed(list(change)):
        fewer = {key: value for key, value in change.items() if key != name}
        if bytes_with(fewer) <= limit:
            change = fewer
    return change


def halvings(value: int, least: int) -> list[int]:
    """Half, a quarter … of `value`, down to `least`."""
    found = []
    while value // 2 >= least:
        value //= 2
        found.append(value)
    return found
