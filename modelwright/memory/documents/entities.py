"""A light graph of what passages speak of: names and identifiers, joined by standing in the same chunk.

It costs no model call: an entity is a run of capitalised words, a word of capitals or with digits, or an identifier of
code. Nodes are (name, chunk) rows; edges are made when they are asked for, as chunks that share a rare entity. It does NOT
resolve that two names mean one thing, nor know how things are related.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Container, Sequence

_NAME = re.compile(r"(?<![^\W_])[A-Z][^\W\d_]+(?:[ \t](?:of|the|and|for)?[ \t]?[A-Z][^\W\d_]+|[ \t]\d+)*|\b[A-Z]{2,}[A-Z0-9-]*\d*\b")
_CODE = re.compile(r"\b[A-Za-z]+(?:[-_.][A-Za-z0-9]+)*\d[\w-]*\b|\b[a-z]+(?:_[a-z0-9]+)+\b|\b[a-z]+[A-Z]\w+\b")
_ARTICLE = re.compile(r"^(?:the|a|an|this|that|these|those|our|your) ")
_COMMON = frozenset(
    re.findall(r"\S+", "the this that these those it if in on for and but use do not yes no you we they he she a an of to is as at")
)
MOST_PER_CHUNK = 40
MOST_COMMON = 0.2
"""An entity in more than a fifth of the chunks joins nothing."""


def entities(text: str) -> list[str]:
    """The entities of a text, lower-cased, each once, in order."""
    found: dict[str, None] = {}
    for pattern in (_NAME, _CODE):
        for match in pattern.finditer(text):
            name = _ARTICLE.sub("", " ".join(match.group().lower().split()))
            if len(name) > 2 and name not in _COMMON:
                found.setdefault(name)
    return list(found)[:MOST_PER_CHUNK]


def add(db: sqlite3.Connection, index: str, chunks: Sequence[tuple[int, str]]) -> None:
    """Note the entities of (item, text)."""
    rows = [(index, name, item) for item, text in chunks for name in entities(text)]
    db.executemany("insert or ignore into rag_entities values (?, ?, ?)", rows)


def remove(db: sqlite3.Connection, items: Sequence[int]) -> None:
    db.executemany("delete from rag_entities where item = ?", [(item,) for item in items])


def neighbours(
    db: sqlite3.Connection, index: str, query: str, seeds: Sequence[int], limit: int, allowed: Container[int] | None = None
) -> list[tuple[int, float]]:
    """Chunks (of `allowed`) joined to the query's entities, then to those of the best hits; scored by how rare what joins them is."""
    chunks = db.execute("select count(distinct item) from rag_entities where index_name = ?", (index,)).fetchone()[0]
    if not chunks:
        return []
    weight = dict.fromkeys(_known(db, index, entities(query) + _lower_words(query)), 1.0)
    for seed in seeds[:3]:
        for row in db.execute("select name from rag_entities where item = ?", (seed,)):
            weight.setdefault(row["name"], 0.3)
    total: dict[int, float] = {}
    for name, base in weight.items():
        items = [row["item"] for row in db.execute("select item from rag_entities where index_name = ? and name = ?", (index, name))]
        if items and len(items) <= max(2, MOST_COMMON * chunks):
            rarity = base * math.log(1 + chunks / len(items))
            for item in items if allowed is None else filter(allowed.__contains__, items):
                total[item] = total.get(item, 0.0) + rarity
    return sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def _known(db: sqlite3.Connection, index: str, names: Sequence[str]) -> list[str]:
    found = []
    for name in dict.fromkeys(names):
        if db.execute("select 1 from rag_entities where index_name = ? and name = ? limit 1", (index, name)).fetchone():
            found.append(name)
    return found


def _lower_words(query: str) -> list[str]:
    """A person does not capitalise: `tw40-s` and `rotterdam` are looked up as they stand."""
    return [word.lower() for word in re.findall(r"[\w-]{3,}", query)]
