from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.errors import ConfigError, EngineMissing
from modelwright.models.base import WholePlans
from modelwright.models.scripted import ScriptedModel

CHOICES = ["quantize", "none of these"]


def test_choices_are_given_in_order() -> None:
    model = ScriptedModel.of(choices=["quantize", "none of these"])
    assert [model.choose("x", CHOICES, purpose="intent", examples={}).text for _ in range(2)] == CHOICES


def test_it_says_when_it_has_run_out() -> None:
    with pytest.raises(EngineMissing, match="no answer left for intent"):
        ScriptedModel.of().choose("x", CHOICES, purpose="intent", examples={})


def test_an_answer_that_is_no_choice_is_refused() -> None:
    with pytest.raises(EngineMissing, match="'fly' to intent, which is not a choice"):
        ScriptedModel.of(choices=["fly"]).choose("x", CHOICES, purpose="intent", examples={})


def test_a_toml_file_gives_plans_by_request_by_pattern_and_by_number_of_answers(tmp_path: Path) -> None:
    file = tmp_path / "script.toml"
    file.write_text(
        '[[plan]]\nrequest = "go"\nanswers = 0\nkind = "question"\nquestion = "Where to?"\n'
        '[[plan]]\nmatches = "^g"\nsteps = [{ tool = "evaluate", args = { model = "builtin" } }]\n'
        '[[replan]]\nstep = "s1"\nerror = "JobLimit"\nkind = "none"\nreason = "too long"\n'
    )
    model = ScriptedModel.read(file)
    assert isinstance(model, WholePlans)
    assert (model.whole_plan("go", []) or {})["question"] == "Where to?"
    assert (model.whole_plan("go", ["north"]) or {})["steps"][0]["tool"] == "evaluate"
    assert model.whole_plan("stay", []) is None
    assert (model.whole_replan("go", "s1", {"type": "JobLimit"}) or {})["reason"] == "too long"
    assert model.whole_replan("go", "s2", {"type": "JobLimit"}) is None


def test_json_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text('{"choices": ["quantize"]}')
    assert ScriptedModel.read(file).choose("x", CHOICES, purpose="intent", examples={}).text == "quantize"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan = 3", "plan"),
        ("[[plan]]\nkind = 'plan'", "either request or matches"),
        ("[[plan]]\nmatches = '('", "not a regular expression"),
        ("x =", "not readable"),
        ("choises = []", "choises"),
    ],
)
def test_a_bad_script_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "script.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        ScriptedModel.read(file)


def test_a_script_that_is_not_there_is_a_setting_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        ScriptedModel.read(tmp_path / "gone.toml")
