"""Word files: paragraphs and tables in the order of the page, headings as sections, pictures and notes counted.

It does NOT read text boxes, comments or tracked deletions; headers and footers repeat on each page and are left out.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from modelwright.data.documents.decoding import read_bytes
from modelwright.data.documents.document import Document, Losses, Refused, Writer, sections_from
from modelwright.errors import EngineMissing
from modelwright.text import human_bytes

LONGEST_UNPACKED = 400_000_000
"""Bytes; a zip of 1 MB can unpack to many GB."""
_HEADING = re.compile(r"(?:Heading|Title) ?([1-6])?\Z")


def load_docx(path: Path, limit: int) -> Document:
    try:
        import docx
    except ImportError:
        raise EngineMissing("Word files need the package python-docx", fix="pip install 'modelwright[rag]'") from None
    raw = read_bytes(path, limit)
    _refuse_bomb(raw)
    try:
        word = docx.Document(io.BytesIO(raw))
        return _written(word, path)
    except Refused:
        raise
    except Exception as error:  # python-docx raises whatever its XML and zip parts raise
        raise Refused("broken", f"not a Word file that can be read: {type(error).__name__}: {str(error)[:80]}") from None


def _refuse_bomb(raw: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Refused("broken", f"not a Word file: {error}") from None
    if size > LONGEST_UNPACKED:
        raise Refused("too large", f"unpacks to {human_bytes(size)}")


def _written(word: Any, path: Path) -> Document:
    writer, headings, losses = Writer(), list[tuple[int, int, str]](), Losses()
    for block in word.iter_inner_content():
        if hasattr(block, "rows"):
            losses.tables += 1
            rows = "\n".join(" | ".join(_cells(row)) for row in block.rows)
            losses.characters_in += len(rows)
            writer.separate()
            writer.part("table", rows, number=losses.tables)
            continue
        text = block.text
        losses.characters_in += len(text)
        if not text.strip():
            continue
        writer.separate()
        heading = _HEADING.match(getattr(block.style, "name", None) or "")
        if heading:
            headings.append((writer.length, int(heading.group(1) or 1), text.strip()))
        writer.add(text)
    pictures = len(word.inline_shapes)
    if pictures:
        losses.skipped += pictures
        losses.note(f"{pictures} pictures left out")
    text = writer.text()
    if not text.strip():
        raise Refused("empty", "no paragraph holds text")
    losses.characters_out = len(text)
    title = headings[0][2] if headings else path.stem
    return Document(text, "docx", title, [*writer.parts, *sections_from(headings, len(text))], losses=losses)


def _cells(row: Any) -> list[str]:
    """Merged cells are given once for each column they span; here once."""
    seen: list[Any] = []
    for cell in row.cells:
        if not seen or cell._tc is not seen[-1]._tc:
            seen.append(cell)
    return [" ".join(cell.text.split()) for cell in seen]
