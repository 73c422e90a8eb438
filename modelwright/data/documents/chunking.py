"""From a document to chunks: spans of its text that are searched, and the wider spans that are shown and cited from.

`text[chunk.start:chunk.end]` is the chunk, always. A window is what a reader is given when the chunk is found: the parent,
the sentences around it, or the chunk itself. No chunk is longer than `tokens` as the ruler measures, save when a limit is
below one grapheme; nothing but white space is left out.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from modelwright.data.documents.code_structure import block_starts
from modelwright.data.documents.document import Document, Part
from modelwright.data.documents.ruler import Measure, Ruler
from modelwright.data.documents.sentences import Span, sentences

Chunker = Literal["auto", "recursive", "section", "code", "sentence_window", "parent_child"]
PARENT_TIMES = 4
"""A parent is so many times as long as its children: 200 tokens found, 800 read."""
WINDOW = 2
"""Sentences on each side of the one that was found."""
_BREAKS = (re.compile(r"\n[ \t\r]*\n"), re.compile(r"\n"), re.compile(r"[.!?][\"'”’)\]]*\s|[。！？｡।]"), re.compile(r"\s"))
"""Where to cut, best first: blank line, line end, sentence end, space."""


@dataclass(frozen=True, slots=True)
class Chunk:
    start: int
    end: int
    window_start: int
    window_end: int
    context: str = ""
    """Read together with the chunk: document title, headings, column names. Not part of the text."""
    page: int = 0
    """Page (PDF), row, cell or message that it starts in, from 1; 0 for none."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """What the cutters need."""

    text: str
    measure: Measure
    tokens: int
    overlap: int


def chunk(document: Document, chunker: Chunker, tokens: int, overlap: int, ruler: Ruler) -> list[Chunk]:
    """The chunks of `document` in order. `tokens` and `overlap` as `ruler` measures; overlap is cut to half of `tokens`."""
    cut = _Cut(document.text, Measure(document.text, ruler), tokens, min(overlap, tokens // 2))
    spans = list(_CHUNKERS[_chosen(chunker, document)](document, cut))
    places = _Places(document)
    return [Chunk(start, end, *window, places.context(start), places.page(start)) for (start, end), window in spans]


def _chosen(chunker: Chunker, document: Document) -> str:
    if chunker != "auto":
        return chunker
    if document.kind in ("csv", "jsonl", "email"):
        return "rows"
    if document.kind == "code":
        return "code"
    return "section" if document.of_kind("section") else "recursive"


Windowed = tuple[Span, Span]


def _same(spans: Iterator[Span] | Sequence[Span]) -> Iterator[Windowed]:
    return ((span, span) for span in spans)


def _recursive(document: Document, cut: _Cut) -> Iterator[Windowed]:
    return _same(_split(cut, 0, len(cut.text)))


def _section(document: Document, cut: _Cut) -> Iterator[Windowed]:
    """No chunk crosses a heading; one heading directly under another goes with what follows. PDF pages count as sections."""
    parts = document.of_kind("section") or document.of_kind("page")
    starts = [0]
    for part in parts:
        only_heading = cut.measure.tokens(starts[-1], part.start) <= 12 and "\n" not in cut.text[starts[-1] : part.start].strip()
        if not only_heading:
            starts.append(part.start)
    return _same(_each(cut, starts))


def _code(document: Document, cut: _Cut) -> Iterator[Windowed]:
    return _same(_packed(cut, block_starts(cut.text, document.title)))


def _rows(document: Document, cut: _Cut) -> Iterator[Windowed]:
    parts = document.of_kind("row") or document.of_kind("message")
    return _same(_packed(cut, [part.start for part in parts] or [0]))


def _sentence_window(document: Document, cut: _Cut) -> Iterator[Windowed]:
    spans = [piece for start, end in sentences(cut.text) for piece in _split(cut, start, end)]
    for at, span in enumerate(spans):
        yield span, (spans[max(0, at - WINDOW)][0], spans[min(len(spans) - 1, at + WINDOW)][1])


def _parent_child(document: Document, cut: _Cut) -> Iterator[Windowed]:
    wide = _Cut(cut.text, cut.measure, cut.tokens * PARENT_TIMES, 0)
    for parent in _split(wide, 0, len(cut.text)):
        for child in _split(cut, *parent):
            yield child, parent


_CHUNKERS: dict[str, Callable[[Document, _Cut], Iterator[Windowed]]] = {
    "recursive": _recursive,
    "section": _section,
    "code": _code,
    "rows": _rows,
    "sentence_window": _sentence_window,
    "parent_child": _parent_child,
}


# cutting ------------------------------------------------------------------------------------------------------


def _each(cut: _Cut, starts: Sequence[int]) -> Iterator[Span]:
    for start, end in zip(starts, [*starts[1:], len(cut.text)], strict=True):
        yield from _split(cut, start, end)


def _packed(cut: _Cut, starts: Sequence[int]) -> Iterator[Span]:
    """Whole blocks together while they fit; a block that is too long by itself is cut."""
    bounds = sorted({0, *starts, len(cut.text)})
    if len(bounds) < 2:
        return
    begin = bounds[0]
    for before, end in zip(bounds[1:], [*bounds[2:], None], strict=True):
        if end is None or cut.measure.tokens(begin, end) > cut.tokens:
            yield from _split(cut, begin, before)
            begin = before


def _split(cut: _Cut, start: int, end: int) -> Iterator[Span]:
    """Cut `text[start:end]` into pieces of at most `tokens`, at the best place in the second half of each."""
    start, end = _trimmed(cut.text, start, end)
    while start < end:
        reach = min(end, cut.measure.reach(start, cut.tokens))
        stop = end if reach >= end else _best_break(cut.text, start, max(reach, start + 1))
        piece = _trimmed(cut.text, start, stop)
        if piece[1] > piece[0]:
            yield piece
        if stop >= end:
            return
        start = _trimmed(cut.text, _overlapped(cut, start, stop), end)[0]


def _best_break(text: str, start: int, reach: int) -> int:
    half = start + (reach - start) // 2
    for pattern in _BREAKS:
        last = deque(pattern.finditer(text, half, reach), maxlen=1)
        if last:
            return last[0].end()
    return _whole_grapheme(text, start, reach)


def _whole_grapheme(text: str, start: int, at: int) -> int:
    """Not between a letter and its marks, a joined emoji, or CR and LF; if there is no such place, `at`."""
    moved = at
    while moved > start + 1 and _joined(text, moved):
        moved -= 1
    return at if _joined(text, moved) else moved


def _joined(text: str, at: int) -> bool:
    if at <= 0 or at >= len(text):
        return False
    after, before = text[at], text[at - 1]
    if before == "\u200d" or after == "\u200d" or "\ufe00" <= after <= "\ufe0f" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if "\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff":  # a flag is two of these
        return True
    return unicodedata.combining(after) != 0 or (before == "\r" and after == "\n")


def _overlapped(cut: _Cut, start: int, stop: int) -> int:
    """Where the next piece begins: `overlap` tokens before `stop`, at a space, and always behind `start`."""
    if not cut.overlap:
        return stop
    back = cut.measure.back(stop, cut.overlap)
    space = re.compile(r"\s").search(cut.text, back, stop)
    back = space.end() if space else stop
    return back if start < back <= stop else stop


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


class _Places:
    """What stands above a position: title and headings, column names, page."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._sections = document.of_kind("section")
        self._numbered: list[Part] = next(
            (parts for kind in ("page", "row", "message", "cell") if (parts := document.of_kind(kind))),
            [],
        )
        self._section_starts = [part.start for part in self._sections]
        self._numbered_starts = [part.start for part in self._numbered]
        self._paths = _heading_paths(self._sections)

    def context(self, at: int) -> str:
        index = bisect_right(self._section_starts, at) - 1
        headings = self._paths[index] if index >= 0 else []
        title = [] if self._document.title in headings else [self._document.title]
        above = " > ".join(part for part in (*title, *headings) if part)
        return f"{above}\n{self._document.header}" if self._document.header else above

    def page(self, at: int) -> int:
        index = bisect_right(self._numbered_starts, at) - 1
        return self._numbered[index].number if index >= 0 else 0


def _heading_paths(sections: Sequence[Part]) -> list[list[str]]:
    """For each section the titles above it and its own."""
    paths: list[list[str]] = []
    open_titles: list[Part] = []
    for section in sections:
        while open_titles and open_titles[-1].number >= section.number:
            open_titles.pop()
        open_titles.append(section)
        paths.append([part.label for part in open_titles if part.label])
    return paths
