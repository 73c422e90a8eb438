"""A file as decoded lines, none of them ever held when it is longer than 32 MB.

Each line comes with its number and either its text or the flaw that it has (not UTF-8, too long). A byte order mark
is taken off and reported. Does not know what the lines mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelwright.data.problems import Flaw
from modelwright.text import human_bytes

LINE_LIMIT = 32_000_000
"""Bytes. The longest honest row seen is a book (about 2 MB); JSON of 32 MB takes about 300 MB as Python objects."""
_SKIP_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    """Without its line end. With U+FFFD for the bytes that are not UTF-8; empty when it was too long."""
    flaw: Flaw | None = None


def read_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as stream:
        offset, number = 0, 0
        while raw := stream.readline(LINE_LIMIT + 2):
            number += 1
            length = len(raw)
            if len(raw.rstrip(b"\r\n")) > LINE_LIMIT:
                length += 0 if raw.endswith(b"\n") else _skip_rest(stream)
                yield Line(number, "", _too_long(length))
            else:
                yield _decode(raw, number, offset)
            offset += length


def has_bom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(3) == _BOM


BOM_NOTICE = Flaw("starts with a byte order mark", "it is ignored here; save the file as UTF-8 without BOM for other tools", notice=True)


def _skip_rest(stream: BinaryIO) -> int:
    skipped = 0
    while block := stream.readline(_SKIP_BLOCK):
        skipped += len(block)
        if block.endswith(b"\n"):
            break
    return skipped


def _too_long(length: int) -> Flaw:
    return Flaw(f"the line is {human_bytes(length)} long, more than {human_bytes(LINE_LIMIT)}", "split it into several rows or remove it")


def _decode(raw: bytes, number: int, offset: int) -> Line:
    stripped = raw.rstrip(b"\r\n")
    if number == 1 and stripped.startswith(_BOM):
        stripped, offset = stripped[len(_BOM) :], offset + len(_BOM)
    try:
        return Line(number, stripped.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Line(number, stripped.decode("utf-8", "replace"), not_utf8(error, offset))


def not_utf8(error: UnicodeDecodeError, offset: int) -> Flaw:
    byte = error.object[error.start]
    return Flaw(
        f"not UTF-8: byte 0x{byte:02x} at offset {offset + error.start} of the file", "save the file as UTF-8, or mend or remove the row"
    )
