"""Function-calling cases through the planner, with a model that answers by the words that two texts share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.bench_planner import bfcl, free_json
from modelwright.agent.bench_planner.accepted import Call
from modelwright.errors import DataError
from modelwright.models.base import Choice, Draft, DraftQuestion


class WordCounter:
    """Scores a choice by the words that it shares with the prompt; each is worth five nats."""

    name = "word counter"

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        said = set(prompt.lower().split())
        scores = {choice: 5.0 * len(said & set(choice.lower().split())) - 40.0 for choice in choices}
        return Choice(max(scores, key=lambda c: scores[c]), scores, prompt_tokens=10)

    def draft(self, question: DraftQuestion) -> Draft:
        raise AssertionError("tools that nobody described are not drafted")

    def close(self) -> None:
        pass


def function(name: str, description: str, required: Sequence[str], **properties: Any) -> Any:
    return {"name": name, "description": description, "parameters": {"type": "dict", "properties": properties, "required": list(required)}}


AREA = function(
    "geometry.area",
    "Calculate the area of a triangle",
    ["base", "height"],
    base={"type": "integer", "description": "The base of the triangle in meters."},
    height={"type": "float", "description": "Its height in meters."},
    unit={"type": "string", "description": "Unit of the result. Default is 'square meters'."},
)
WEATHER = function(
    "weather.get",
    "Get the weather of a city",
    ["city"],
    city={"type": "string", "description": "The city."},
    scale={"type": "string", "enum": ["celsius", "fahrenheit"], "description": "Scale of the temperature."},
    with_wind={"type": "boolean", "description": "Whether wind is included."},
)


def case(question: str, accepted: Any, *functions: Any) -> bfcl.Case:
    return bfcl.Case("c1", "multiple", question, functions or (AREA, WEATHER), accepted)


def called(question: str, *functions: Any) -> Call | None:
    return bfcl.run(case(question, None, *functions), WordCounter()).call


def test_numbers_go_to_the_arguments_whose_names_stand_beside_them() -> None:
    found = called("Calculate the area of a triangle with a height of 2.5 meters and a base of 7 meters")
    assert found == Call("geometry.area", {"base": 7, "height": 2.5})


def test_a_length_is_turned_into_the_unit_of_its_argument() -> None:
    found = called("Calculate the area of a triangle with a base of 7 meters and a height of 250 cm")
    assert found == Call("geometry.area", {"base": 7, "height": 2.5})


def test_a_name_a_listed_value_and_a_switch_are_found_in_the_words() -> None:
    found = called("Get the weather of the city Porto Alegre in Celsius without wind")
    assert found == Call("weather.get", {"city": "Porto Alegre", "scale": "celsius", "with_wind": False})


def test_what_is_not_said_is_left_out_or_asked_for() -> None:
    found = bfcl.run(case("Calculate the area of a triangle with a base of 7 meters", None), WordCounter())
    assert (found.kind, found.call) == ("question", None)


def test_nothing_is_called_for_a_request_that_no_tool_fits() -> None:
    found = bfcl.run(case("who painted sunflowers", None), WordCounter())
    assert found.kind == "none"
    assert found.score.right


class Tuned(WordCounter):
    """Knows other tools by heart."""

    tuned_tools = frozenset({"finetune", "quantize"})


@pytest.mark.parametrize("functions", [(AREA,), (WEATHER, AREA)], ids=["alone", "beside another"])
def test_a_model_that_was_tuned_on_other_tools_calls_a_function_whose_words_are_said(functions: Sequence[Any]) -> None:
    question = "Calculate the area of a triangle with a height of 2.5 meters and a base of 7 meters"
    assert bfcl.run(case(question, None, *functions), Tuned()).call == Call("geometry.area", {"base": 7, "height": 2.5})


def test_lists_are_taken_whole() -> None:
    mean = function(
        "mean", "Mean of numbers", ["numbers"], numbers={"type": "array", "items": {"type": "float"}, "description": "Numbers."}
    )
    assert called("mean of numbers 1, 2.5 and 4", mean) == Call("mean", {"numbers": [1, 2.5, 4]})


def test_a_bad_line_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "multiple.jsonl").write_text(json.dumps({"id": "a"}) + "\n")
    with pytest.raises(DataError, match=r"multiple\.jsonl:1: "):
        bfcl.read_cases(tmp_path)
    with pytest.raises(DataError, match="no function-calling cases"):
        bfcl.read_cases(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('{"name": "f", "arguments": {"a": 1}}', Call("f", {"a": 1})),
        ('Sure!\n```json\n[{"name": "f", "parameters": {"a": 1}}]\n```', Call("f", {"a": 1})),
        ('{"function": {"name": "f", "arguments": {"a": 1}}}', Call("f", {"a": 1})),
        ('{"f": {"a": 1}}', Call("f", {"a": 1})),
        ('{"name": null}', None),
        ("The area is 35 square meters.", None),
        ('{"name": "f", "arguments": {"a": ', None),
    ],
)
def test_the_first_call_of_free_text_is_read_in_any_usual_form(text: str, call: Call | None) -> None:
    assert free_json.read_call(text) == call
