"""Function calls against accepted answers, on cases made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright.agent.bench_planner.accepted import Call, score_call

ACCEPTED = [{"area": {"base": [6], "height": [2.5], "unit": ["cm", ""], "tags": [["a", "b"]]}}]
TYPES = {"base": "integer", "height": "float", "unit": "string", "tags": "array"}
RIGHT: dict[str, Any] = {"base": 6, "height": 2.5, "tags": ["a", "b"]}


@pytest.mark.parametrize("change", [{}, {"unit": "CM"}, {"tags": ["A", "b"]}])
def test_an_accepted_answer_is_right_in_any_case_of_letters(change: dict[str, Any]) -> None:
    assert score_call(Call("area", {**RIGHT, **change}), ACCEPTED, TYPES).right


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"base": 7}, "base is 7"),
        ({"base": "6"}, "base is '6'"),
        ({"tags": ["b", "a"]}, "tags is"),
        ({"colour": "red"}, "colour is not to be given"),
        ({"base": True}, "base is True"),
    ],
)
def test_another_value_type_order_or_argument_is_wrong(change: dict[str, Any], problem: str) -> None:
    found = score_call(Call("area", {**RIGHT, **change}), ACCEPTED, TYPES)
    assert not found.right
    assert problem in found.problem


def test_only_what_may_be_left_out_may_be_missing() -> None:
    assert "height is missing" in score_call(Call("area", {"base": 6, "tags": ["a", "b"]}), ACCEPTED, TYPES).problem


def test_a_whole_number_stands_for_a_float_but_not_the_other_way() -> None:
    answers = [{"f": {"x": [2.0], "n": [2]}}]
    assert score_call(Call("f", {"x": 2, "n": 2}), answers, {"x": "float", "n": "integer"}).right


def test_where_nothing_fits_only_silence_is_right() -> None:
    assert score_call(None, None, {}).right
    assert not score_call(Call("area", {}), None, {}).right


def test_the_wrong_function_and_silence_are_told_apart_from_wrong_arguments() -> None:
    assert not score_call(Call("volume", RIGHT), ACCEPTED, TYPES).function
    assert not score_call(None, ACCEPTED, TYPES).function
    assert score_call(Call("area", {}), ACCEPTED, TYPES).function


def test_a_dict_is_compared_key_by_key() -> None:
    answers = [{"f": {"budget": [{"min": [1], "max": [2, ""]}]}}]
    assert score_call(Call("f", {"budget": {"min": 1}}), answers, {}).right
    assert not score_call(Call("f", {"budget": {"max": 2}}), answers, {}).right
