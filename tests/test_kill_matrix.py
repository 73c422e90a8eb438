"""The measure of the kill matrix can fail: a job that came to its end twice counts as run twice."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def matrix(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("kill_matrix")


@pytest.mark.parametrize(
    ("attempts", "once"),
    [
        (["start 1\nend\n", "start 2\nstart 3\nend\n"], True),
        (["start 1\nend\nstart 2\nend\n", "start 3\nend\n"], False),
        (["start 1\n"], False),
        ([], False),
    ],
)
def test_a_job_ends_once_or_the_row_does_not_count(matrix: ModuleType, tmp_path: Path, attempts: list[str], once: bool) -> None:
    for number, text in enumerate(attempts, 1):
        folder = tmp_path / ".modelwright" / "jobs" / "key" / f"{number}-train"
        folder.mkdir(parents=True)
        (folder / "attempts.txt").write_text(text)
    assert matrix.each_job_ended_once(tmp_path) is once
