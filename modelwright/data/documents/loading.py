"""Which loader a file needs, by its ending; a file without a known ending is text if its bytes are.

`load` either gives a document with text in it or raises `Refused` with a reason that is counted. Nothing else escapes:
a parser that stumbles over a broken file costs that file only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from modelwright.data.documents.document import Document, Refused
from modelwright.data.documents.docx import load_docx
from modelwright.data.documents.html import load_html
from modelwright.data.documents.mail import load_mail
from modelwright.data.documents.notebook import load_notebook
from modelwright.data.documents.pdf import load_pdf
from modelwright.data.documents.plain import load_code, load_markdown, load_text
from modelwright.data.documents.tables import load_csv, load_json, load_jsonl
from modelwright.errors import ModelwrightError

VERSION = "1"
"""Part of what says that a document is unchanged: raise it when the same file would now give another text."""
LONGEST_FILE = 200_000_000
"""Bytes. A text of 200 MB takes about 1 GB while it is cut."""

Loader = Callable[[Path, int], Document]
CODE = frozenset(
    re.findall(
        r"\S+",
        ".py .pyi .js .mjs .ts .tsx .jsx .java .c .h .cc .cpp .hpp .cs .go .rs .rb .php .swift .kt .scala .sh .bash .sql .r .jl .lua .pl"
        " .toml .yaml .yml .ini .cfg .css .proto .tf .cu .cuh",
    )
)
LOADERS: dict[str, Loader] = {
    ".md": load_markdown,
    ".markdown": load_markdown,
    ".mdx": load_markdown,
    ".txt": load_text,
    ".text": load_text,
    ".rst": load_text,
    ".log": load_text,
    ".tex": load_text,
    ".html": load_html,
    ".htm": load_html,
    ".xhtml": load_html,
    ".pdf": load_pdf,
    ".docx": load_docx,
    ".csv": load_csv,
    ".tsv": load_csv,
    ".jsonl": load_jsonl,
    ".ndjson": load_jsonl,
    ".json": load_json,
    ".ipynb": load_notebook,
    ".eml": load_mail,
    ".mbox": load_mail,
    **dict.fromkeys(CODE, load_code),
}


def load(path: Path, limit: int = LONGEST_FILE) -> Document:
    """The document in `path`. Raises Refused (too large, empty, binary, broken, encrypted, no text, unreadable)."""
    loader = LOADERS.get(path.suffix.lower(), load_text)
    try:
        document = loader(path, limit)
    except (Refused, ModelwrightError):
        raise
    except MemoryError:
        raise Refused("too large", "there is not enough memory to read it") from None
    except Exception as error:  # a parser that trips over its input
        raise Refused("broken", f"{type(error).__name__}: {str(error)[:100]}") from None
    if not document.text.strip():
        raise Refused("empty", "no text in it")
    return document
