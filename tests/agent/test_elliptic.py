"""Requests without a verb: the newest plan that can take the value takes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.followups import Again, Ask, read
from modelwright.agent.past import Past
from modelwright.errors import QuestionOpen
from modelwright.workspace import Workspace
from tests.agent.past_runs import quantize, write_run

CACHE: tuple[str, dict[str, Any], dict[str, Any]] = ("kv_cache", {"model": "llama-3.1-8b", "context_length": 8192}, {})
FIT: tuple[str, dict[str, Any], dict[str, Any]] = ("memory_fit", {"model": "llama-3.1-8b", "task": "full"}, {})


@pytest.fixture
def place(workspace: Path) -> Workspace:
    (workspace / "a.gguf").write_bytes(b"GGUF")
    return Workspace(workspace)


def meant(request: str, pasts: list[Past], place: Workspace) -> tuple[str, dict[str, Any]]:
    found = read(request, pasts, place)
    assert isinstance(found, Again), found
    return found.run, found.changes


@pytest.mark.parametrize(
    ("request_", "changes"),
    [
        ("and with 32k?", {"context_length": 32768}),
        ("what about 64k?", {"context_length": 65536}),
        ("and at 32k?", {"context_length": 32768}),
        ("and at 32k", {"context_length": 32768}),
        ("how about 2048", {"context_length": 2048}),
        ("with 32k tokens", {"context_length": 32768}),
        ("what about q8_0?", {"dtype": "q8_0"}),
        ("and in q8_0?", {"dtype": "q8_0"}),
        ("what about q4_0?", {"dtype": "q4_0"}),
        ("and at f16?", {"dtype": "f16"}),
    ],
)
def test_a_length_or_a_format_goes_to_the_cache_that_was_asked_about(
    request_: str, changes: dict[str, Any], db: sqlite3.Connection, place: Workspace
) -> None:
    past = write_run(db, "how big is the cache", CACHE)
    assert meant(request_, [past], place) == (past.run.id, {"s1": changes})


@pytest.mark.parametrize(
    ("request_", "changes"),
    [
        ("what about qlora?", {"task": "qlora"}),
        ("and with qlora?", {"task": "qlora"}),
        ("with gradient checkpointing", {"recompute": True}),
        ("with recomputing", {"recompute": True}),
        ("with recompute", {"recompute": True}),
        ("and with Q4_K_M?", {"quantization": "Q4_K_M"}),
        ("and at 16k?", {"context_length": 16384}),
    ],
)
def test_what_memory_fit_advises_can_be_said(request_: str, changes: dict[str, Any], db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "does full training fit", FIT)
    assert meant(request_, [past], place) == (past.run.id, {"s1": changes})


def test_the_newest_plan_that_takes_it_wins(db: sqlite3.Connection, place: Workspace) -> None:
    made = write_run(db, "quantize", quantize(place.root, "a.gguf"))
    cache = write_run(db, "cache", CACHE)
    assert meant("what about q8_0?", [cache, made], place) == (cache.run.id, {"s1": {"dtype": "q8_0"}})
    assert meant("what about q8_0?", [made, cache], place) == (made.run.id, {"s1": {"types": ["Q8_0"]}})
    assert meant("and with 32k?", [made, cache], place)[0] == cache.run.id


def test_a_failed_plan_is_passed_over_unless_it_was_the_last(db: sqlite3.Connection, place: Workspace) -> None:
    cache = write_run(db, "cache", CACHE)
    failed = write_run(db, "cache", CACHE, status="failed", error={"message": "x", "fix": ""})
    done = write_run(db, "quantize", quantize(place.root, "a.gguf"))
    assert meant("and with 32k?", [done, failed, cache], place)[0] == cache.run.id
    assert meant("and with 32k?", [failed, cache], place)[0] == failed.run.id


@pytest.mark.parametrize("request_", ["and with 1024 rows?", "with a.gguf tell me everything that there is", "32k"])
def test_a_number_of_something_else_and_a_longer_text_are_no_ellipsis(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    assert isinstance(read(request_, [write_run(db, "cache", CACHE)], place), Ask)


def test_a_type_goes_out_of_the_last_plan_or_is_told_not_to_be_there(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize", quantize(place.root, "a.gguf", types=["Q4_K_M", "Q8_0"]))
    assert meant("and without Q8_0?", [past], place) == (past.run.id, {"s1": {"types": ["Q4_K_M"]}})
    with pytest.raises(QuestionOpen, match="Q6_K is not among the types"):
        read("without Q6_K", [past], place)
