"""The vocabulary of the store: what is put in, what comes out, what a search may be restricted to."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelwright.errors import BadRequest
from modelwright.types import Json

UNTRUSTED = 0
"""The lowest trust; what the numbers mean is the users' (trust.py for long-term memory)."""


@dataclass(frozen=True)
class NewItem:
    """Something to store. One with the `key` of a live item of its collection takes that item's place."""

    text: str
    key: str | None = None
    kind: str = "chunk"
    metadata: Json = field(default_factory=dict)
    """Plain JSON; a Filter can ask for its top-level values."""
    trust: int = UNTRUSTED
    parents: Sequence[int] = ()
    """Ids that it was made from: forgetting one of them forgets it too."""
    expires: float | None = None
    """Seconds since the epoch after which no search finds it."""


@dataclass(frozen=True)
class Item:
    """A stored item. `live` is false for one that is hidden."""

    id: int
    collection: str
    key: str | None
    kind: str
    text: str
    metadata: Json
    trust: int
    created: float
    live: bool
    expires: float | None


@dataclass(frozen=True)
class Hit:
    """An item that a search found. `score` is a cosine (dense) or BM25 points (lexical): compare within one list only."""

    item: Item
    score: float


@dataclass(frozen=True)
class Filter:
    """What a search is restricted to, before it ranks: nothing is lost to a fixed over-fetch."""

    kinds: Sequence[str] = ()
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Top-level values that must be equal."""
    min_trust: int = UNTRUSTED
    ids: Sequence[int] | None = None

    def __bool__(self) -> bool:
        """Whether it restricts anything."""
        return bool(self.kinds or self.metadata or self.min_trust > UNTRUSTED or self.ids is not None)

    def where(self) -> tuple[str, list[object]]:
        """SQL over the table `items`, starting with `and` unless empty, and its values."""
        parts: list[str] = []
        values: list[object] = []
        if self.kinds:
            parts.append(f"items.kind in ({marks(self.kinds)})")
            values += self.kinds
        for name, value in self.metadata.items():
            if '"' in name:
                raise BadRequest(f"a filter's field may not hold a quotation mark: {name!r:.60}")
            parts.append("json_extract(items.metadata, ?) = ?")
            values += [f'$."{name}"', value]
        if self.min_trust > UNTRUSTED:
            parts.append("items.trust >= ?")
            values.append(self.min_trust)
        if self.ids is not None:
            parts.append("items.id in (select value from json_each(?))")
            values.append(json.dumps(list(self.ids)))
        return "".join(f" and {part}" for part in parts), values


LIVE = "items.live = 1 and (items.expires is null or items.expires > ?)"
"""SQL of what a search may find; its value is the time."""


def marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def text_hash(text: str) -> str:
    """16 hex digits: enough to see a changed or damaged text."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def item_of(row: sqlite3.Row) -> Item:
    return Item(
        row["id"],
        row["collection"],
        row["key"],
        row["kind"],
        row["text"],
        json.loads(row["metadata"]),
        row["trust"],
        row["created"],
        bool(row["live"]),
        row["expires"],
    )


def now() -> float:
    return time.time()
