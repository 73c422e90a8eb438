from __future__ import annotations

from typing import Any

import pytest

from modelwright.scoring.plans import same, score


def plan(*steps: tuple[str, dict[str, Any]], kind: str = "plan") -> dict[str, Any]:
    return {"kind": kind, "steps": [{"id": f"s{n}", "tool": tool, "args": args} for n, (tool, args) in enumerate(steps, 1)]}


def expected(**more: Any) -> dict[str, Any]:
    return {"kind": "plan", "tools": [], "args": {}, "forbid": [], **more}


def test_other_steps_may_stand_between_and_a_tool_may_be_missing() -> None:
    wanted = expected(tools=["finetune", "export_model?", "quantize|compare"])
    assert score(wanted, plan(("finetune", {}), ("inspect_dataset", {}), ("compare", {}))).right
    assert not score(wanted, plan(("compare", {}), ("finetune", {}))).tools


def test_a_forbidden_tool_is_wrong() -> None:
    assert score(expected(tools=["quantize"], forbid=["finetune"]), plan(("quantize", {}), ("finetune", {}))).problem == "uses finetune"


def test_stated_arguments_are_looked_for_in_the_first_step_that_has_them() -> None:
    wanted = expected(tools=["evaluate"], args={"evaluate": {"model": "b.gguf", "limit": 5}})
    assert score(wanted, plan(("evaluate", {"model": "a.gguf"}), ("evaluate", {"model": "b.gguf", "limit": 5.0, "seed": 1}))).right
    assert score(wanted, plan(("evaluate", {"model": "b.gguf"}))).problem == "evaluate has {'limit': None} for {'limit': 5}"


def test_a_model_that_is_exported_first_is_the_model_that_was_stated() -> None:
    wanted = expected(tools=["quantize"], args={"quantize": {"model": "builtin"}})
    assert score(wanted, plan(("export_model", {"model": "builtin"}), ("quantize", {"model": "$s1.model"}))).right


def test_one_of_several_kinds_is_enough() -> None:
    assert score(expected(kind="question|none"), plan(kind="none")).right
    assert not score(expected(kind="none"), plan(("quantize", {}))).right


@pytest.mark.parametrize(
    ("name", "wanted", "given", "fits"),
    [
        ("model", "./my-model", "my-model/", True),
        ("epochs", 3, 3.0, True),
        ("epochs", 3, 4, False),
        ("types", ["Q8_0"], ["Q4_K_M", "Q8_0"], True),
        ("types", ["Q8_0", "Q2_K"], ["Q8_0"], False),
        ("question", "which port does the broker use", "Which port does the broker use?", True),
        ("question", "which port does the broker use", "who signs", False),
        ("learning_rate", "1e-4", 0.0001, True),
    ],
)
def test_values_that_mean_the_same(name: str, wanted: object, given: object, fits: bool) -> None:
    assert same(name, wanted, given) is fits
