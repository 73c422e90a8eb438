"""`read(path)` gives a data set's usable rows in one shape, and every problem with its line and fix.

The format that most rows speak is the file's; rows of another format are bad rows. Nothing is dropped in silence:
`len(rows) + bad_rows` is the number of rows in the file (blank lines are none). Rows are held in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.canonical import sha256_of_path
from modelwright.data import formats, sources
from modelwright.data.duplicates import repeats
from modelwright.data.formats import Example, Format
from modelwright.data.hidden import all_text, has_half_pair, hidden_characters
from modelwright.data.lines import BOM_NOTICE, has_bom
from modelwright.data.problems import BadRow, Flaw, Problem
from modelwright.errors import DataError
from modelwright.files import clear_os_errors
from modelwright.text import one_line


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row. `example` is {"messages"}, {"prompt", "chosen", "rejected"} or {"text"}."""

    line: int
    example: Example


@dataclass(frozen=True)
class Dataset:
    path: Path
    format: Format
    rows: list[Row]
    problems: list[Problem]
    """In the order of the lines. Those with `notice` do not make a row bad."""
    sha256: str
    bad_rows: int
    records: int
    """Rows as they came out of the file, counted before any was looked at."""
    near_duplicates: int = 0
    exact_duplicates: int = 0
    fields: tuple[str, ...] = ()
    """Of the usable rows' records, as first met."""


@dataclass
class _Sorted:
    """What became of each record, while the file's format is not known yet."""

    good: list[tuple[int, Format, Example]] = field(default_factory=list)
    bad: list[tuple[int, Flaw]] = field(default_factory=list)
    nameless: list[tuple[int, object]] = field(default_factory=list)
    """Rows whose fields speak of no format: how to mend them depends on what the others are."""
    notices: list[tuple[int, Flaw]] = field(default_factory=list)
    spoken: Counter[Format] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    unused_fields: Counter[str] = field(default_factory=Counter)


def read(path: Path) -> Dataset:
    """The data set in `path`. Raises DataError when no row of it can be used, naming the first problem and its fix."""
    found = _Sorted()
    records = 0
    for record in sources.records(path):
        records += 1
        _sort(record, found)
    form = found.spoken.most_common(1)[0][0] if found.spoken else None
    rows = [Row(line, example) for line, spoken, example in found.good if spoken == form]
    flaws = [*found.bad, *_of_other_format(found, form)]
    if not form or not rows:
        raise _nothing_usable(path, flaws)
    duplicates = repeats((row.line, row.example) for row in rows)
    notices = [*found.notices, *_file_notices(path, found)]
    notices += [(d.line, Flaw(f"exact duplicate of line {d.first_line}", "remove one of them", notice=True)) for d in duplicates if d.exact]
    exact = sum(repeat.exact for repeat in duplicates)
    with clear_os_errors(path):
        sha256 = sha256_of_path(path)
    placed = _placed(path, [*flaws, *notices])
    return Dataset(path, form, rows, placed, sha256, len(flaws), records, len(duplicates) - exact, exact, tuple(found.fields))


def _sort(record: sources.Record, found: _Sorted) -> None:
    if record.flaw:
        found.bad.append((record.line, record.flaw))
        return
    form = formats.recognise(record.value)
    if form is None:
        shown = dict.fromkeys(list(record.value)[:20]) if isinstance(record.value, dict) else record.value
        found.nameless.append((record.line, shown))
        return
    found.spoken[form] += 1
    try:
        example = formats.convert(record.value, form)
        text = all_text(example)
        _refuse_half_pairs(text)
    except BadRow as error:
        found.bad.append((record.line, error.flaw))
        return
    found.good.append((record.line, form, example))
    found.fields.update(record.value.keys())
    found.unused_fields.update(record.value.keys() - formats.USED_FIELDS[form])
    if hidden := hidden_characters(text):
        found.notices.append(
            (record.line, Flaw(f"hidden characters: {', '.join(hidden)}", "remove them unless they belong there", notice=True))
        )


def _refuse_half_pairs(text: str) -> None:
    if has_half_pair(text):
        raise BadRow("half of a UTF-16 pair stands alone (\\ud800 to \\udfff)", "write the whole character, or remove the row")


def _of_other_format(found: _Sorted, form: Format | None) -> Iterable[tuple[int, Flaw]]:
    for line, row in found.nameless:
        yield line, formats.not_recognised(row, form).flaw
    for line, spoken, _ in found.good:
        if spoken != form:
            yield line, Flaw(f"this row is {spoken}, most rows are {form}", f"write it as {form}, or move it to a file of its own")


def _file_notices(path: Path, found: _Sorted) -> Iterable[tuple[int, Flaw]]:
    if has_bom(path):
        yield 1, BOM_NOTICE
    if found.unused_fields:
        names = ", ".join(f"{one_line(name, 40)} ({count})" for name, count in found.unused_fields.most_common(8))
        yield 0, Flaw(f"fields that are not used (rows): {names}", "nothing to do if that is what you want", notice=True)


def _placed(path: Path, flaws: Iterable[tuple[int, Flaw]]) -> list[Problem]:
    ordered = sorted(flaws, key=lambda item: item[0])
    return [Problem(str(path), line, flaw.what, flaw.fix, flaw.notice) for line, flaw in ordered]


def _nothing_usable(path: Path, flaws: list[tuple[int, Flaw]]) -> DataError:
    if not flaws:
        return DataError(f"{path} holds no row", fix="put at least one row in it")
    line, flaw = min(flaws, key=lambda item: item[0])
    return DataError(f"{path} has no usable row (of {len(flaws)}); line {line}: {flaw.what}", fix=flaw.fix)
