"""The trace as JSON lines and as OpenTelemetry spans; the page about traces cannot fall behind the code."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.export import as_otel_spans
from modelwright.agent.trace import TraceWriter, read
from modelwright.events import Emitter, EventType
from modelwright.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "traces.md"
CALL = {
    "gen_ai.operation.name": "text_completion",
    "gen_ai.request.model": "builtin",
    "gen_ai.usage.input_tokens": 900,
    "gen_ai.usage.output_tokens": 3,
}


@pytest.fixture
def db(workspace: Path) -> sqlite3.Connection:
    """A run: a model call, a step that is retried and then succeeds, one that is cut off."""
    db = Workspace(workspace).connect()
    clock = itertools.count(100, 10)
    emitter = Emitter("r1", [TraceWriter(db)], clock=lambda: float(next(clock)))
    emitter.emit(EventType.RUN_STARTED, request="do it", options={})  # 100
    emitter.emit(EventType.MODEL_CALL, None, **CALL, seconds=4.5, purpose="plan")  # 110
    emitter.emit(
        EventType.TOOL_STARTED, "s1", **{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "tune"}, args={"x": [1]}, key="k"
    )  # 120
    emitter.emit(EventType.TOOL_PROGRESS, "s1", message="half", step=1, steps=2, loss=1.5)  # 130
    emitter.emit(
        EventType.TOOL_FAILED, "s1", tool="tune", error={"type": "EngineCrashed", "message": "it died", "fix": ""}, exit_code=1
    )  # 140
    emitter.emit(EventType.NOTICE, "s1", message="retry 1 of 2")  # 150
    emitter.emit(EventType.TOOL_STARTED, "s1", **{"gen_ai.tool.name": "tune"}, args={"x": [1]}, key="k")  # 160
    emitter.emit(
        EventType.TOOL_FINISHED, "s1", **{"gen_ai.tool.name": "tune"}, key="k", seconds=9.5, peak_memory_bytes=5, summary="tuned"
    )  # 170
    emitter.emit(EventType.TOOL_STARTED, "s2", **{"gen_ai.tool.name": "pack"}, args={}, key="l")  # 180
    emitter.emit(EventType.RUN_ENDED, status="done", exit_code=0, spent={}, error=None)  # 190
    return db


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}


def seconds(span: dict[str, Any]) -> tuple[float, float]:
    return int(span["startTimeUnixNano"]) / 1e9, int(span["endTimeUnixNano"]) / 1e9


def test_events_come_back_in_order(db: sqlite3.Connection) -> None:
    events = [event.as_json() for event in read(db, "r1")]
    assert [event["seq"] for event in events] == list(range(1, 11))
    assert events[1]["data"]["gen_ai.usage.input_tokens"] == 900
    assert set(events[0]) == {"type", "run", "step", "data", "time", "seq"}


def test_the_run_is_the_parent_of_every_other_span(db: sqlite3.Connection) -> None:
    run, *others = as_otel_spans(db, "r1")
    assert run["name"] == "invoke_agent modelwright"
    assert "parentSpanId" not in run
    assert {span["parentSpanId"] for span in others} == {run["spanId"]}
    assert {span["traceId"] for span in others} == {run["traceId"]}
    assert len({span["spanId"] for span in (run, *others)}) == 5
    assert [len(run["traceId"]), len(run["spanId"])] == [32, 16]
    assert seconds(run) == (100, 190)
    assert run["status"] == {"code": 1}


def test_a_tool_call_lasts_from_its_start_to_its_end_and_a_retry_is_a_call_of_its_own(db: sqlite3.Connection) -> None:
    failed, retried, cut_off = [span for span in as_otel_spans(db, "r1") if span["name"].startswith("execute_tool")]
    assert [span["name"] for span in (failed, retried, cut_off)] == ["execute_tool tune", "execute_tool tune", "execute_tool pack"]
    assert [seconds(span) for span in (failed, retried, cut_off)] == [(120, 140), (160, 170), (180, 180)]
    assert failed["status"] == {"code": 2, "message": "it died"}
    assert attributes(failed)["error.type"] == "EngineCrashed"
    assert [event["name"] for event in failed["events"]] == ["tool.progress"]
    assert [retried["status"]["code"], cut_off["status"]["code"]] == [1, 0]
    assert attributes(retried)["modelwright.peak_memory_bytes"] == "5"
    assert attributes(retried)["modelwright.args"] == '{"x": [1]}'


def test_a_model_call_keeps_the_genai_names_and_began_its_seconds_before(db: sqlite3.Connection) -> None:
    span = next(span for span in as_otel_spans(db, "r1") if span["name"] == "text_completion builtin")
    assert seconds(span) == (105.5, 110)
    assert span["kind"] == 3
    given = attributes(span)
    assert given["gen_ai.usage.input_tokens"] == "900"
    assert given["gen_ai.operation.name"] == "text_completion"
    assert given["modelwright.purpose"] == "plan"


def test_exporting_twice_gives_the_same_spans(db: sqlite3.Connection) -> None:
    assert as_otel_spans(db, "r1") == as_otel_spans(db, "r1")


def test_a_run_without_events_has_no_spans(db: sqlite3.Connection) -> None:
    assert as_otel_spans(db, "r2") == []


def test_the_page_about_traces_lists_every_event_type_and_no_other() -> None:
    rows = [line.split("|")[1].strip().strip("`") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [kind.value for kind in EventType]
