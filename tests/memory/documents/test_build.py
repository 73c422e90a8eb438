"""Indexing in a real child: skip, replace, remove, keep; a kill costs a batch and never what was there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import DataError, EngineCrashed
from modelwright.graphs.context import RunContext

Index = Callable[..., dict[str, Any]]
Contexts = Callable[[], RunContext]


def found(contexts: Contexts, query: str, **more: Any) -> list[str]:
    spec = {"query": query, "index": "default", "top_k": 5, "mode": "lexical", **more}
    return [one["text"] for one in contexts().documents.search(spec)["passages"]]


def changes(done: dict[str, Any]) -> dict[str, int]:
    return {name: done[name] for name in ("added", "changed", "unchanged", "removed", "kept") if done[name]}


def test_an_index_keeps_up_with_its_folder(docs: Path, index: Index, new_context: Contexts) -> None:
    assert changes(index()) == {"added": 2}
    assert changes(index()) == {"unchanged": 2}
    (docs / "pump.md").write_text("# Pump\n\nThe pump is green now.\n", encoding="utf-8")
    (docs / "zebra.txt").unlink()
    (docs / "new.txt").write_text("A walrus.", encoding="utf-8")
    assert changes(index()) == {"added": 1, "changed": 1, "removed": 1}
    assert found(new_context, "pump") == ["# Pump\n\nThe pump is green now."]
    assert found(new_context, "zebra litres stripes") == []
    (docs / "pump.md").write_bytes(bytes(100))
    done = index()
    assert changes(done) == {"unchanged": 1, "kept": 1}
    assert done["refused"][0]["reason"] == "binary"
    assert found(new_context, "pump") == ["# Pump\n\nThe pump is green now."]


def test_other_folders_of_the_same_index_are_left_alone(docs: Path, index: Index, new_context: Contexts, tmp_path: Path) -> None:
    index()
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("An ocelot.", encoding="utf-8")
    assert index(root=str(other))["documents"] == 3
    assert found(new_context, "zebras") != []


def test_an_empty_folder_stops_and_removes_nothing(docs: Path, index: Index, new_context: Contexts) -> None:
    index()
    for path in docs.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="the 2 documents of the index stay"):
        index()
    assert found(new_context, "zebras") != []


def test_when_nothing_can_be_read_the_first_reason_is_said(docs: Path, index: Index) -> None:
    for path in docs.iterdir():
        path.write_bytes(bytes(50))
    with pytest.raises(DataError, match=r"none of the 2 files .* binary"):
        index()


def test_killed_between_commits_and_run_again_the_index_is_the_same(
    docs: Path, index: Index, new_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    index()
    before = found(new_context, "pump tank zebras")
    (docs / "pump.md").write_text("# Pump\n\nThe pump is green.\n", encoding="utf-8")
    monkeypatch.setenv("MODELWRIGHT_FAULT", "store.before_commit")
    with pytest.raises(EngineCrashed):
        index()
    monkeypatch.delenv("MODELWRIGHT_FAULT")
    assert found(new_context, "pump tank zebras") == before
    assert changes(index()) == {"changed": 1, "unchanged": 1}
    assert found(new_context, "green") == ["# Pump\n\nThe pump is green."]
    assert found(new_context, "red litres") == []


def test_chunks_that_a_cut_off_run_left_are_neither_found_nor_embedded_twice(
    docs: Path, index: Index, new_context: Contexts, workspace: Path
) -> None:
    index()
    with sqlite3.connect(workspace / ".modelwright" / "modelwright.db") as db:
        db.execute("update rag_documents set version = 'other', sha256 = 'old' where path like '%zebra%'")
    db.close()
    assert found(new_context, "zebras") == []
    assert changes(index()) == {"changed": 1, "unchanged": 1}
    assert found(new_context, "zebras") == ["Zebras have stripes. They live in herds."]


def test_a_database_that_another_program_holds_is_waited_for(docs: Path, index: Index, workspace: Path) -> None:
    index()
    (docs / "new.txt").write_text("A walrus.", encoding="utf-8")
    holder = sqlite3.connect(workspace / ".modelwright" / "modelwright.db", isolation_level=None, check_same_thread=False)
    holder.execute("begin immediate")
    timer = threading.Timer(1.0, lambda: holder.execute("rollback"))
    timer.start()
    assert changes(index()) == {"added": 1, "unchanged": 2}
    timer.join()
    holder.close()


def test_every_passage_is_a_span_of_its_text(docs: Path, index: Index, new_context: Contexts) -> None:
    text = "Zebra 🦓 eins.\r\n\r\n漢字の文。次の文。\r\n" * 30
    (docs / "zebra.txt").write_bytes(text.encode())
    for chunker in ("recursive", "sentence_window", "parent_child"):
        index(chunker=chunker, chunk_tokens=20)
        spec = {"query": "zebra eins 漢字", "index": "default", "top_k": 50, "mode": "hybrid", "path": "zebra.txt"}
        passages = new_context().documents.search(spec)["passages"]
        assert len(passages) > 5
        for one in passages:
            assert text[one["start"] : one["end"]] == one["text"]
            assert text[one["window_start"] : one["window_end"]] == one["window"]
