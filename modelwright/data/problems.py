"""What is wrong with a data set, row by row.

A `Problem` names file, line and fix. A notice is worth knowing but the row is used all the same; any other problem
makes its row a bad row: counted, never used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """A problem that does not know yet where it stands."""

    what: str
    fix: str
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    file: str
    line: int
    """Counted from 1. For Parquet the row number, as it has no lines; 0 speaks of the whole file."""
    what: str
    fix: str
    notice: bool = False

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.what}"


class BadRow(Exception):
    """Raised by a converter: this row cannot be used."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.flaw = Flaw(what, fix)
