"""What a person is asked, and how answers are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelwright import prompts
from modelwright.cli.input import call_arguments
from modelwright.errors import BadRequest

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


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    given: list[str] = []
    monkeypatch.setattr("builtins.input", lambda *_: given.pop(0))
    yield given
    assert given == [], "every answer was read"


@pytest.mark.parametrize("wrong", ["e s1=3", "e s1", "e s9.types=Q8_0", "e s1.colour=red", "r s9 no", "what"])
def test_what_is_not_understood_is_asked_again(wrong: str, answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers += [wrong, "a"]
    assert prompts.ask_on_terminal(CALLS) == {"allow": ["s1"]}
    assert "not understood" in capsys.readouterr().err


def test_what_is_not_given_and_matters_is_told_before_one_answers(answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    call = {**CALLS["calls"][0], "args": {"model": "builtin"}, "defaults": {"types": ["Q8_0"]}}
    answers.append("a")
    prompts.ask_on_terminal({**CALLS, "calls": [call]})
    assert "types=[Q8_0] (default)" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["quit", "Exit", ":q", ""])
def test_a_word_that_leaves_is_no_answer_and_no_approval(word: str, answers: list[str]) -> None:
    answers += [word, word]
    assert prompts.ask_on_terminal({"kind": "question", "question": "which model?", "choices": ["a.gguf"]}) is None
    assert prompts.ask_on_terminal(CALLS) is None


def test_an_edit_at_the_prompt_reads_values_as_the_schema_takes_them(answers: list[str]) -> None:
    answers.append("e s1.types=Q8_0,Q4_0")
    assert prompts.ask_on_terminal(CALLS) == {"edit": {"s1": {"types": ["Q8_0", "Q4_0"]}}}


def test_call_and_edit_read_the_same_values() -> None:
    pairs = ["model=2024", "types=Q8_0, Q4_0"]
    wanted = {"model": "2024", "types": ["Q8_0", "Q4_0"]}
    assert call_arguments("quantize", tuple(pairs), None) == wanted
    assert prompts.parse_edits([f"s1.{pair}" for pair in pairs], {"s1": "quantize"}) == {"s1": wanted}


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("0.5", 0.5), ("true", True), ("NaN", "NaN"), ("Infinity", "Infinity"), ("[" * 50_000, "[" * 50_000)]
)
def test_only_what_json_can_hold_is_read_as_json(text: str, value: Any) -> None:
    assert prompts.parse_value(text) == value


def test_an_edit_of_a_step_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(BadRequest, match=r"there is no step 's2'\. steps: s1"):
        prompts.parse_edits(["s2.types=Q8_0"], {"s1": "quantize"})


def test_a_call_is_shown_whole_before_it_is_allowed(answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers += ["show", "all"]
    long = {**CALLS, "calls": [{**CALLS["calls"][0], "args": {"model": "m" * 90, "types": ["Q8_0"]}}]}
    assert prompts.ask_on_terminal(long) == {"allow_for_run": ["s1"]}
    said = capsys.readouterr().err
    assert "m" * 90 in said
    assert "about cost unknown" in said


@pytest.mark.parametrize(
    ("said", "reply"),
    [("r s1 too slow", {"s1": "too slow"}), ("reject too slow", {"s1": "too slow"}), ("r", {"s1": ""}), ("r s1", {"s1": ""})],
)
def test_a_rejection_keeps_its_reason(said: str, reply: dict[str, str], answers: list[str]) -> None:
    answers.append(said)
    assert prompts.ask_on_terminal(CALLS) == {"reject": reply}


def test_the_end_of_input_leaves_the_run_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    assert prompts.ask_on_terminal(CALLS) is None


def test_what_is_not_utf8_is_asked_again(answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers += ["\udcff", "a"]
    assert prompts.ask_on_terminal(CALLS) == {"allow": ["s1"]}
    assert "not UTF-8" in capsys.readouterr().err


def test_escapes_in_a_question_are_written_out(answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers.append("2")
    asked = {"kind": "question", "question": "which \x1b[31mone?", "choices": ["a", "\x1b]0;b\x07"]}
    assert prompts.ask_on_terminal(asked) == {"answer": "\x1b]0;b\x07"}, "the answer is the choice to the letter"
    assert "\x1b" not in capsys.readouterr().err
