"""Filters before ranking, routing among indexes, and the stage at which something was lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import DataError
from modelwright.graphs.context import RunContext

Index = Callable[..., dict[str, Any]]
Contexts = Callable[[], RunContext]
SPEC = {"query": "pump", "index": "default", "top_k": 5, "mode": "hybrid"}


def test_restricted_documents_are_found_by_their_groups_only(docs: Path, index: Index, new_context: Contexts, tmp_path: Path) -> None:
    index()
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "pay.txt").write_text("The pump manager earns much.", encoding="utf-8")
    index(root=str(secret), access=["hr"])
    documents = new_context().documents

    def names(**more: Any) -> set[str]:
        return {Path(one["document"]).name for one in documents.search({**SPEC, **more})["passages"]}

    assert "pay.txt" not in names()
    assert "pay.txt" not in names(groups=["sales"], graph=True)
    assert "pay.txt" in names(groups=["hr", "sales"])
    assert names(kinds=["text"]) == {"zebra.txt"}
    assert names(path="*.md") == {"pump.md"}
    why = documents.why_not("pay.txt", SPEC)
    assert (why["stage"], why["change"]) == ("filter", "groups=hr")


def test_why_not_says_the_stage_and_a_change_that_works(docs: Path, index: Index, new_context: Contexts) -> None:
    for number in range(8):
        (docs / f"pump{number}.txt").write_text("pump " * (number + 2), encoding="utf-8")
    (docs / "bad.txt").write_bytes(bytes(9))
    index()
    documents = new_context().documents
    spec = {**SPEC, "mode": "lexical", "top_k": 2}
    assert documents.why_not("bad.txt", spec)["why"].endswith("control bytes in the first 9")
    assert documents.why_not("nothing.md", spec)["stage"] == "not indexed"
    zebra = documents.why_not("zebra.txt", spec)
    assert zebra["stage"] == "lexical"
    assert "none of the words pump" in zebra["why"]
    why = documents.why_not("pump.md", spec)
    assert why["stage"] == "top_k"
    wanted = int(why["change"].split(",")[0].removeprefix("top_k="))
    passages = documents.search({**spec, "top_k": wanted})["passages"]
    assert Path(passages[-1]["document"]).name == "pump.md"
    assert documents.why_not("pump.md", {**spec, "top_k": wanted})["stage"] == "found"


def test_a_question_goes_to_the_index_that_speaks_of_it(docs: Path, index: Index, new_context: Contexts, tmp_path: Path) -> None:
    index()
    other = tmp_path / "cooking"
    other.mkdir()
    (other / "soup.txt").write_text("Boil the soup with onions and salt.", encoding="utf-8")
    index(root=str(other), index="cooking")
    found = new_context().documents.search({**SPEC, "index": "auto", "query": "soup with onions"})
    assert found["indexes"] == ["cooking"]


def test_an_index_that_is_not_there_names_the_nearest(docs: Path, index: Index, new_context: Contexts) -> None:
    with pytest.raises(DataError, match="nothing is indexed"):
        new_context().documents.search(SPEC)
    index()
    with pytest.raises(DataError, match="no index 'defalt'") as caught:
        new_context().documents.search({**SPEC, "index": "defalt"})
    assert caught.value.fix == "did you mean default?"


def test_tuning_is_kept_for_the_index(docs: Path, index: Index, new_context: Contexts) -> None:
    index()
    documents = new_context().documents
    assert documents.search(SPEC)["fusion"] == "minmax"
    documents.tune("default", fusion="rrf")
    assert documents.search(SPEC)["fusion"] == "rrf"
    assert documents.search({**SPEC, "fusion": "minmax"})["fusion"] == "minmax"


def test_chunks_that_do_not_count_do_not_crowd_out_those_that_do(docs: Path, index: Index, new_context: Contexts, workspace: Path) -> None:
    (docs / "long.txt").write_text("pump " * 4000, encoding="utf-8")
    index()
    with sqlite3.connect(workspace / ".modelwright" / "modelwright.db") as db:  # as a run leaves it that was cut off
        db.execute("update rag_documents set version = 'unfinished' where path like '%long%'")
    db.close()
    documents = new_context().documents
    assert {Path(one["document"]).name for one in documents.search({**SPEC, "mode": "lexical", "depth": 2})["passages"]} == {"pump.md"}


def test_a_dropped_index_leaves_the_others_and_the_files(docs: Path, index: Index, new_context: Contexts) -> None:
    index()
    index(index="second")
    documents = new_context().documents
    assert documents.drop("default") == {"index": "default", "documents": 2, "chunks": 3}  # type: ignore[attr-defined]
    assert (documents.names(), (docs / "pump.md").is_file()) == (["second"], True)
    with pytest.raises(DataError, match="no index 'default'"):
        documents.search(SPEC)
    assert len(documents.search({**SPEC, "index": "second", "graph": True})["passages"]) == 3
    assert index()["added"] == 2
