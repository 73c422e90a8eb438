"""Predictions beside measurements: corrections that learn, intervals, and a record that shows whether they got better."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.events import EventType
from modelwright.graphs import predictions
from modelwright.graphs.gate import assess, estimate_of
from modelwright.graphs.predictions import History, Past, factor, record
from modelwright.policies import load as load_policy
from modelwright.types import Estimate, Plan, Step
from modelwright.workspace import Workspace
from tests.graphs.toys import Harness, note


def keep(workspace: Path, *calls: tuple[float, float]) -> History:
    home = Workspace(workspace)
    db = home.connect()
    for index, (predicted, measured) in enumerate(calls):
        predictions.store(db, f"k{index}", note, {"text": "x"}, Estimate(seconds=predicted, memory_bytes=1000), measured, 2000)
    db.close()
    return History(home.database)


def test_without_a_record_an_estimate_stays_as_it_was_and_is_called_a_first_guess(workspace: Path) -> None:
    estimate = Estimate(seconds=10, memory_bytes=1000)
    guess = History(Workspace(workspace).database).corrected(note, {"text": "x"}, estimate)
    assert estimate.model_dump() == {"seconds": 10, "memory_bytes": 1000, "disk_bytes": 0, "cost": 0}
    assert guess.model_dump() == {**estimate.model_dump(), "first_guess": True}
    assert not (workspace / ".modelwright").exists()


def test_with_a_record_it_is_no_guess_and_a_call_of_a_moment_is_never_called_one(workspace: Path) -> None:
    learned = keep(workspace, (10, 20)).corrected(note, {"text": "x"}, Estimate(seconds=10, memory_bytes=1000))
    assert (learned.first_guess, learned.learned_from) == (None, 1)
    moment = Estimate(seconds=0.1)
    assert History(workspace / "none").corrected(note, {"text": "x"}, moment) == moment


def test_calls_that_took_twice_as_long_make_the_next_estimate_nearly_twice_as_long(workspace: Path) -> None:
    history = keep(workspace, *[(10, 20)] * 6)
    corrected = history.corrected(note, {"text": "x"}, Estimate(seconds=10, memory_bytes=1000))
    assert 17 < corrected.seconds < 20
    assert corrected.seconds_low is not None
    assert corrected.seconds_high is not None
    assert corrected.seconds_low < corrected.seconds < corrected.seconds_high
    assert 1700 < corrected.memory_bytes < 2000
    assert corrected.learned_from == 6


def test_the_interval_narrows_as_calls_agree(workspace: Path) -> None:
    wide, narrow = (factor([Past("", 10, 20)] * count, "") for count in (1, 20))
    assert wide is not None
    assert narrow is not None
    assert wide.error > 2 * narrow.error


def test_a_measurement_that_cannot_be_is_no_correction() -> None:
    assert factor([Past("", 10, 10_000), Past("", 10, 0)], "") is None


def test_like_calls_count_before_others() -> None:
    past = [Past('{"method":"full"}', 10, 40), Past('{"method":"lora"}', 10, 10)]
    full, lora, other = (factor(past, features) for features in ('{"method":"full"}', '{"method":"lora"}', '{"method":"dora"}'))
    assert full is not None
    assert lora is not None
    assert other is not None
    assert full.value > other.value > lora.value


def test_the_record_shows_that_it_got_better() -> None:
    found = record([Past("", 10, 30)] * 8)
    assert found is not None
    assert found.calls == 8
    assert found.plain == pytest.approx(2 / 3)
    assert found.corrected < 0.25


@given(st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.1, 1e4)), min_size=1, max_size=20))
def test_a_factor_lies_in_its_interval_and_is_finite(calls: list[tuple[float, float]]) -> None:
    found = factor([Past("", predicted, measured) for predicted, measured in calls], "")
    if found is not None:
        assert 0 < found.low <= found.value <= found.high < float("inf")


def test_a_plan_shows_the_corrected_estimate_and_its_error(workspace: Path) -> None:
    keep(workspace, *[(0.1, 1.0)] * 5)
    plan = Plan(steps=[Step(id="s1", tool="note", args={"text": "x"})])
    assessed = assess(plan, {"note": note}, load_policy(None), workspace)[0].steps[0].estimate
    own = estimate_of(note, {"text": "x"}, workspace)
    assert assessed is not None
    assert own is not None
    assert assessed.seconds > 4 * own.seconds
    assert assessed.seconds_error is not None


def test_a_call_that_ran_is_in_the_record(harness: Callable[..., Harness]) -> None:
    made = harness(Plan(steps=[Step(id="s1", tool="note", args={"text": "hello"})]))
    assert made.start()["status"] == "done"
    history = History(made.workspace.database)
    assert history.tools == ["note"]
    assert history.seconds("note")[0].predicted == 0.1


def test_a_call_that_was_cut_off_tells_the_time_of_all_its_tries_and_teaches_nothing(harness: Callable[..., Harness]) -> None:
    plan = Plan(steps=[Step(id="s1", tool="note", args={"text": "hello"})])
    first = harness(plan)
    key = first.start()["steps"]["s1"]["key"]
    learned = History(first.workspace.database).seconds("note")
    began = time.time() - 1000
    first.deps.ledger._db.execute("update ledger set status = 'started', started = ? where key = ?", (began, key))
    job = first.workspace.job_dir(key) / "1-train"
    job.mkdir(parents=True)
    (job / "events.jsonl").touch()
    os.utime(job / "events.jsonl", (began + 110, began + 110))
    again = harness(plan, run="r2")
    assert again.start()["status"] == "done"
    told = next(event.data["seconds"] for event in again.events if event.type is EventType.TOOL_FINISHED)
    assert 110 <= told < 900
    assert History(first.workspace.database).seconds("note") == learned
