"""Words from pictures of pages by tesseract, where it is installed: text with the box of each word.

A program, not a package: `tesseract stdin stdout tsv`. Words below 30 of 100 confidence are left out, as they are mostly
dust. It reads English, as tesseract does when nothing is said, and nothing of the picture's layout but lines.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from dataclasses import dataclass

from modelwright.data.documents.document import Box

LOWEST_CONFIDENCE = 30.0
SECONDS_A_PAGE = 120


@dataclass(frozen=True, slots=True)
class Reading:
    """What one picture says. Spans of the boxes are those of `text`."""

    text: str
    boxes: list[Box]
    confidence: float
    """Mean over the words, 0 to 100."""


def installed() -> bool:
    return shutil.which("tesseract") is not None


def read_picture(picture: bytes, page: int) -> Reading:
    """The words in one picture. Raises OSError when tesseract fails or takes too long."""
    program = shutil.which("tesseract")
    if program is None:
        raise OSError("tesseract is not installed")
    try:
        done = subprocess.run(
            [program, "stdin", "stdout", "--psm", "3", "tsv"], input=picture, capture_output=True, check=False, timeout=SECONDS_A_PAGE
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"tesseract took longer than {SECONDS_A_PAGE} s") from None
    if done.returncode:
        raise OSError(done.stderr.decode("utf-8", "replace").strip()[:120] or f"tesseract ended with {done.returncode}")
    return parse_tsv(done.stdout.decode("utf-8", "replace"), page)


def parse_tsv(tsv: str, page: int) -> Reading:
    """tesseract's table: words in reading order, a line end where its line number changes."""
    pieces: list[str] = []
    boxes: list[Box] = []
    confidences: list[float] = []
    length, line_before = 0, ("", "", "")
    for row in csv.DictReader(tsv.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        word, confidence = (row.get("text") or "").strip(), float(row.get("conf") or -1)
        if not word or confidence < LOWEST_CONFIDENCE:
            continue
        line = (row["block_num"], row["par_num"], row["line_num"])
        if pieces:
            pieces.append(" " if line == line_before else "\n")
            length += 1
        x, y, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
        boxes.append(Box(length, length + len(word), page, x, y, x + width, y + height))
        pieces.append(word)
        length += len(word)
        line_before = line
        confidences.append(confidence)
    mean = sum(confidences) / len(confidences) if confidences else 0.0
    return Reading("".join(pieces), boxes, mean)
