"""The store as LangGraph's own long-term memory: a `BaseStore` for graphs that other people build.

Values live in the collection `langgraph`, a namespace as one metadata field a level, so a prefix restricts a search in SQL.
With a query, items are ranked by vectors where the store has an embedder, by words otherwise. Values are as trusted as a
tool's. `index` of a put is honoured as far as False goes: such a value is found by key and filter, not by a query.
Not here: time to live.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)

from modelwright.memory import Filter, NewItem, Store
from modelwright.memory import Item as Stored
from modelwright.memory.trust import TRUST

COLLECTION = "langgraph"
INDEXED, PLAIN = "value", "value.unindexed"
MOST = 1_000_000

COMPARE: Mapping[str, Any] = {
    "$eq": lambda a, b: a == b,
    "$ne": lambda a, b: a != b,
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}


class MemoryStore(BaseStore):
    """Over an open store, which whoever opened it closes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Reads see the store as it was before this batch's writes, which are one commit; the last put of a key counts."""
        everything = list(ops)
        results = [None if isinstance(op, PutOp) else self._read(op) for op in everything]
        self._write({(op.namespace, op.key): op for op in everything if isinstance(op, PutOp)}.values())
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.to_thread(self.batch, list(ops))

    def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            found = self._store.by_key(COLLECTION, _key(op.namespace, op.key))
            return _item(found) if found else None
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        raise TypeError(f"{type(op).__name__} is no operation of a store")

    # writing ---------------------------------------------------------------------------------------------------

    def _write(self, puts: Iterable[PutOp]) -> None:
        remove, add = [], []
        for op in puts:
            old = self._store.by_key(COLLECTION, _key(op.namespace, op.key))
            if op.value is not None:
                add.append(_new(op, old))
            elif old:
                remove.append(old.id)
        if add or remove:
            self._store.write(COLLECTION, add, remove=remove)

    # reading ---------------------------------------------------------------------------------------------------

    def _search(self, op: SearchOp) -> list[SearchItem]:
        only = Filter(metadata=_levels(op.namespace_prefix))
        if op.filter:
            fitting = [item.id for item in self._store.find(COLLECTION, only, limit=MOST) if _fits(item.metadata["value"], op.filter)]
            only = Filter(metadata=only.metadata, ids=fitting)
        if op.query:
            return self._ranked(op, only)
        return [_found(item, None) for item in self._store.find(COLLECTION, only, limit=op.limit, offset=op.offset)]

    def _ranked(self, op: SearchOp, only: Filter) -> list[SearchItem]:
        query, wanted = str(op.query), op.limit + op.offset
        indexed = Filter(kinds=[INDEXED], metadata=only.metadata, ids=only.ids)
        vector = self._store.embed_query(COLLECTION, query)
        hits = (
            self._store.search_lexical(COLLECTION, query, wanted, indexed)
            if vector is None
            else self._store.search_dense(COLLECTION, vector, wanted, indexed)
        )
        return [_found(hit.item, hit.score) for hit in hits[op.offset : wanted]]

    def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        spaces = {tuple(item.metadata["namespace"]) for item in self._store.find(COLLECTION, limit=MOST)}
        fitting = {s for s in spaces if all(_matches(s, condition) for condition in op.match_conditions or ())}
        cut = {s[: op.max_depth] if op.max_depth is not None else s for s in fitting}
        return sorted(cut)[op.offset : op.offset + op.limit]


def _key(namespace: tuple[str, ...], key: str) -> str:
    return json.dumps([*namespace, key], ensure_ascii=False)


def _levels(namespace: tuple[str, ...]) -> dict[str, str]:
    return {f"level{i}": part for i, part in enumerate(namespace)}


def _new(op: PutOp, old: Stored | None) -> NewItem:
    now = datetime.now(UTC).isoformat()
    metadata = {
        **_levels(op.namespace),
        "namespace": list(op.namespace),
        "key": op.key,
        "value": dict(op.value or {}),
        "created_at": old.metadata["created_at"] if old else now,
        "updated_at": now,
    }
    return NewItem(_words(op.value), _key(op.namespace, op.key), PLAIN if op.index is False else INDEXED, metadata, TRUST["tool"])


def _words(value: Any) -> str:
    """What a query is compared with: the values in it, without their names."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return " ".join(map(_words, value)) if isinstance(value, list | tuple) else str(value)


def _item(stored: Stored) -> Item:
    data = stored.metadata
    return Item(
        value=data["value"],
        key=data["key"],
        namespace=tuple(data["namespace"]),
        created_at=datetime.fromisoformat(data["created_at"]),
        updated_at=datetime.fromisoformat(data["updated_at"]),
    )


def _found(stored: Stored, score: float | None) -> SearchItem:
    item = _item(stored)
    return SearchItem(item.namespace, item.key, item.value, item.created_at, item.updated_at, score)


def _fits(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """LangGraph's filters: equality, or {"$gt": 3} and its like."""
    for name, condition in wanted.items():
        if isinstance(condition, dict) and any(op.startswith("$") for op in condition):
            if not all(_compare(op, value.get(name), bound) for op, bound in condition.items()):
                return False
        elif value.get(name) != condition:
            return False
    return True


def _compare(op: str, value: Any, bound: Any) -> bool:
    if op not in COMPARE:
        raise ValueError(f"unknown comparison {op!r}: {', '.join(COMPARE)}")
    try:
        return bool(COMPARE[op](value, bound))
    except TypeError:  # a text is not above a number
        return False


def _matches(namespace: tuple[str, ...], condition: MatchCondition) -> bool:
    path = tuple(condition.path)
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", have) for have, wanted in zip(part, path, strict=True))
