"""PDF: the text of each page as a part; a page without text is read by OCR where tesseract is installed, else it is named.

A PDF keeps glyphs, not sentences: the order is that of the file and hyphens at line ends stay. What is cited is a span of
the text that came out, with its page. Tables are not rebuilt.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.data.documents import ocr
from modelwright.data.documents.decoding import read_bytes
from modelwright.data.documents.document import Box, Document, Losses, Refused, Writer
from modelwright.errors import EngineMissing


def load_pdf(path: Path, limit: int) -> Document:
    try:
        import pypdf
    except ImportError:
        raise EngineMissing("PDF needs the package pypdf", fix="pip install 'modelwright[rag]'") from None
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns once for each odd object; the losses say what counts
    raw = read_bytes(path, limit)
    if b"%PDF-" not in raw[:1024]:
        raise Refused("broken", "it does not start like a PDF")
    try:
        reader = pypdf.PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("encrypted", "it needs a password")
        pages = list(reader.pages)
    except Refused:
        raise
    except Exception as error:  # broken files make pypdf raise anything from KeyError to RecursionError
        raise Refused("broken", f"not a PDF that can be read: {type(error).__name__}: {str(error)[:80]}") from None
    return _Pages(path).document(pages, _title(reader))


def _title(reader: Any) -> str:
    try:
        return str(reader.metadata.title or "").strip() if reader.metadata else ""
    except Exception:  # metadata is optional, and as broken as the rest
        return ""


class _Pages:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = Writer()
        self._losses = Losses()
        self._boxes: list[Box] = []
        self._on_page: list[Box] = []
        """Of the page at hand, in its own text; `document` moves them to where the page stands."""

    def document(self, pages: list[Any], title: str) -> Document:
        for number, page in enumerate(pages, 1):
            self._on_page = []
            text = self._text_of(page, number)
            self._losses.characters_in += len(text)
            if not text.strip():
                text = self._by_ocr(page, number)
            if text.strip():
                self._writer.separate()
                at = self._writer.length
                self._boxes += [replace(box, start=box.start + at, end=box.end + at) for box in self._on_page]
                self._writer.part("page", text, f"page {number}", number)
            else:
                self._losses.pages_without_text.append(number)
        text, losses = self._writer.text(), self._losses
        losses.pages, losses.characters_out = len(pages), len(text)
        if not text.strip():
            hint = "" if ocr.installed() else "; tesseract, which reads scanned pages, is not installed"
            raise Refused("no text", f"none of its {len(pages)} pages holds text{hint}")
        return Document(text, "pdf", title or self._path.stem, self._writer.parts, self._boxes, losses=losses)

    def _text_of(self, page: Any, number: int) -> str:
        try:
            text = str(page.extract_text() or "")
        except Exception as error:  # one damaged page must not cost the others
            self._losses.note(f"page {number} cannot be read: {type(error).__name__}")
            return ""
        return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()

    def _by_ocr(self, page: Any, number: int) -> str:
        if not ocr.installed():
            self._losses.note("pages without text: tesseract is not installed")
            return ""
        texts: list[str] = []
        length = 0
        for picture in self._pictures(page, number):
            try:
                reading = ocr.read_picture(picture, number)
            except OSError as error:
                self._losses.note(f"OCR of page {number}: {error}")
                continue
            self._on_page += [replace(box, start=box.start + length, end=box.end + length) for box in reading.boxes]
            texts.append(reading.text)
            length += len(reading.text) + 1
            self._losses.note(f"page {number} by OCR, confidence {reading.confidence:.0f} of 100")
        if any(texts):
            self._losses.pages_by_ocr.append(number)
        return "\n".join(texts)

    def _pictures(self, page: Any, number: int) -> Iterator[bytes]:
        try:
            yield from (picture.data for picture in page.images)
        except Exception as error:  # formats that Pillow does not know
            self._losses.note(f"a picture on page {number} cannot be read: {type(error).__name__}")
