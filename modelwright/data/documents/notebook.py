"""Jupyter notebooks: cells in order, headings of their Markdown as sections, printed output kept, pictures counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelwright.data.documents.decoding import decode, read_bytes
from modelwright.data.documents.document import Document, Losses, Refused, Writer, sections_from
from modelwright.data.documents.plain import markdown_headings

LONGEST_OUTPUT = 4000
"""Characters of one cell's output; training logs are long and say little."""


def load_notebook(path: Path, limit: int) -> Document:
    losses = Losses()
    raw = decode(read_bytes(path, limit), losses)
    try:
        cells = json.loads(raw)["cells"]
        cells = [(str(cell["cell_type"]), _joined(cell.get("source", "")), cell.get("outputs", [])) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("broken", f"not a notebook: {type(error).__name__}: {str(error)[:80]}") from None
    writer, headings = Writer(), list[tuple[int, int, str]]()
    losses.characters_in = sum(len(source) for _, source, _ in cells)  # of the JSON around them nothing is meant to stay
    for number, (kind, source, outputs) in enumerate(cells, 1):
        if source.strip():
            writer.separate()
            if kind == "markdown":
                headings += [(writer.length + start, level, title) for start, level, title in markdown_headings(source)]
            writer.part("cell", source, kind, number)
        for output in outputs:
            _add_output(writer, output, number, losses)
    text = writer.text()
    if not text.strip():
        raise Refused("empty", "no cell holds text")
    losses.characters_out = len(text)
    title = next((title for _, level, title in headings if level == 1), path.stem)
    return Document(text, "notebook", title, [*writer.parts, *sections_from(headings, len(text))], losses=losses)


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _add_output(writer: Writer, output: Any, number: int, losses: Losses) -> None:
    if not isinstance(output, dict):
        return
    data = output.get("data") or {}
    text = _joined(output.get("text") or data.get("text/plain") or "")
    if any(kind.startswith("image/") for kind in data):
        losses.skipped += 1
        losses.note("pictures in outputs left out")
    losses.characters_in += len(text)
    if len(text) > LONGEST_OUTPUT:
        losses.skipped += 1
        losses.note(f"outputs are kept up to {LONGEST_OUTPUT} characters")
        text = text[:LONGEST_OUTPUT]
    if text.strip():
        writer.separate()
        writer.part("cell", text, "output", number)
