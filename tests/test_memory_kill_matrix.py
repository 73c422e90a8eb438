"""A quick share of benchmarks/memory_kill_matrix.py, and proof that its measure can fail."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def matrix(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("memory_kill_matrix")


@pytest.mark.parametrize(("point", "seed"), [("store.before_commit", 4), ("generation.renamed", 1), ("reindex.after_switch", 2)])
def test_after_a_kill_what_is_searchable_is_what_is_live(matrix: ModuleType, tmp_path: Path, point: str, seed: int) -> None:
    assert matrix.killed(tmp_path, point, seed) == (True, "")


def test_a_lost_vector_counts_as_wrong(matrix: ModuleType, tmp_path: Path) -> None:
    matrix.work(tmp_path / "m.db", 1, steps=3)
    assert matrix.wrong(tmp_path / "m.db") == ""
    db = sqlite3.connect(tmp_path / "m.db")
    db.execute("delete from vectors where item = (select max(id) from items where live = 1)")
    db.execute("delete from generations")
    db.commit()
    db.close()
    assert "dense -1" in matrix.wrong(tmp_path / "m.db")
