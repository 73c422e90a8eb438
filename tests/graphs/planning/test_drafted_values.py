"""Values and steps of a draft: numbers that only it can place, lists that it gave in part, steps that are one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.planner import Planner
from modelwright.types import Plan

from .conftest import put_files
from .test_arguments import Drafts, used

FILES = ["a.gguf", "b.gguf", "m-f16.gguf", "m-q4.gguf", "m-q8.gguf", "a.jsonl", "h.jsonl", "c.txt", "t.txt"]
SURE, DOUBTFUL = -0.05, -0.3


@pytest.fixture
def plan_for(workspace: Path, all_tools: dict[str, Tool]) -> Any:
    def plan(request: str, *steps: Any, score: float = SURE) -> Plan:
        put_files(workspace, FILES, ("x/r8", "x/r32", "base"))
        return Planner(Drafts(*steps, score=score), all_tools, workspace).plan(request)

    return plan


@pytest.mark.parametrize(("score", "found"), [(SURE, 6), (DOUBTFUL, None)])
def test_a_number_without_a_name_is_what_a_sure_draft_says(plan_for: Any, score: float, found: int | None) -> None:
    plan = plan_for("bench a.gguf with 6 kierrosta", ("benchmark", {"model": ["M1"], "repeats": ["N1"]}), score=score)
    assert plan.steps[0].args.get("repeats") == found


def test_a_number_beyond_the_bounds_of_its_argument_is_not_taken(plan_for: Any) -> None:
    plan = plan_for("bench a.gguf with 900 kierrosta", ("benchmark", {"model": ["M1"], "repeats": ["N1"]}))
    assert "repeats" not in plan.steps[0].args


def test_a_list_that_words_gave_a_part_of_is_made_whole(plan_for: Any) -> None:
    request = "a.gguf must take 5 requests per second. Fire that at it, plus 2 and 8 r/s"
    plan = plan_for(request, ("benchmark", {"model": ["M1"], "rate": ["N1", "N2", "N3"]}))
    assert plan.steps[0].args["rate"] == [5, 2, 8]


@pytest.mark.parametrize(
    ("request_", "given"),
    [
        ("meet a.gguf, 12 herhalingen", {"repeats": 12}),
        ("mät a.gguf, 5 upprepningar och 2 samtidiga", {"repeats": 5, "concurrency": [2]}),
        ("bench a.gguf c=1,2,4,8 pp512 tg128 x5", {"concurrency": [1, 2, 4, 8], "prompt_tokens": 512, "output_tokens": 128, "repeats": 5}),
        ("a speed test of a.gguf with one user, 80 tokens answers, 6 repeats", {"concurrency": [1], "output_tokens": 80, "repeats": 6}),
        ("time a.gguf at 3 requests a second, everything over 6 seconds counts as too slow", {"e2e_ms": 6000}),
        ("load test a.gguf, requests beyond 90 seconds can be treated as failed", {"timeout_seconds": 90}),
        ("time a.gguf, no forced length", {"enforce_output": False}),
    ],
)
def test_settings_of_a_benchmark(plan_for: Any, request_: str, given: dict[str, Any]) -> None:
    args = plan_for(request_, ("benchmark", {"model": ["M1"]}), score=DOUBTFUL).steps[0].args
    assert {name: args.get(name) for name in given} == given


def test_what_is_measured_is_not_its_own_baseline(plan_for: Any) -> None:
    request = "benchmark a.gguf met b.gguf, of nee: b.gguf meten en a.gguf als baseline"
    args = plan_for(request, ("benchmark", {"model": ["M1"], "baseline": ["M2"]})).steps[0].args
    assert (args["model"], args["baseline"]) == ("b.gguf", "a.gguf")


def test_an_original_and_its_quantized_file_are_measured_at_once(plan_for: Any) -> None:
    steps = [("quantization_quality", {"types": ["Q1"], "model": ["M1"]}), ("quantization_quality", {"types": ["Q1"], "model": ["M2"]})]
    plan = plan_for("they say Q8_0 is lossless: check it with m-f16.gguf and m-q8.gguf, 64 windows", *steps)
    assert [step.tool for step in plan.steps] == ["quantization_quality"]
    assert plan.steps[0].args["models"] == ["m-f16.gguf", "m-q8.gguf"]
    assert "types" not in plan.steps[0].args


def test_a_text_that_weighs_columns_is_not_measured_on(plan_for: Any) -> None:
    steps = [("quantization_quality", {"model": ["M1"], "dataset": [d], "types": ["Q1"]}) for d in ("D1", "D2")]
    plan = plan_for("perplexity loss of m-f16.gguf in Q4_K_M on t.txt, weighted with c.txt", *steps)
    assert len(plan.steps) == 1
    assert (plan.steps[0].args["dataset"], plan.steps[0].args["imatrix_dataset"]) == ("t.txt", "c.txt")


def test_a_loss_on_plain_text_behind_a_quantizing_is_what_the_types_cost(plan_for: Any) -> None:
    steps = [("quantize", {"model": ["M1"], "types": ["Q1"]}), ("compare", {"dataset": ["D1"]})]
    assert used(plan_for("make a Q4_K_S of m-f16.gguf and tell me its loss on t.txt", *steps)) == ["quantize", "quantization_quality"]
    plan = plan_for("make a Q4_K_S of m-f16.gguf and compare both on a.jsonl", *steps)
    assert used(plan) == ["quantize", "compare"]


def test_a_model_that_others_stand_against_is_in_the_list_and_first_where_said(plan_for: Any) -> None:
    plan = plan_for(
        "x/r8 and x/r32 against plain builtin, builtin first, on a.jsonl", ("compare", {"models": ["M1", "M2"], "dataset": ["D1"]})
    )
    assert plan.steps[0].args["models"] == ["builtin", "x/r8", "x/r32"]


@pytest.mark.parametrize(("said", "types"), [("all three", ["gptq", "awq", "nf4"]), ("them", ["gptq", "awq"])])
def test_as_many_types_as_the_request_says(plan_for: Any, said: str, types: list[str]) -> None:
    request = f"gptq or awq for base, or is nf4 enough? Measure the quality loss of {said}"
    args = plan_for(request, ("quantization_quality", {"types": ["Q1", "Q2"], "model": ["M1"]})).steps[0].args
    assert args["types"] == types


def test_how_a_comparison_is_judged_is_no_step_of_its_own(plan_for: Any) -> None:
    steps = [
        ("compare", {"models": ["M1", "M2"], "dataset": ["D1"]}),
        ("evaluate", {"model": ["M1"], "dataset": ["D1"], "metrics": ["contains"]}),
    ]
    plan = plan_for("a.gguf or b.gguf? Use a.jsonl, and check that the answer contains the right word", *steps)
    assert used(plan) == ["compare"]
    assert plan.steps[0].args["metrics"] == ["contains"]


def test_a_path_that_a_step_writes_is_its_result(plan_for: Any) -> None:
    steps = [("finetune", {"dataset": ["D1"], "output": ["O1"]}), ("evaluate", {"dataset": ["D2"]})]
    plan = plan_for("lora on a.jsonl, out=ckpt/d1; evaluate ckpt/d1 on h.jsonl", *steps)
    assert plan.kind == "plan"
    assert plan.steps[-1].args["model"] == "$s1.model"


def test_a_step_keeps_the_model_that_its_own_words_name(plan_for: Any) -> None:
    steps = [("memory_fit", {"model": ["M1"], "memory_gib": ["G1"]}), ("quantize", {"model": ["M2"], "types": ["Q1"]})]
    plan = plan_for("does Qwen2.5-7B fit into 16 GiB? If so, make a Q8_0 out of m-f16.gguf", *steps)
    assert used(plan) == ["memory_fit", "quantize"]
    assert plan.steps[1].args["model"] == "m-f16.gguf"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("15 000 requests", [15000]),
        ("1 500 frågor", [1500]),
        ("loads 1, 500 requests", [1, 500]),
        ("bench pp512 x5", [512, 5]),
        ("an x86 box", []),
    ],
)
def test_numbers_as_they_are_written(text: str, values: list[int]) -> None:
    assert [c.value for c in find_numbers(text)] == values
