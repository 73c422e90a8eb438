"""CSV and JSON Lines: a row is a part, and the column names are the header that every chunk is read with.

CSV keeps the file's own characters, so that a citation stands in the file. JSON Lines is written out as `key: value`
lines, since JSON escapes are not what anyone searches for; the row's line number is its part's number.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from modelwright.data.documents.decoding import decode, read_bytes
from modelwright.data.documents.document import Document, Losses, Part, Refused, Writer

_CELL_LIMIT = 8_000_000


def load_csv(path: Path, limit: int) -> Document:
    losses = Losses()
    text = decode(read_bytes(path, limit), losses)
    csv.field_size_limit(_CELL_LIMIT)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=text.split("\n", 1)[0].count)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    parts, header, number = list[Part](), list[str](), 0
    while True:
        start = lines.taken
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            losses.skipped += 1
            losses.note(f"a row is not CSV: {error}")
            continue
        if not header:
            header = [name.strip() for name in cells]
        elif cells:
            number += 1
            parts.append(Part("row", start, lines.taken, number=number))
            if len(cells) != len(header):
                losses.note(f"row {number} has {len(cells)} cells, the header {len(header)}")
    losses.tables = 1
    return Document(text, "csv", path.stem, parts, header=" | ".join(header), losses=losses)


class _Lines:
    """The lines of a text, and how many characters of it have been given out."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.taken = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken += len(line)
        return line


def load_jsonl(path: Path, limit: int) -> Document:
    losses = Losses()
    raw = decode(read_bytes(path, limit), losses)
    writer, bad, unread = Writer(), list[int](), 0
    for number, line in enumerate(raw.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            bad.append(number)
            unread += len(line)
            continue
        if written := "\n".join(_fields(value)):
            writer.separate()
            writer.part("row", written, number=number)
    if bad:
        losses.skipped += len(bad)
        losses.note(f"{len(bad)} lines are not JSON, the first is line {bad[0]}")
    return _finished(writer, "jsonl", path, losses, unread)


def load_json(path: Path, limit: int) -> Document:
    """One JSON value: an array gives a row for each element."""
    losses = Losses()
    raw = decode(read_bytes(path, limit), losses)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refused("broken", f"not JSON: {str(error)[:120]}") from None
    writer = Writer()
    for number, row in enumerate(value if isinstance(value, list) else [value], 1):
        if written := "\n".join(_fields(row)):
            writer.separate()
            writer.part("row", written, number=number)
    return _finished(writer, "jsonl", path, losses)


def _finished(writer: Writer, kind: str, path: Path, losses: Losses, unread: int = 0) -> Document:
    """`unread` characters of lines that are no JSON are lost; quotes, braces and escapes are not."""
    text = writer.text()
    if not text.strip():
        raise Refused("empty", "no row of it holds a value")
    losses.characters_out = len(text)
    losses.characters_in = len(text) + unread
    return Document(text, kind, path.stem, writer.parts, losses=losses)


def _fields(value: Any, name: str = "") -> list[str]:
    """`key: value` for each scalar, nested keys joined by a dot."""
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in _fields(inner, f"{name}.{key}" if name else str(key))]
    if isinstance(value, list):
        return [line for inner in value for line in _fields(inner, name)]
    if value is None or value == "":
        return []
    written = value if isinstance(value, str) else json.dumps(value)
    written = written.encode("utf-8", "replace").decode("utf-8")  # half a UTF-16 pair cannot be stored
    return [f"{name}: {written}" if name else written]
