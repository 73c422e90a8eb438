"""What is said about a run: how far it is, why it cannot tell, that it is not wanted any more, and small talk."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path

import pytest

from modelwright.agent.followups import Answer, End, answers, of_plan, progress, read
from modelwright.agent.lease import lease
from modelwright.agent.past import Past
from modelwright.agent.trace import TraceWriter, next_seq
from modelwright.events import Emitter, EventType
from modelwright.types import Estimate, Plan, Step
from modelwright.workspace import Workspace
from tests.agent.past_runs import compare, finetune, score, write_run

TUNE = ("finetune", {"dataset": "train.jsonl"}, None)


@pytest.fixture
def place(workspace: Path) -> Workspace:
    return Workspace(workspace)


def cut(db: sqlite3.Connection, status: str = "interrupted") -> Past:
    """A training that was left in its third step of ten."""
    past = write_run(db, "tune", TUNE, ("compare", {"dataset": "e.jsonl"}, None), status=status, started="s1")
    emitter = Emitter(past.run.id, [TraceWriter(db)], first_seq=next_seq(db, past.run.id))
    emitter.emit(EventType.TOOL_PROGRESS, "s1", tool="finetune", message="train", step=10, steps=10, loss=3.7312, eta_seconds=70.0)
    return Past.of(db, past.run.id)


def told(request: str, pasts: list[Past], place: Workspace) -> str:
    meaning = read(request, pasts, place)
    assert isinstance(meaning, Answer), meaning
    return meaning.text


@pytest.mark.parametrize(
    "request_",
    ["how far did it get?", "how is it going?", "what is the loss now?", "what's the loss", "is it done yet?", "status", "wie läuft es?"],
)
def test_how_far_it_is_comes_from_the_run_and_is_no_plan(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = cut(db)
    said = told(request_, [past], place).splitlines()
    assert said[0] == f"run {past.run.id} was stopped at s1 finetune"
    assert said[1] == "  s1 finetune: step 10 of 10, loss 3.731, about 1:10 min left (train)"
    assert said[2] == "  s2 compare: not begun"


def test_a_run_at_work_is_told_to_be_so(db: sqlite3.Connection, place: Workspace) -> None:
    past = cut(db, "running")
    with lease(place.run_dir(past.run.id), "run"):
        assert progress.now(past.run.id, place).splitlines()[0] == f"run {past.run.id} is at work at s1 finetune"
    assert "was cut off" in next(progress.lines(past, place))


def test_what_is_left_of_a_run_at_work_is_counted_from_when_it_was_told(db: sqlite3.Connection, place: Workspace) -> None:
    """As its card counts it: 29 s after "70 s to go" 41 s are left; by the plan's estimate where the step told nothing of it."""
    run, now = cut(db, "running").run.id, time.time()
    db.execute("update events set time = ? where run = ? and type = 'tool.progress'", (now - 29, run))
    with lease(place.run_dir(run), "run"):
        assert re.search(r"loss 3\.731, about (40|41) s left", progress.now(run, place))
        db.execute("update events set time = ? where run = ? and type = 'tool.progress'", (now - 99, run))
        assert "loss 3.731, longer than was predicted" in progress.now(run, place)
        emitter = Emitter(run, [TraceWriter(db)], first_seq=next_seq(db, run))
        emitter.emit(EventType.TOOL_STARTED, "s1", estimate={"seconds": 600})
        emitter.emit(EventType.TOOL_PROGRESS, "s1", message="save the result")
        assert re.search(r"about (9:5\d|10:00) min left \(save the result\)", progress.now(run, place))


def test_how_far_a_finished_run_is_and_one_of_another_session(db: sqlite3.Connection, place: Workspace) -> None:
    done = write_run(db, "tune", finetune(place.root))
    assert told("how far did it get?", [done], place).splitlines()[1] == "  s1 finetune: done: finetune was run"
    left = cut(db)
    other = read("how far did it get?", [], place, lambda: [left])
    assert isinstance(other, Answer)
    assert "loss 3.731" in other.text
    assert told("how is it going?", [], place) == answers.NOTHING_YET


@pytest.mark.parametrize("request_", ["why can't you tell?", "why can you not tell"])
def test_why_it_cannot_tell_comes_from_the_result(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    step = compare("a.gguf", "b.gguf", (score(0.5, 0.2, 0.8), score(0.52, 0.3, 0.9)), "cannot tell")
    step[2]["pairs"][0]["smallest_detectable"] = 0.44
    said = told(request_, [write_run(db, "compare", step, status="unverified")], place)
    assert "over 32 rows the difference lies between -0.03 and +0.07, so it may be none" in said
    assert "below 0.44 does not show" in said
    assert "undecided" in told(request_, [write_run(db, "tune", finetune(place.root))], place)


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        ("hi", "say what you want"), ("Hello!", "say what you want"), ("thanks!", "welcome"), ("ok, thanks", "welcome"),
        ("how do I quit?", "Ctrl-D"), ("no never mind", "nothing waits"), ("no thanks", "nothing waits"), ("never mind", "nothing waits"),
        ("no", "nothing waits"),
    ],
)  # fmt: skip
def test_small_talk_gets_one_line_and_starts_nothing(request_: str, part: str, db: sqlite3.Connection, place: Workspace) -> None:
    for pasts in ([], [write_run(db, "tune", finetune(place.root))]):
        said = told(request_, pasts, place)
        assert part in said
        assert "\n" not in said


def test_cancel_it_ends_what_was_stopped_also_after_other_runs(db: sqlite3.Connection, place: Workspace) -> None:
    left, done = cut(db), write_run(db, "tune", finetune(place.root))
    assert read("cancel it", [left], place) == End(left.run.id, "s1")
    assert read("please cancel the run", [done, left], place) == End(left.run.id, "s1")
    asks = write_run(db, "tune", status="waiting")
    assert read("cancel it", [asks], place) == End(asks.run.id)
    assert told("stop", [left], place).endswith('"go on" goes on with it, "cancel it" ends it')
    elsewhere = read("cancel it", [], place, lambda: [left])
    assert isinstance(elsewhere, Answer)
    assert f"modelwright resume {left.run.id} --reject s1 ends it" in elsewhere.text


def test_a_waiting_plan_says_what_it_writes_and_where_its_values_are_from(place: Workspace) -> None:
    request = "quantize builtin to Q4_K_M"
    first = Step(id="s1", tool="export_model", args={"model": "builtin", "format": "gguf"}, sources={"model": "request[9:16]"})
    second = Step(
        id="s2", tool="quantize", args={"model": "$s1.model", "types": ["Q4_K_M"], "output": "small"}, sources={"types": "request[20:26]"}
    )
    sized = first.model_copy(update={"estimate": Estimate(seconds=1, disk_bytes=277_000_000), "defaults": {"dtype": "f16"}})
    plan = Plan(request=request, steps=[sized, second, Step(id="s3", tool="kv_cache", args={"model": "builtin"})])
    for asked in ("what will this write?", "where will the files go?"):
        said = of_plan.answer(asked, plan, place).splitlines()
        assert said[0] == "s1 export_model writes about 277.0 MB to the run's own folder, .modelwright/runs/<run>/s1-export_model"
        assert said[1] == "s2 quantize writes its results to small"
        assert said[2].startswith("s3 kv_cache writes none of your files")
    why = of_plan.answer("why?", plan, place)
    assert "model is builtin («builtin» of your request)" in why
    assert "dtype is f16 (the default)" in why
    assert "model is what s1 makes" in why
    assert "request[" not in why
