"""HTML to text: blocks on lines of their own, headings as sections, tables as rows of cells.

Scripts, styles, templates and what is marked hidden are left out and counted: text that no reader sees is where
instructions to models are hidden. It does NOT run scripts or judge what is navigation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from modelwright.data.documents.decoding import read_bytes, refuse_binary
from modelwright.data.documents.document import Document, Losses, Refused, Writer, sections_from
from modelwright.errors import EngineMissing

_DROPPED = ("script", "style", "template", "noscript", "svg", "iframe", "object")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])", re.I)
_BLOCKS = frozenset(
    re.findall(
        r"\S+",
        "p div section article main header footer aside nav ul ol li dl dt dd pre blockquote figure figcaption form fieldset address"
        " table tr h1 h2 h3 h4 h5 h6 br hr body",
    )
)
_HEADING = re.compile(r"h([1-6])\Z")
_SPACES = re.compile(r"[ \t\r\n\f\xa0]+")


def load_html(path: Path, limit: int) -> Document:
    raw = read_bytes(path, limit)
    refuse_binary(raw) if not raw.startswith((b"\xff\xfe", b"\xfe\xff")) else None
    return from_markup(raw, path.stem)


def from_markup(raw: bytes | str, name: str) -> Document:
    """The document that HTML shows. Raises Refused when nothing is left."""
    try:
        from bs4 import BeautifulSoup
    except ImportError:
        raise EngineMissing("HTML needs the package beautifulsoup4", fix="pip install 'modelwright[rag]'") from None
    soup = BeautifulSoup(raw, "lxml")
    losses = Losses()
    _drop_unseen(soup, losses)
    losses.characters_in = len(soup.get_text())
    writer = _Blocks()
    writer.walk(soup.body or soup)
    text = writer.writer.text().rstrip()
    if not text.strip():
        raise Refused("empty", "no text is left when the markup is taken off")
    losses.characters_out, losses.tables = len(text), writer.tables
    title = _SPACES.sub(" ", soup.title.get_text()).strip() if soup.title else name
    return Document(text, "html", title or name, sections_from(writer.headings, len(text)), losses=losses)


def _drop_unseen(soup: Any, losses: Losses) -> None:
    unseen = [tag for tag in soup.find_all(True) if tag.name in _DROPPED or _is_hidden(tag)]
    for tag in unseen:
        if not tag.decomposed:
            tag.decompose()
            losses.skipped += 1
    pictures = len(soup.find_all("img"))
    losses.skipped += pictures
    if unseen:
        losses.note(f"{len(unseen)} scripts, styles or hidden elements left out")
    if pictures:
        losses.note(f"{pictures} pictures left out")


def _is_hidden(tag: Any) -> bool:
    return tag.has_attr("hidden") or bool(_HIDDEN_STYLE.search(str(tag.get("style") or "")))


class _Blocks:
    """Writes the text of elements, one block a line."""

    def __init__(self) -> None:
        self.writer = Writer()
        self.headings: list[tuple[int, int, str]] = []
        self.tables = 0
        self._line: list[str] = []

    def walk(self, root: Any) -> None:
        """Without recursion: broken pages nest thousands deep."""
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            name = getattr(node, "name", None)
            if name is None:
                if type(node).__name__ == "NavigableString":  # no comments, no doctypes
                    self._line.append(str(node))
                continue
            if leaving:
                self._leave(name)
                continue
            if name == "table" and not node.find("table"):
                self._table(node)
                continue
            if name in _BLOCKS:
                self._flush()
            stack.append((node, True))
            stack += [(child, False) for child in reversed(list(node.children))]
        self._flush()

    def _leave(self, name: str) -> None:
        heading = _HEADING.match(name)
        if heading:
            title = self._taken()
            if title:
                self.headings.append((self.writer.length, int(heading.group(1)), title))
                self.writer.add(title + "\n")
        elif name in _BLOCKS:
            self._flush()

    def _table(self, node: Any) -> None:
        self._flush()
        rows = [[_SPACES.sub(" ", cell.get_text(" ")).strip() for cell in row.find_all(["td", "th"])] for row in node.find_all("tr")]
        lines = [" | ".join(row) for row in rows if any(row)]
        if lines:
            self.tables += 1
            self.writer.part("table", "\n".join(lines), number=self.tables)
            self.writer.add("\n")

    def _taken(self) -> str:
        text = _SPACES.sub(" ", "".join(self._line)).strip()
        self._line = []
        return text

    def _flush(self) -> None:
        if text := self._taken():
            self.writer.add(text + "\n")
