"""Rows made of the project's own patterns, by the planner's own finder of values."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

import pytest

from modelwright.agent.planner_training import build
from modelwright.agent.planner_training.build import Builder, write
from modelwright.agent.planner_training.overlap import HeldOut
from modelwright.agent.planner_training.patterns import Pattern, fill, read
from modelwright.agent.planner_training.rows import Counts, Rows
from modelwright.agent.planner_training.toys import project_tools, requests, toys
from modelwright.agent.planner_training.values import Values
from modelwright.models import compact
from modelwright.models.adapter import FOLDER

RECIPE = tomllib.loads((FOLDER / "recipe.toml").read_text())


@pytest.fixture(scope="module")
def patterns() -> list[Pattern]:
    """Every twentieth, so that a test takes a second."""
    return read(FOLDER / "patterns.jsonl")[::20]


@pytest.fixture(autouse=True)
def few_patterns_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.agent.planner_training.patterns.FEWEST", 1)


def test_rows_are_chats_that_a_model_can_be_trained_on(patterns: list[Pattern], tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    counts = write(patterns, out, [], 120, 3)
    rows = [json.loads(line)["messages"] for line in out.read_text().splitlines()]
    assert counts.rows["kept"] == len(rows) > 90
    assert all([m["role"] for m in row] == ["system", "user", "assistant"] for row in rows)
    assert {row[0]["content"] for row in rows} == {compact.SHORTEST_SYSTEM}
    assert len({row[1]["content"] for row in rows}) == len(rows)
    assert write(patterns, tmp_path / "again.jsonl", [], 120, 3).rows == counts.rows
    assert (tmp_path / "again.jsonl").read_bytes() == out.read_bytes()


def test_all_kinds_of_answers_are_there_and_cards_are_shown(patterns: list[Pattern]) -> None:
    rows = list(Builder(patterns, HeldOut([]), 1, Counts()).rows(150))
    answers = [row.answer for row in rows]
    assert any(answer == "none" for answer in answers)
    assert any(answer.startswith("ask") for answer in answers)
    assert any("\n" in answer for answer in answers)
    invented = set(toys("invented"))
    shown = [row for row in rows if any(line.split(":")[0] in invented for line in row.user.splitlines())]
    assert any(row.tools and row.tools[0] in invented for row in shown)
    assert any(row.answer == "none" for row in shown)
    assert all(row.tools[0] in row.user for row in shown if row.tools and row.tools[0] in invented)


def test_a_pattern_is_filled_as_often_as_its_file_asks_for() -> None:
    twice = Pattern("look at {d}", "plan", [{"tool": "inspect_dataset", "args": {"dataset": "{d}"}}], {"d": "dataset"}, times=2)
    once = Pattern("what is in {d}", "plan", twice.steps, twice.slots)
    assert Builder([twice, once], HeldOut([]), 1, Counts())._often(3) == [twice, twice, once]


def test_a_value_is_found_as_its_field_takes_it_and_what_an_earlier_step_gives_may_be_missing(tmp_path: Path) -> None:
    """ "8k" of a context are 8,192; the original that the files are measured against comes from the step before."""
    rows = Rows(project_tools(), frozenset({"kv_cache", "quantize", "quantization_quality"}), Counts())
    long = Pattern(
        "kv cache of {m} at 8k", "plan", [{"tool": "kv_cache", "args": {"model": "{m}", "context_length": 8192}}], {"m": "model"}
    )
    assert rows.make(fill(long, Values(random.Random(1), tmp_path)), tmp_path).answer == "kv_cache model=M1 context_length=N1"
    steps = [{"tool": "quantize", "args": {"types": ["Q4_K_M"]}}, {"tool": "quantization_quality", "args": {}}]
    lacking = Pattern("make a Q4_K_M of the built-in model and measure what it lost", "plan", steps)
    assert rows.make(fill(lacking, Values(random.Random(1), tmp_path)), tmp_path).tools == ("quantize", "quantization_quality")


def test_a_row_near_a_held_out_request_is_refused_and_counted(patterns: list[Pattern]) -> None:
    plain = [p for p in patterns if not p.slots and len(p.request.split()) > 4][:3]
    counts = Counts()
    rows = list(Builder(plain * 2, HeldOut([p.request for p in plain]), 1, counts)._often(6))
    builder = Builder(plain, HeldOut([p.request for p in plain]), 1, counts)
    assert [builder._row(pattern) for pattern in rows] == [None] * len(rows)
    assert counts.rows["too near a held-out request"] > 0


@pytest.mark.parametrize("held_out", RECIPE["held_out"])
def test_no_row_is_made_of_a_pattern_near_a_held_out_request(held_out: str) -> None:
    requests = [json.loads(line)["request"] for line in (FOLDER / held_out).read_text().splitlines()]
    assert len(requests) >= 120
    sealed, counts = HeldOut(requests), Counts()
    near = [p for name in RECIPE["patterns"] for p in read(FOLDER / name) if sealed.near(p.request)]
    assert len(near) <= 3, "take them out of the patterns"
    builder = Builder(near, sealed, 1, counts)
    assert [builder._row(pattern) for pattern in near] == [None] * len(near)


def test_the_shares_add_up() -> None:
    assert sum(build.SHARES.values()) == pytest.approx(1)


def test_invented_tools_have_requests_whose_slots_are_fields() -> None:
    tools = toys("invented")
    assert len(tools) >= 60
    assert set(requests()) == set(tools)
    assert not set(tools) & set(project_tools())
