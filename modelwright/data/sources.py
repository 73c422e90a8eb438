"""From a file to raw records: JSON Lines, JSON, CSV, TSV, Parquet or plain text, each record with its line.

The ending decides; an unknown ending is decided by the first bytes. A record is either a value or the flaw that kept it
from being read. JSON Lines, CSV and text are streamed; a JSON array is read whole and so limited to 1 GB. Compressed
files are not opened.
"""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from modelwright.data import jsontext
from modelwright.data.formats import recognise
from modelwright.data.lines import LINE_LIMIT, Line, not_utf8, read_lines
from modelwright.data.problems import BadRow, Flaw
from modelwright.errors import DataError, EngineMissing
from modelwright.files import clear_os_errors, existing_parent
from modelwright.text import human_bytes, one_line

WHOLE_FILE_LIMIT = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the file."""

    line: int
    value: Any = None
    flaw: Flaw | None = None


def records(path: Path) -> Iterator[Record]:
    """Every row of the file. Raises DataError when there is no such file or it is nothing that holds rows."""
    check_file(path)
    with clear_os_errors(path):
        yield from kind_of(path)(path)


def check_file(path: Path) -> None:
    """Raises DataError unless this is a file with something in it."""
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder, a file is needed", fix=_inside(path))
        if not path.exists():
            raise DataError(f"no file {path}", fix=_nearest(path))
        if not path.is_file():
            raise DataError(f"{path} is not a regular file", fix="save the rows to a file first")
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty", fix="put at least one row in it")
    except (OSError, ValueError) as error:  # a name with NUL, a name too long, a link to itself
        raise DataError(f"{one_line(str(path))} cannot be opened: {one_line(str(error))}", fix="check the file name") from None


def _inside(folder: Path) -> str:
    """Files with rows first, those of text (README.md) last."""
    endings = list(_BY_ENDING)
    files = sorted((p for p in folder.iterdir() if p.suffix in _BY_ENDING), key=lambda p: (endings.index(p.suffix), p.name))[:3]
    return f"name a file in it, such as {' or '.join(map(str, files))}" if files else "name a .jsonl, .json, .csv, .parquet or .txt file"


def _nearest(path: Path) -> str:
    parent = existing_parent(path)
    if not parent.is_dir() or parent != path.parent:
        return f"there is no folder {path.parent}"
    near = get_close_matches(path.name, [p.name for p in parent.iterdir()], n=1)
    return f"did you mean {parent / near[0]}?" if near else f"nothing in {parent} has a name like it"


def kind_of(path: Path) -> Callable[[Path], Iterator[Record]]:
    """Which reader the file needs, by its ending or else by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(65536)
    for magic, message, fix in _NOT_ROWS:
        if head.startswith(magic):
            raise DataError(f"{path} {message}", fix=_on_file(fix, path))
    if head.startswith(b"PAR1"):
        return _parquet
    by_ending = _BY_ENDING.get(path.suffix.lower())
    if by_ending in (_csv, _text, _parquet):
        return by_ending
    return _sniff(head.removeprefix(b"\xef\xbb\xbf").lstrip(), known_as_json=by_ending is not None)


def _on_file(fix: str, path: Path) -> str:
    """The command of a fix with the file's name in it, as a shell takes it."""
    return fix.format(path=shlex.quote(str(path)), new=shlex.quote(str(path.with_name(f"{path.stem}-utf8{path.suffix}"))))


def _sniff(head: bytes, known_as_json: bool) -> Callable[[Path], Iterator[Record]]:
    first_line = head.split(b"\n", 1)[0]
    if head.startswith(b"["):
        return _json
    if head.startswith(b"{") or known_as_json:
        return _json if _opens_a_list_of_rows(head) else _jsonl
    header = {name.strip().strip('"').lower() for name in first_line.decode("utf-8", "replace").replace("\t", ",").split(",")}
    return _csv if len(header) > 1 and header & _CSV_NAMES else _text


def _opens_a_list_of_rows(head: bytes) -> bool:
    """An object that holds rows under "data" or "train", on one line or many, and is no row itself."""
    first_line = head.split(b"\n", 1)[0]
    try:
        if recognise(json.loads(first_line)):
            return False
    except (ValueError, RecursionError):
        pass
    return first_line.strip() == b"{" or jsontext.holds_rows(head.decode("utf-8", "replace"))


def _jsonl(path: Path) -> Iterator[Record]:
    for line in read_lines(path):
        if line.flaw or line.text.strip():
            yield _parsed(line)


