"""What reads like a step of its own and only says more about the one before: how a file is stored, what the loss is measured on."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.planner import Planner

from .conftest import put_files
from .test_arguments import Drafts

FILES = ["a.jsonl", "a_val.jsonl", "base/config.json"]


def test_a_clause_that_only_states_a_value_is_no_step(workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, FILES)
    drafted = Drafts(("finetune", {}), ("evaluate", {}), ("rag_answer", {}))
    plan = Planner(drafted, all_tools, workspace).plan("lora on a.jsonl, then score it on a_val.jsonl, at most 64 tokens per answer")
    assert [s.tool for s in plan.steps] == ["finetune", "evaluate"]
    assert plan.steps[1].args["max_new_tokens"] == 64


@pytest.mark.parametrize(
    ("request_", "tools"),
    [
        ("merge base/ into one gguf, stored as q8_0", ["export_model"]),
        ("export base/ as a gguf, q8_0, call it headlines.gguf", ["export_model"]),
        ("export base/ as gguf, then quantize it to q8_0", ["export_model", "quantize"]),
    ],
)
def test_how_an_export_is_stored_is_no_second_file(request_: str, tools: list[str], workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, FILES)
    drafted = Drafts(("export_model", {}), ("quantize", {}), score=-0.05)
    plan = Planner(drafted, all_tools, workspace).plan(request_)
    assert [s.tool for s in plan.steps] == tools
    assert unsupported(plan, workspace) == []
    assert (plan.steps[0].args.get("dtype") == "q8_0") == (len(tools) == 1)


@pytest.mark.parametrize(
    ("said", "tools"),
    [
        ("train on a.jsonl and use a_val.jsonl to watch the loss", ["finetune"]),
        ("train on a.jsonl and score it on a_val.jsonl", ["finetune", "evaluate"]),
        ("train on a.jsonl, then evaluate the loss on a_val.jsonl", ["finetune", "evaluate"]),
    ],
)
def test_data_to_watch_the_loss_on_is_no_measurement(said: str, tools: list[str], workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, FILES)
    drafted = Drafts(("finetune", {}), ("evaluate", {}), score=-0.05)
    plan = Planner(drafted, all_tools, workspace).plan(said)
    assert [s.tool for s in plan.steps] == tools
    assert unsupported(plan, workspace) == []
