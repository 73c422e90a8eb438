"""The store behind LangGraph's BaseStore, beside LangGraph's own InMemoryStore on the same operations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.memory import InMemoryStore

from modelwright.graphs.memory_store import MemoryStore
from modelwright.memory import Store
from tests.memory.stub_embedder import StubEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MemoryStore]:
    with Store.open(tmp_path / "m.db", StubEmbedder()) as opened:
        yield MemoryStore(opened)


def fill(store: BaseStore) -> None:
    store.put(("users", "ann"), "1", {"likes": "cats", "age": 3})
    store.put(("users", "ann", "old"), "1", {"likes": "dogs", "age": 9})
    store.put(("users", "bob"), "1", {"likes": "cats", "age": 5})
    store.put(("other",), "x", {"likes": "rain"})
    store.put(("users", "bob"), "1", {"likes": "snow", "age": 5})


def told(store: BaseStore) -> list[object]:
    """The answers to many questions, without times and scores."""
    search = store.search
    found = [
        search(("users",)),
        search(("users", "ann")),
        search(("users",), filter={"age": {"$gte": 5}}),
        search(("users",), filter={"likes": "dogs", "age": 9}),
        search(("users",), filter={"age": {"$ne": 9, "$lt": 4}}),
        search(("nobody",)),
    ]
    named = [
        store.list_namespaces(),
        store.list_namespaces(prefix=("users",), max_depth=2),
        store.list_namespaces(suffix=("old",)),
        store.list_namespaces(prefix=("users", "*", "old")),
        store.list_namespaces(limit=1, offset=1),
    ]
    got = [store.get(("users", "ann"), "1"), store.get(("users", "ann"), "2")]
    return [[sorted((i.namespace, i.key, str(i.value)) for i in items) for items in found], named, [i and i.value for i in got]]


def test_it_answers_as_langgraphs_own(store: MemoryStore) -> None:
    reference = InMemoryStore()
    for one in (store, reference):
        fill(one)
    assert told(store) == told(reference)
    for one in (store, reference):
        one.delete(("users", "ann"), "1")
        one.delete(("users", "ann"), "none")
    assert told(store)[::2] == told(reference)[::2]
    assert ("users", "ann") not in store.list_namespaces()  # LangGraph's own keeps the name of an empty one


def test_a_query_ranks_within_the_prefix_and_an_unindexed_value_is_left_out(store: MemoryStore) -> None:
    fill(store)
    store.put(("users", "eve"), "1", {"likes": "cats cats cats"}, index=False)
    ranked = store.search(("users",), query="cats", limit=2)
    assert ranked[0].namespace == ("users", "ann")
    assert ranked[0].score is not None
    assert ranked[0].score > (ranked[1].score or 0)
    assert {item.namespace for item in store.search((), query="rain", limit=1)} == {("other",)}


def test_the_last_put_of_a_batch_counts_and_times_are_kept(store: MemoryStore) -> None:
    store.batch([PutOp(("a",), "k", {"n": 1}), PutOp(("a",), "k", {"n": 2})])
    first = store.get(("a",), "k")
    assert first
    assert first.value == {"n": 2}
    asyncio.run(store.aput(("a",), "k", {"n": 3}))
    second = store.get(("a",), "k")
    assert second
    assert second.created_at == first.created_at < second.updated_at
