"""What one clause says for the step of another: values that no step took, that two share, and steps that are only one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.evidence import unsupported
from modelwright.tools import load_all

from .conftest import put_files
from .test_arguments import Drafts, plan_of


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


@pytest.mark.parametrize(
    ("request_", "drafted", "tool", "given"),
    [
        (
            "put notes/ into the index kb. then ask it who oils the pump. be careful, nothing below 0.7 confidence",
            ["rag_index", "rag_answer"],
            "rag_answer",
            {"threshold": 0.7},
        ),
        (
            "is Mistral-7B small enough for 9 GiB as Q5_K_M? And how large is its kv cache at 8k?",
            ["memory_fit", "kv_cache"],
            "kv_cache",
            {"model": "Mistral-7B", "context_length": 8192},
        ),
        (
            "First tell me whether qlora of models/small fits in 8 GiB, then train it on a.jsonl, rows up to 1024 tokens",
            ["memory_fit", "finetune"],
            "memory_fit",
            {"context_length": 1024},
        ),
        (
            "inspect a.jsonl, then let builtin learn from it, and tell me by b_test.jsonl whether it got better",
            ["inspect_dataset", "finetune", "compare"],
            "finetune",
            {"dataset": "a.jsonl"},
        ),
        (
            "index notes/ as kb, then measure the search with a.jsonl",
            ["rag_index", "evaluate_retrieval"],
            "evaluate_retrieval",
            {"dataset": "a.jsonl"},
        ),
        (
            "KV cache of Mistral-7B at 65536 tokens. and does it fit on an A100 with that context, Q8_0 weights",
            ["kv_cache", "memory_fit"],
            "memory_fit",
            {"context_length": 65536},
        ),
        (
            "My papers are gathered, I put them in notes/. Index them as kb, then measure retrieval with a.jsonl",
            ["rag_index", "evaluate_retrieval"],
            "rag_index",
            {"path": "notes/", "index": "kb"},
        ),
        ("make a Q4_K_M from m-f16.gguf, then time it against the f16", ["quantize", "benchmark"], "benchmark", {"baseline": "m-f16.gguf"}),
    ],
)
def test_what_is_said_elsewhere_reaches_its_step(
    request_: str, drafted: list[str], tool: str, given: dict[str, Any], workspace: Path, installed: dict[str, Tool]
) -> None:
    put_files(workspace, ["models/small/config.json", "b_test.jsonl", "m-f16.gguf", "notes/page.md"])
    plan = plan_of(request_, workspace, installed, Drafts(*((name, {}) for name in drafted), score=-0.05))
    step = next(s for s in plan.steps if s.tool == tool)
    assert {name: step.args.get(name) for name in given} == given
    assert unsupported(plan, workspace) == []


def test_a_measurement_without_a_model_says_what_the_loss_is_measured_on(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "what does m.gguf lose at Q3_K_M? perplexity on b.jsonl, numbers only"
    drafted = Drafts(("quantization_quality", {"model": ["M1"], "types": ["Q1"]}), ("evaluate", {"dataset": ["D1"]}), score=-0.1)
    [step] = plan_of(request, workspace, installed, drafted).steps
    assert (step.tool, step.args["dataset"]) == ("quantization_quality", "b.jsonl")


def test_a_clause_that_only_says_how_is_no_step(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "how large is the kv cache of Mistral-7B at 8k? and with q8_0 keys and values"
    plan = plan_of(request, workspace, installed, Drafts(("kv_cache", {}), ("memory_fit", {}), score=-0.05))
    assert [(step.tool, step.args.get("dtype")) for step in plan.steps] == [("kv_cache", "q8_0")]


def test_what_stands_in_a_question_is_no_setting(workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, ["notes/page.md"])
    request = 'index notes/ as kb, then answer: "which cards have 8 GiB and flash attention?", and time m.gguf'
    plan = plan_of(request, workspace, installed, Drafts(("rag_index", {}), ("rag_answer", {}), ("benchmark", {}), score=-0.05))
    assert all("flash_attention" not in step.args for step in plan.steps)
