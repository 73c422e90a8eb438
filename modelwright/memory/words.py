"""The words of a text as 64-bit numbers: split, lower-cased, and cut to their Porter stems by SQLite's own FTS5.

One stemmer for the durable index (FTS5) and for its cache (lexical.py), so that both find the same. A question's words are
stemmed once and remembered. Two stems of one number among 500,000 have a chance of 1 in 10^8.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+")
MOST_KEPT = 500_000
"""Words whose stems are remembered: 60 MB."""
_stems: dict[str, int] = {}
_lock = threading.Lock()


def split(text: str) -> list[str]:
    """Letters and digits that stand together, lower case."""
    return _WORD.findall(lowered(text))


def lowered(text: str) -> str:
    """As words are compared: lower case, letters and their accents as one character where there is one."""
    lower = text.lower()
    return lower if lower.isascii() else unicodedata.normalize("NFC", lower)


def stem_numbers(words: Iterable[str]) -> dict[str, int]:
    """Word -> the number of its stem, remembered."""
    wanted = set(words)
    with _lock:
        if wanted <= _stems.keys():
            return {word: _stems[word] for word in wanted}
        if len(_stems) + len(wanted) > MOST_KEPT:
            _stems.clear()
        _stems.update(stemmed(sorted(wanted - _stems.keys())))
        return {word: _stems[word] for word in wanted}


def stemmed(words: Sequence[str]) -> dict[str, int]:
    """The same for words that will not come again: nothing is kept."""
    if not words:
        return {}
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        db.execute("create virtual table given using fts5(word, tokenize='porter')")
        db.execute("create virtual table stems using fts5vocab(given, instance)")
        db.execute("begin")
        db.executemany("insert into given (rowid, word) values (?, ?)", enumerate(words))
        found = {doc: term for term, doc in db.execute("select term, doc from stems order by doc, offset desc")}
    finally:
        db.close()
    return {word: _number(found.get(place, word)) for place, word in enumerate(words)}


def _number(stem: str) -> int:
    """Positive, so that it fits a signed int64."""
    return int.from_bytes(hashlib.blake2b(stem.encode("utf-8", "replace"), digest_size=8).digest(), "little") >> 1
