"""What an index found, read back from SQLite: no hit reaches a caller that is not a whole, live row which the filter allows.

An index may be behind or damaged; here it can lose a hit and never show what was removed. Where rows are left out, more are
asked of the index until there are k or it has no more, so a filter never works on a fixed over-fetch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from modelwright.memory import rows
from modelwright.memory.items import LIVE, Filter, Hit, Item, item_of, marks, now, text_hash

FILTERS_KEPT = 16
Search = Callable[[int, list[int] | None], list[tuple[int, float]]]
"""(how many, ids that are allowed or None) -> (id, score), best first."""


class Hits:
    """Of one store and connection; the caller holds its lock. `latest` gives the number of a collection's last change."""

    def __init__(self, db: sqlite3.Connection, latest: Callable[[str], int], notice: Callable[[str], None]) -> None:
        self._db, self._latest, self._notice = db, latest, notice
        self._kept_filters: dict[tuple[object, ...], list[int]] = {}

    def joined(self, collection: str, k: int, filter: Filter | None, search: Search) -> list[Hit]:
        """The best k hits of an index that a search may find."""
        if k < 1:
            return []
        allowed = self._allowed(collection, filter) if filter else None
        wanted = k
        while True:
            found = search(wanted, allowed)
            scores = dict(found)
            hits = [Hit(item, scores[item.id]) for item in self._findable(collection, [i for i, _ in found], filter)]
            if len(hits) >= k or len(found) < wanted:
                return hits[:k]
            wanted *= 4

    def whole(self, found: Iterable[sqlite3.Row]) -> dict[int, Item]:
        """Items whose text is what was stored; the others are told."""
        items: dict[int, Item] = {}
        for row in found:
            if text_hash(row["text"]) == row["hash"]:
                items[row["id"]] = item_of(row)
            else:
                self._notice(f"item {row['id']} of {row['collection']} is damaged: its text is not what was stored")
        return items

    def forget_filters(self) -> None:
        self._kept_filters.clear()

    def _allowed(self, collection: str, filter: Filter) -> list[int]:
        """Ids that the filter leaves. Kept until the collection changes: 100,000 rows take 50 ms; what expires since then is not joined."""
        where, values = filter.where()
        key = (collection, self._latest(collection), where, tuple(map(repr, values)))
        if key not in self._kept_filters:
            while len(self._kept_filters) >= FILTERS_KEPT:
                self._kept_filters.pop(next(iter(self._kept_filters)))
            self._kept_filters[key] = self._select_allowed(collection, where, values)
        return self._kept_filters[key]

    def _select_allowed(self, collection: str, where: str, values: Sequence[object]) -> list[int]:
        found = self._db.execute(f"select id from items where collection = ? and {LIVE}{where} order by id", (collection, now(), *values))
        return [row[0] for row in found]

    def _findable(self, collection: str, ids: Sequence[int], filter: Filter | None) -> list[Item]:
        """Those of `ids` that a search may find, in their order. By id: SQLite would rather walk a whole collection."""
        where, values = (filter or Filter()).where()
        found: dict[int, Item] = {}
        for part in rows.parts(ids):
            sql = f"select * from items not indexed where id in ({marks(part)}) and collection = ? and {LIVE}{where}"
            found |= self.whole(self._db.execute(sql, (*part, collection, now(), *values)))
        return [found[i] for i in ids if i in found]
