"""What a loaded document is: one text, the places in it, and what was lost on the way.

Spans are characters (Python string indexes), half open: `text[start:end]`. A part is a page, a section, a cell, a row or
a table; parts of one kind do not overlap and stand in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

PartKind = Literal["page", "section", "cell", "row", "table", "message"]


@dataclass(frozen=True, slots=True)
class Part:
    """A place in the text that has a name."""

    kind: PartKind
    start: int
    end: int
    label: str = ""
    """A section's title, a cell's kind, a message's subject."""
    number: int = 0
    """Counted from 1: the page, row or cell as a person would count it. For a section its level, 1 to 6."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where words that were read by OCR stand on their page; pixels of the scanned picture, from its top left corner."""

    start: int
    end: int
    page: int
    x0: int
    y0: int
    x1: int
    y1: int


@dataclass
class Losses:
    """What went in and what came out. `notes` say it in words, each once."""

    characters_in: int = 0
    """Characters that the file's own text has: of HTML and e-mail before markup was taken off; of PDF those that came out."""
    characters_out: int = 0
    pages: int = 0
    pages_without_text: list[int] = field(default_factory=list)
    pages_by_ocr: list[int] = field(default_factory=list)
    tables: int = 0
    """Tables that were kept as rows of cells."""
    skipped: int = 0
    """Things that were left out: pictures, attachments, scripts, outputs of cells, rows that cannot be read."""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


@dataclass
class Document:
    text: str
    kind: str
    """markdown, text, html, pdf, docx, code, csv, jsonl, notebook, email."""
    title: str = ""
    parts: list[Part] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    header: str = ""
    """What every piece of it needs to be understood: the column names of a table."""
    losses: Losses = field(default_factory=Losses)

    def of_kind(self, kind: PartKind) -> list[Part]:
        return [part for part in self.parts if part.kind == kind]


class Refused(Exception):
    """This file cannot be a document. `reason` is one word that is counted, the message says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Writer:
    """Builds a text piece by piece and notes where each part of it stands."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.length = 0
        self.parts: list[Part] = []

    def add(self, text: str) -> tuple[int, int]:
        """Add `text`; its span."""
        start = self.length
        self._pieces.append(text)
        self.length += len(text)
        return start, self.length

    def part(self, kind: PartKind, text: str, label: str = "", number: int = 0) -> None:
        """Add `text` as a part."""
        start, end = self.add(text)
        self.parts.append(Part(kind, start, end, label, number))

    def separate(self, separator: str = "\n\n") -> None:
        if self.length:
            self.add(separator)

    def text(self) -> str:
        return "".join(self._pieces)


def sections_from(headings: Iterable[tuple[int, int, str]], length: int) -> list[Part]:
    """Sections from (start, level, title) of headings in order; each ends where the next begins."""
    found = list(headings)
    ends = [start for start, _, _ in found[1:]] + [length] * bool(found)
    return [Part("section", start, end, title, level) for (start, level, title), end in zip(found, ends, strict=True)]
