"""What a person is told and asked on the terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from modelwright import console
from modelwright.cli_input import call_arguments
from modelwright.errors import BadRequest
from modelwright.events import Event, EventType

CALLS = {
    "kind": "approval",
    "note": None,
    "calls": [
        {
            "id": "s1",
            "tool": "quantize",
            "args": {"model": "builtin", "types": ["Q8_0"]},
            "sources": {},
            "effects": ["computes"],
            "rule": "r",
            "estimate": None,
        }
    ],
}


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


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    given: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: given.pop(0))
    yield given
    assert given == [], "every answer was read"


@pytest.mark.parametrize("wrong", ["e s1=3", "e s1", "e s9.types=Q8_0", "e s1.colour=red", "j s9 no", "what"])
def test_what_is_not_understood_is_asked_again(wrong: str, answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers += [wrong, "a"]
    assert console.ask_on_terminal(CALLS) == {"allow": ["s1"]}
    assert "not understood" in capsys.readouterr().err


def test_an_edit_at_the_prompt_reads_values_as_the_schema_takes_them(answers: list[str]) -> None:
    answers.append("e s1.types=Q8_0,Q4_0")
    assert console.ask_on_terminal(CALLS) == {"edit": {"s1": {"types": ["Q8_0", "Q4_0"]}}}


def test_call_and_edit_read_the_same_values() -> None:
    pairs = ["model=2024", "types=Q8_0, Q4_0"]
    wanted = {"model": "2024", "types": ["Q8_0", "Q4_0"]}
    assert call_arguments("quantize", tuple(pairs), None) == wanted
    assert console.parse_edits([f"s1.{pair}" for pair in pairs], {"s1": "quantize"}) == {"s1": wanted}


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("0.5", 0.5), ("true", True), ("NaN", "NaN"), ("Infinity", "Infinity"), ("[" * 50_000, "[" * 50_000)]
)
def test_only_what_json_can_hold_is_read_as_json(text: str, value: Any) -> None:
    assert console.parse_value(text) == value


def test_an_edit_of_a_step_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(BadRequest, match=r"there is no step 's2'\. steps: s1"):
        console.parse_edits(["s2.types=Q8_0"], {"s1": "quantize"})
