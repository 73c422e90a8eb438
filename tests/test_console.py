"""What a person is told on the terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest

from modelwright import console
from modelwright.events import Event, EventType


def told(*events: Event) -> str:
    stream = io.StringIO()
    narrator = console.Narrator(stream)
    for event in events:
        narrator(event)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (EventType.APPROVAL_GIVEN, {"allow": ["s1", "s2"]}, "allowed by user: s1, s2"),
        (EventType.APPROVAL_GIVEN, {"allow_for_run": ["s1"]}, "allowed for the rest of the run by user: s1"),
        (EventType.APPROVAL_GIVEN, {"reject": {"s1": "too slow"}}, "rejected by user: s1: too slow"),
        (EventType.APPROVAL_GIVEN, {"edit": {"s1": {"epochs": 3}}}, "edited by user: s1 epochs=3"),
        (EventType.QUESTION_ANSWERED, {"answer": "data.jsonl"}, "answered by user: data.jsonl"),
        (EventType.BUDGET, {"limits": {"steps": 9}}, "raised by user: steps 9"),
    ],
)
def test_a_reply_is_told_as_what_it_was(kind: EventType, data: dict[str, Any], said: str) -> None:
    assert told(Event(kind, "r1", None, {"by": "user", **data})).strip() == said


def test_after_a_resume_the_estimate_comes_with_the_start_of_the_tool() -> None:
    event = Event(EventType.TOOL_STARTED, "r1", "s2", {"gen_ai.tool.name": "finetune", "estimate": {"seconds": 90}})
    assert "about 1:30 min" in told(event)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("kind", "escapes"), [("xterm-256color", True), ("dumb", False), ("", False)])
def test_a_dumb_terminal_gets_no_escapes(kind: str, escapes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", kind)
    stream = Terminal()
    narrator = console.Narrator(stream)
    narrator(Event(EventType.TOOL_STARTED, "r1", "s1", {"gen_ai.tool.name": "finetune"}))
    narrator(Event(EventType.TOOL_PROGRESS, "r1", "s1", {"message": "training", "step": 1, "steps": 2}))
    assert ("\x1b" in stream.getvalue()) is escapes


@pytest.mark.parametrize(
    ("passed", "eta", "said"),
    [(30.0, None, "30 s left"), (31.0, 12.0, "12 s left"), (61.0, None, ""), (59.99, None, ""), (5.0, 0.0, "")],
)
def test_what_is_left_is_told_only_while_it_is_known(passed: float, eta: float | None, said: str) -> None:
    stream, times = io.StringIO(), iter([0.0, 0.0, passed, passed, passed, passed])
    narrator = console.Narrator(stream, clock=lambda: next(times))
    narrator(Event(EventType.TOOL_STARTED, "r1", "s1", {"gen_ai.tool.name": "finetune", "estimate": {"seconds": 60}}))
    narrator._last = -console.QUIET_SECONDS  # the next line is due
    narrator(Event(EventType.TOOL_PROGRESS, "r1", "s1", {"message": "sample answers", "eta_seconds": eta}))
    line = stream.getvalue().splitlines()[-1]
    assert "sample answers" in line
    assert said in line
    assert ("left" in line) == bool(said)
