"""Indexes that are there are known to planning, and the embedder starts with the first text only."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.agent.planning_memory import Embedding, embedding, index_names
from modelwright.config import Settings
from modelwright.memory.documents.catalog import Catalog
from modelwright.memory.embedders import HashingEmbedder, packaged_folder
from modelwright.workspace import Workspace


def test_where_nothing_is_there_nothing_is_made(workspace: Path) -> None:
    assert index_names(Workspace(workspace)) == []
    assert not (workspace / ".modelwright").exists()


def test_a_database_that_cannot_be_read_gives_no_names(workspace: Path) -> None:
    here = Workspace(workspace)
    here.connect().close()
    here.database.write_bytes(b"no database")
    assert index_names(here) == []


def test_the_names_are_those_of_the_catalog(workspace: Path) -> None:
    here = Workspace(workspace)
    here.connect().close()
    with Catalog.open(here.database) as catalog:
        wanted = catalog.names()
    assert index_names(here) == wanted


def test_hashing_is_no_embedding_and_a_wrong_name_is_none(workspace: Path) -> None:
    here = Workspace(workspace)
    assert embedding(Settings(embedder="hashing"), here) is None
    assert embedding(Settings(embedder="nowhere"), here) is None
    if packaged_folder() is None:
        pytest.skip("no embedder is installed")
    assert embedding(Settings(), here) is not None


def test_vectors_are_plain_numbers_one_row_a_text() -> None:
    one, two = Embedding(HashingEmbedder())(["a text", "another"])
    assert len(one) == len(two)
    assert isinstance(one[0], float)
