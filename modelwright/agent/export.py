"""A run's trace for other programs, as OpenTelemetry spans; `trace.read` gives the events as they are.

Attributes keep the OpenTelemetry GenAI names that the events carry (`gen_ai.tool.name`, `gen_ai.usage.input_tokens` …);
what has no such name goes below `modelwright.`. Spans have the shape of OTLP JSON, so a collector takes them. Nothing
is sent anywhere.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from modelwright.agent import trace
from modelwright.events import Event, EventType
from modelwright.types import Json

INTERNAL, CLIENT = 1, 3
UNSET, OK, ERROR = 0, 1, 2
_ENDS = (EventType.TOOL_FINISHED, EventType.TOOL_FAILED)


def as_otel_spans(db: sqlite3.Connection, run: str) -> list[Json]:
    """The run, each tool call and each model call as a span; all but the run have the run as parent."""
    events = list(trace.read(db, run))
    if not events:
        return []
    return [
        _run_span(run, events),
        *_tool_spans(run, events),
        *(_model_span(run, event) for event in events if event.type is EventType.MODEL_CALL),
    ]


def _run_span(run: str, events: list[Event]) -> Json:
    """From the first event to the last; events that belong to no call hang on it."""
    started = next((e.data for e in events if e.type is EventType.RUN_STARTED), {})
    ended = next((e.data for e in reversed(events) if e.type is EventType.RUN_ENDED), {})
    own = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "modelwright", "gen_ai.conversation.id": run}
    told = {"request": started.get("request"), "status": ended.get("status"), "exit_code": ended.get("exit_code")}
    code = UNSET if not ended else OK if ended.get("exit_code") == 0 else ERROR
    span = _span(run, "invoke_agent modelwright", "", (events[0].time, events[-1].time), own | told, code=code)
    apart = {EventType.MODEL_CALL, EventType.TOOL_STARTED, EventType.TOOL_PROGRESS, *_ENDS}
    span["events"] = [_span_event(event) for event in events if event.type not in apart]
    return span


def _tool_spans(run: str, events: list[Event]) -> Iterator[Json]:
    """From tool.started to what ended it; a call that a kill cut off ends with the last event seen of its step."""
    for index, event in enumerate(events):
        if event.type is EventType.TOOL_STARTED:
            yield _tool_span(run, event, _until_its_end(event, events[index + 1 :]))


def _until_its_end(start: Event, later: list[Event]) -> list[Event]:
    mine: list[Event] = []
    for event in later:
        if event.step != start.step:
            continue
        if event.type is EventType.TOOL_STARTED:
            break
        mine.append(event)
        if event.type in _ENDS:
            break
    return mine


def _tool_span(run: str, start: Event, mine: list[Event]) -> Json:
    end = mine[-1] if mine else start
    name = start.data.get("gen_ai.tool.name", "tool")
    error = (end.data.get("error") or {}) if end.type is EventType.TOOL_FAILED else {}
    attributes = {
        **start.data,
        **{k: v for k, v in end.data.items() if end.type in _ENDS and k != "error"},
        "step": start.step,
        "error.type": error.get("type"),
    }
    code = ERROR if error else OK if end.type is EventType.TOOL_FINISHED else UNSET
    span = _span(
        run, f"execute_tool {name}", f"{start.seq}", (start.time, end.time), attributes, code=code, message=error.get("message", "")
    )
    span["events"] = [_span_event(event) for event in mine if event.type not in _ENDS]
    return span


def _model_span(run: str, event: Event) -> Json:
    """A call is written down when it is over; it began its seconds before."""
    operation, model = event.data.get("gen_ai.operation.name", "chat"), event.data.get("gen_ai.request.model", "")
    times = (event.time - float(event.data.get("seconds", 0)), event.time)
    return _span(run, f"{operation} {model}".strip(), f"{event.seq}", times, dict(event.data), code=OK, kind=CLIENT)


def _span(
    run: str, name: str, part: str, times: tuple[float, float], attributes: Json, *, code: int, message: str = "", kind: int = INTERNAL
) -> Json:
    """Ids are hashes of run and place, so that exporting twice gives the same spans."""
    status = {"code": code, **({"message": message} if message else {})}
    return {
        "traceId": _id(run, 32),
        "spanId": _id(f"{run}/{part}", 16),
        **({"parentSpanId": _id(f"{run}/", 16)} if part else {}),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": _nanoseconds(times[0]),
        "endTimeUnixNano": _nanoseconds(times[1]),
        "attributes": _attributes(attributes),
        "events": [],
        "status": status,
    }


def _span_event(event: Event) -> Json:
    return {
        "name": event.type.value,
        "timeUnixNano": _nanoseconds(event.time),
        "attributes": _attributes({**event.data, "step": event.step}),
    }


def _id(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _nanoseconds(time: float) -> str:
    """A string, as OTLP JSON writes 64-bit integers."""
    return str(round(time * 1e9))


def _attributes(values: Json) -> list[Json]:
    """OTLP key-values; names that are no GenAI or error names are put below `modelwright.`, None is left out."""
    named = {
        name if name.startswith(("gen_ai.", "error.")) else f"modelwright.{name}": value
        for name, value in values.items()
        if value is not None
    }
    return [{"key": name, "value": _value(value)} for name, value in named.items()]


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
