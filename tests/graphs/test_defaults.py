"""What is not given and decides what is made, or what it costs, stands in the plan with its value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright import tools
from modelwright.graphs.gate import assess, defaults_of, edited
from modelwright.graphs.plancheck import check
from modelwright.plantable import plan_table
from modelwright.policies import load as load_policy
from modelwright.types import Effect, Plan, Step

WITHOUT = {"cost", "compare_tokenizers", "inspect_dataset"}
"""What they are asked for is all that they need."""


@pytest.fixture
def rows(workspace: Path) -> Path:
    path = workspace / "rows.jsonl"
    turns = [{"role": "user", "content": "How long?"}, {"role": "assistant", "content": "Two weeks, as a rule."}]
    path.write_text((json.dumps({"messages": turns}) + "\n") * 20, encoding="utf-8")
    return path


def defaults(name: str, workspace: Path, **args: Any) -> dict[str, Any]:
    return defaults_of(tools.load(name), args, workspace)


@pytest.mark.parametrize("name", sorted(set(tools.names()) - WITHOUT))
def test_every_tool_that_computes_says_which_of_its_arguments_decide(name: str) -> None:
    tool = tools.load(name)
    assert tool.decisive or Effect.COMPUTES not in tool.effects
    assert set(tool.decisive) <= set(tool.args.model_fields)


def test_the_types_that_will_be_made_are_told(workspace: Path) -> None:
    assert defaults("quantize", workspace, model="builtin") == {"types": ["Q8_0"]}
    assert defaults("quantize", workspace, model="builtin", types=["Q6_K"]) == {}


def test_what_depends_on_the_call_is_worked_out(workspace: Path, rows: Path) -> None:
    found = defaults("finetune", workspace, dataset=rows.name)
    assert found["epochs"] == 5, "few rows are seen more often"
    assert (found["model"], found["method"], found["learning_rate"], found["lora_rank"]) == ("builtin", "lora", 1e-3, 16)
    full = defaults("finetune", workspace, dataset=rows.name, method="full", max_steps=3)
    assert full["learning_rate"] == 5e-5
    assert not {"epochs", "lora_rank"} & set(full), "neither has a part in this call"


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [
        ("export_model", {"model": "builtin"}, {"format": "gguf", "dtype": "f16"}),
        ("export_model", {"model": "builtin", "format": "hf"}, {"dtype": "f32"}),
        ("quantization_quality", {"model": "builtin"}, {"types": ["Q8_0", "Q4_K_M"], "windows": 32, "window": 512}),
        ("quantization_quality", {"models": ["a.gguf", "b.gguf"], "windows": 4, "window": 64}, {}),
        ("benchmark", {"model": "builtin", "requests": 2, "rate": [1.0], "output_tokens": 8}, {"prompt_tokens": 128}),
        ("choose_engine", {}, {"users": 1}),
        ("evaluate", {"model": "builtin", "limit": 3}, {"metrics": ["rouge_l", "exact_match"], "max_new_tokens": 128}),
        ("evaluate", {"model": "builtin", "metrics": ["perplexity"]}, {"limit": "all rows"}),
    ],
)
def test_only_what_has_a_part_in_the_call_is_told(
    workspace: Path, rows: Path, name: str, args: dict[str, Any], told: dict[str, Any]
) -> None:
    given = {**args, **({"dataset": rows.name} if name == "evaluate" else {})}
    assert defaults(name, workspace, **given) == told


def test_plain_text_is_measured_by_perplexity_and_a_rubric_beside_the_rows_is_used(workspace: Path, rows: Path) -> None:
    (workspace / "prose.txt").write_text("Once upon a time.\n", encoding="utf-8")
    assert defaults("evaluate", workspace, model="builtin", dataset="prose.txt") == {"metrics": ["perplexity"], "limit": "all rows"}
    (workspace / "rubric.toml").write_text("", encoding="utf-8")
    assert defaults("evaluate", workspace, model="builtin", dataset=rows.name)["metrics"] == ["rubric"]


def test_without_the_file_what_depends_on_it_is_left_out(workspace: Path) -> None:
    found = defaults("finetune", workspace, dataset="gone.jsonl")
    assert found["method"] == "lora"
    assert "epochs" not in found


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_plan_shows_them_and_an_edit_takes_their_place(workspace: Path, width: int) -> None:
    known, policy = tools.load_all(), load_policy(None)
    steps = [Step(id="s1", tool="export_model", args={"model": "builtin"}), Step(id="s2", tool="quantize", args={"model": "$s1.model"})]
    plan = assess(check(Plan(steps=steps), known), known, policy, workspace)[0]
    assert "types=[Q8_0] (default)" in plan_table(plan, width)
    assert "format=gguf, dtype=f16 (defaults)" in " ".join(plan_table(plan, width).split())
    assert plan.model_dump()["steps"][1]["defaults"] == {"types": ["Q8_0"]}
    after = assess(edited(plan, {"s2": {"types": ["Q4_K_M"]}}, known, workspace), known, policy, workspace)[0]
    assert after.steps[1].defaults == {}
    sizes = [step.estimate.disk_bytes for step in (plan.steps[1], after.steps[1]) if step.estimate]
    assert sizes[0] > sizes[1], "the estimate is made anew"
    assert "(default)" not in plan_table(after, width)
    assert plan.hash == check(plan, known).hash != after.hash


def test_a_step_without_defaults_is_written_as_before() -> None:
    assert "defaults" not in Step(id="s1", tool="cost").model_dump()