def _parsed(line: Line) -> Record:
    if line.flaw:
        return Record(line.number, flaw=line.flaw)
    try:
        return Record(line.number, jsontext.parse(line.text))
    except BadRow as error:
        return Record(line.number, flaw=error.flaw)


def _json(path: Path) -> Iterator[Record]:
    size = path.stat().st_size
    if size > WHOLE_FILE_LIMIT:
        raise DataError(
            f"{path} is one JSON value of {human_bytes(size)}", fix="write it as JSON Lines, one object a line, which is read row by row"
        )
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Record(raw.count(b"\n", 0, error.start) + 1, flaw=not_utf8(error, size - len(raw)))
        return
    for line, value in jsontext.array_elements(text):
        yield Record(line, flaw=value) if isinstance(value, Flaw) else Record(line, value)


def _csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(LINE_LIMIT)  # the default of 131072 characters is less than a long document
    flaws: dict[int, Flaw] = {}
    reader = csv.reader(_noting(read_lines(path), flaws), delimiter=_delimiter(path))
    header: list[str] = []
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(before + 1, flaw=Flaw(f"not CSV: {error}", "check the quotes of this row"))
            before = reader.line_num
            continue
        first, before = before + 1, reader.line_num
        flaw = next((flaws.pop(number) for number in range(first, before + 1) if number in flaws), None)
        if not header and not flaw:
            header = [name.strip().lower() for name in cells]
        elif cells or flaw:
            yield Record(first, flaw=flaw) if flaw else _row_of(first, header, cells)


def _noting(lines: Iterator[Line], flaws: dict[int, Flaw]) -> Iterator[str]:
    for line in lines:
        if line.flaw:
            flaws[line.number] = line.flaw
        yield line.text + "\n"


def _delimiter(path: Path) -> str:
    first = next(read_lines(path)).text
    return max(",;\t", key=first.count)


def _row_of(line: int, header: list[str], cells: list[str]) -> Record:
    if len(cells) != len(header):
        return Record(
            line,
            flaw=Flaw(
                f"{len(cells)} cells, the header has {len(header)}", "put quotes around a cell that holds a comma, a quote or a line end"
            ),
        )
    return Record(line, {name: _cell(name, text) for name, text in zip(header, cells, strict=True)})


def _cell(name: str, text: str) -> Any:
    """A cell of messages is JSON inside CSV."""
    if name in _LIST_NAMES and text.lstrip().startswith("["):
        try:
            return jsontext.parse(text)
        except BadRow:
            return text
    return text


def _parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise EngineMissing(f"{path} is Parquet, which needs pyarrow", fix="pip install 'modelwright[data]'") from None
    try:
        number = 0
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                for value in batch.to_pylist():
                    number += 1
                    yield Record(number, {key: cell for key, cell in value.items() if cell is not None})
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a Parquet file that can be read: {one_line(str(error), 120)}", fix="copy or write it again"
        ) from None


def _text(path: Path) -> Iterator[Record]:
    """Paragraphs, as blank lines separate them."""
    paragraph: list[Line] = []
    for line in read_lines(path):
        if line.text.strip() or line.flaw:
            paragraph.append(line)
        elif paragraph:
            yield _paragraph(paragraph)
            paragraph = []
    if paragraph:
        yield _paragraph(paragraph)


def _paragraph(lines: list[Line]) -> Record:
    flaw = next((line.flaw for line in lines if line.flaw), None)
    if flaw:
        return Record(lines[0].number, flaw=flaw)
    return Record(lines[0].number, {"text": "\n".join(line.text for line in lines)})


_BY_ENDING: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".txt": _text,
    ".md": _text,
}
_LIST_NAMES = frozenset({"messages", "conversations", "prompt", "completion", "chosen", "rejected"})
_CSV_NAMES = _LIST_NAMES | {"instruction", "output", "question", "answer", "response", "text"}
_NOT_ROWS = (
    (b"\x1f\x8b", "is compressed with gzip", "unpack it first: gunzip {path}"),
    (b"PK\x03\x04", "is a zip archive (or a spreadsheet)", "unpack it, or save the sheet as CSV"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd", "unpack it first: unzstd {path}"),
    (b"GGUF", "is a model, not a data set", "name a .jsonl, .json, .csv, .parquet or .txt file"),
    (b"SQLite format 3", "is an SQLite database", "export a table as CSV"),
    (b"\xff\xfe", "is UTF-16, not UTF-8", "convert it: iconv -f UTF-16 -t UTF-8 {path} > {new}"),
    (b"\xfe\xff", "is UTF-16, not UTF-8", "convert it: iconv -f UTF-16 -t UTF-8 {path} > {new}"),
)
