"""Any tool's result as rows and tables, for tools that nothing here knows.

Scalars become rows, lists of records tables, records inside records dotted rows. What has a section of its own
(artifacts, samples, loss points, notes) is left out, and long lists are cut with a word about the rest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.agent.report import findings, wording
from modelwright.types import Json

ROWS = 20
COLUMNS = 8
ITEMS = 12
DEPTH = 2


@dataclass(frozen=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    more: int = 0
    """Rows that are not shown."""


@dataclass
class Shown:
    rows: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def of(result: Json, root: Path) -> Shown:
    """The generic part of a result."""
    skipped = _with_own_section(findings.of(result))
    rest = {name: value for name, value in result.items() if name not in skipped}
    shown, alike = Shown(), _alike(rest)
    for name, value in rest.items():
        if name not in alike:
            _add(shown, name, value, root, DEPTH)
    if alike:
        shown.tables.append(table(", ".join(map(wording.label, alike)), [{"": name, **value} for name, value in alike.items()], root))
    return shown


def _alike(result: Json) -> dict[str, Json]:
    """Records with the very same fields, two or more (lengths in characters, words, tokens): one table instead of many rows."""
    records = {
        name: value for name, value in result.items() if isinstance(value, dict) and len(value) > 2 and all(map(_is_plain, value.values()))
    }
    fields = Counter(tuple(value) for value in records.values())
    common, times = fields.most_common(1)[0] if fields else ((), 0)
    return {name: value for name, value in records.items() if times > 1 and tuple(value) == common}


def _with_own_section(found: findings.Findings) -> set[str]:
    """Fields that are shown elsewhere on the page."""
    left_out = {"summary", "artifacts", "notes", "warnings", "caveats"}
    left_out |= {"samples", "examples"} if found.samples else set()
    left_out |= {"losses", "log_history", "history", "eval_losses"} if found.losses else set()
    left_out |= {"pairs", "comparisons", "differences"} if found.differences else set()
    left_out |= {"checks"} if found.rates else set()
    return left_out | ({"scores", "pass_rate"} if found.scores else set())


def _add(shown: Shown, name: str, value: Any, root: Path, depth: int) -> None:
    if value is None or value in ([], {}):
        return
    if isinstance(value, dict):
        _add_record(shown, name, value, root, depth)
    elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
        shown.tables.append(table(name, value, root))
    elif isinstance(value, list):
        shown.rows.append((wording.label(name), _listed(name, value, root)))
    else:
        shown.rows.append((wording.label(name), text(name, value, root)))


def _add_record(shown: Shown, name: str, value: Json, root: Path, depth: int) -> None:
    if len(value) > 1 and all(isinstance(item, dict) for item in value.values()):
        shown.tables.append(table(name, [{"": key, **item} for key, item in value.items()], root))
    elif depth == 0:
        shown.rows.append((wording.label(name), wording.scalar(name, value)))
    else:
        for key, item in value.items():
            _add(shown, f"{name}: {key}", item, root, depth - 1)


def table(name: str, items: list[Json], root: Path) -> Table:
    """Columns are the fields that hold scalars in some item."""
    columns = [key for key in dict.fromkeys(key for item in items for key in item) if any(_is_plain(item.get(key)) for item in items)]
    columns = columns[:COLUMNS]
    rows = [[_cell(name if key == "" else key, item.get(key), root) for key in columns] for item in items[:ROWS]]
    return Table(wording.label(name), [wording.label(key) for key in columns], rows, max(0, len(items) - ROWS))


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list)


def _cell(name: str, value: Any, root: Path) -> str:
    return "" if value is None else text(name, value, root)


def _listed(name: str, values: list[Any], root: Path) -> str:
    said = ", ".join(text(name, value, root) for value in values[:ITEMS])
    return said if len(values) <= ITEMS else f"{said} … {len(values)} in all"


def text(name: str, value: Any, root: Path) -> str:
    return short_path(value, root) if isinstance(value, str) and value.startswith("/") else wording.scalar(name, value)


def short_path(path: str, root: Path) -> str:
    """As seen from the workspace, when it lies inside."""
    return path.removeprefix(f"{root}/")
