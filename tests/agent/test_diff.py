"""Two runs written by hand with the real trace and ledger, and what is said to differ."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.diff import Diff, NumberChange, diff, flat
from modelwright.agent.runs import Runs
from modelwright.agent.trace import TraceWriter
from modelwright.errors import BadRequest
from modelwright.events import Emitter, EventType
from modelwright.workspace import Workspace

RESULT = {
    "summary": "done",
    "rows": 100,
    "scores": {"rubric": {"mean": 0.5, "n": 32}},
    "models": [{"name": "tuned", "bytes": 10}],
    "losses": [1.0] * 40,
    "same": 7,
    "ok": True,
    "artifacts": [{"path": "/a", "kind": "model", "sha256": "0", "bytes": 1}],
}


@pytest.fixture
def db(workspace: Path) -> sqlite3.Connection:
    return Workspace(workspace).connect()


@pytest.fixture
def write(db: sqlite3.Connection) -> Callable[..., str]:
    """Writes a run with one step and gives its id."""

    def run(
        request: str, args: dict[str, Any], result: dict[str, Any], seconds: float, *, decision: str = "ask", notice: str | None = None
    ) -> str:
        made = Runs(db).create(request, {})
        plan = {"request": request, "steps": [{"id": "s1", "tool": "evaluate", "args": args, "decision": decision, "rule": "r"}]}
        emitter = Emitter(made, [TraceWriter(db)])
        emitter.emit(EventType.PLAN_PROPOSED, plan=plan)
        if notice:
            emitter.emit(EventType.NOTICE, "s1", message=notice)
        emitter.emit(EventType.TOOL_FINISHED, "s1", key=made, seconds=seconds, **{"gen_ai.tool.name": "evaluate"})
        db.execute(
            "insert into ledger (key, tool, version, args, inputs, status, run, step, attempts, started, ended, result) "
            "values (?, 'evaluate', '1', '{}', '{}', 'done', ?, 's1', 1, 0, 1, ?)",
            (made, made, json.dumps(result)),
        )
        Runs(db).update(made, status="done", plan=plan, spent={"seconds": seconds})
        return made

    return run


def test_what_differs_is_named_with_both_values_and_the_difference(db: sqlite3.Connection, write: Callable[..., str]) -> None:
    changed = {
        **RESULT,
        "rows": 90,
        "scores": {"rubric": {"mean": 0.75, "n": 32}},
        "models": [{"name": "tuned", "bytes": 12}],
        "losses": [2.0] * 40,
    }
    a = write("evaluate it", {"model": "builtin", "limit": 5}, RESULT, 4.0)
    b = write("evaluate that", {"model": "tuned"}, changed, 6.0, decision="allow", notice="retry 1 of 2")
    found = diff(db, a, b)
    assert {(c.what, c.a, c.b) for c in found.changes} == {
        ("request", "evaluate it", "evaluate that"),
        ("s1 decision", "ask", "allow"),
        ("s1 model", "builtin", "tuned"),
        ("s1 limit", 5, None),
    }
    assert {(n.what, n.difference) for n in found.numbers} == {
        ("s1 rows", -10),
        ("s1 scores.rubric.mean", 0.25),
        ("s1 models[tuned].bytes", 2),
    }
    assert [(n.what, n.a, n.b) for n in found.seconds] == [("s1 evaluate", 4.0, 6.0), ("in all", 4.0, 6.0)]
    assert (found.only_a, found.only_b) == ([], ["notice s1 retry 1 of 2"])


def test_the_table_is_plain_text_that_lines_up(db: sqlite3.Connection, write: Callable[..., str]) -> None:
    a, b = write("same", {}, RESULT, 4.0), write("same", {}, {**RESULT, "rows": 101}, 4.0)
    lines = diff(db, a, b).text().splitlines()
    assert lines[0] == f"{a} (a) and {b} (b)"
    assert lines[2:] == ["result   a    b    b - a", "s1 rows  100  101  +1"]


def test_a_run_and_itself_do_not_differ(db: sqlite3.Connection, write: Callable[..., str]) -> None:
    a = write("same", {"x": 1}, RESULT, 4.0)
    found = diff(db, a, "last")
    assert found.as_json() == {"a": a, "b": a, "changes": [], "numbers": [], "seconds": [], "only_a": [], "only_b": []}
    assert "no difference" in found.text()


def test_json_goes_through_json(db: sqlite3.Connection, write: Callable[..., str]) -> None:
    a, b = write("one", {"models": ["x"]}, RESULT, 4.0), write("two", {"models": ["y"]}, {}, 4.0)
    again = json.loads(json.dumps(diff(db, a, b).as_json()))
    assert {"what": "s1 models", "a": ["x"], "b": ["y"]} in again["changes"]
    assert {"what": "s1 rows", "a": 100, "b": None, "difference": None} in again["numbers"]


def test_a_run_that_is_not_there_is_named(db: sqlite3.Connection) -> None:
    with pytest.raises(BadRequest, match="no run 'nope'"):
        diff(db, "nope", "nope")


def test_numbers_are_found_by_name_and_truth_values_are_none() -> None:
    assert dict(flat(RESULT)) == {
        "rows": 100,
        "scores.rubric.mean": 0.5,
        "scores.rubric.n": 32,
        "models[tuned].bytes": 10,
        "same": 7,
        "artifacts[0].bytes": 1,
    }


def test_bytes_and_seconds_are_told_in_their_units_and_a_figure_a_second_in_none() -> None:
    found = Diff(
        "a",
        "b",
        numbers=[
            NumberChange("s1 cache_bytes", 1140850688, 2147483648, 1006632960),
            NumberChange("s1 models[x].seconds", 90.0, 30.0, -60.0),
            NumberChange("s1 bytes_per_token", 100352, 131072, 30720),
        ],
    ).text()
    rows = [line.split("  ") for line in found.splitlines()]
    told = [[part.strip() for part in row if part.strip()] for row in rows]
    assert ["s1 cache_bytes", "1.1 GB", "2.1 GB", "+1.0 GB"] in told
    assert ["s1 models[x].seconds", "1:30 min", "30 s", "-1:00 min"] in told
    assert ["s1 bytes_per_token", "100352", "131072", "+3.072e+04"] in told
