"""Markdown, text and code: the file's own characters are the document's text, untouched.

Markdown headings (ATX and setext, outside fenced code) become sections, its tables are counted. Code is cut by
code_structure.py. It does NOT take markup off: what is cited must stand in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from modelwright.data.documents.decoding import decode, read_bytes
from modelwright.data.documents.document import Document, Losses, sections_from

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t\r\n]*\Z")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t\r]*\n?\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*(\|[ \t]*:?-{3,}:?[ \t]*)+\|?[ \t\r\n]*\Z")


def load_text(path: Path, limit: int) -> Document:
    losses = Losses()
    text = decode(read_bytes(path, limit), losses)
    return Document(text, "text", path.stem, losses=losses)


def load_code(path: Path, limit: int) -> Document:
    losses = Losses()
    text = decode(read_bytes(path, limit), losses)
    return Document(text, "code", path.name, losses=losses)


def load_markdown(path: Path, limit: int) -> Document:
    losses = Losses()
    text = decode(read_bytes(path, limit), losses)
    headings = list(markdown_headings(text))
    losses.tables = sum(1 for line in _LINE.finditer(text) if _RULE.match(line.group()))
    title = next((title for _, level, title in headings if level == 1), path.stem)
    return Document(text, "markdown", title, sections_from(headings, len(text)), losses=losses)


def markdown_headings(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, level, title) of each heading outside fenced code."""
    fence, before, before_start = "", "", 0
    for line in _LINE.finditer(text):
        content = line.group()
        opened = _FENCE.match(content)
        if opened and (not fence or opened.group(1).startswith(fence)):
            fence = "" if fence else opened.group(1)[:3]
        elif not fence:
            if atx := _ATX.match(content):
                yield line.start(), len(atx.group(1)), atx.group(2)
            elif (underline := _SETEXT.match(content)) and before.strip() and not _ATX.match(before):
                yield before_start, 1 if underline.group(1)[0] == "=" else 2, before.strip()
        before, before_start = content, line.start()
