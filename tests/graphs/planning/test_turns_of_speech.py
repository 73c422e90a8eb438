"""Whole requests whose wording once led to another plan, with the draft that the model gave or one that is wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.errors import PlanError
from modelwright.graphs.plancheck import check
from modelwright.graphs.planning.candidates import find
from modelwright.tools import load_all
from modelwright.types import Plan

from .test_arguments import Drafts, plan_of, used


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


def args_of(plan: Plan, tool: str) -> dict[str, Any]:
    return next(step.args for step in plan.steps if step.tool == tool)


@pytest.mark.parametrize(
    ("request_", "tool", "given"),
    [
        (
            "10k req/day, 1200 tokens in 300 out, $0.5 per M in and $1.5 per M out. monthly bill?",
            "cost",
            {"price": 0.5, "output_price": 1.5},
        ),
        (
            "a machine for 9,000 USD written off over 3 years, 0.28 USD per kWh, 5000 requests daily, what does one cost?",
            "cost",
            {"hardware_price": 9000, "electricity_price": 0.28, "lifetime_years": 3},
        ),
        ("what does it cost: 4500 dollars for the machine, 350 W, 0.32 a kWh, 2000 requests a day", "cost", {"electricity_price": 0.32}),
        ("bench m.gguf with a 500 ms target for the first token", "benchmark", {"ttft_ms": 500}),
        ("fine-tune builtin on a.jsonl, rows up to 1024 tokens", "finetune", {"max_length": 1024}),
        ("ajusta builtin con a.jsonl, LoRA de rango 32", "finetune", {"lora_rank": 32}),
        ("does m.gguf fit into 24 GiB in fp8?", "memory_fit", {"quantization": "fp8"}),
        ("quantifie m.gguf en Q6_K s'il te plaît", "quantize", {"types": ["Q6_K"]}),
        ("bench m.gguf with 2 users, ttft goal 1 second", "benchmark", {"ttft_ms": 1000}),
        ("qlora on a.jsonl with m.gguf, r16, bs4", "finetune", {"lora_rank": 16, "batch_size": 4}),
        ("could m.gguf be full-finetuned on an A100 with bs 2?", "memory_fit", {"task": "full"}),
        ("a request on my own server: 300 W, it was 2500 dollars, what does it cost?", "cost", {"hardware_price": 2500}),
        ("what does a request with 350 out tokens cost on a 400 W server that was 6000 dollars", "cost", {"output_tokens": 350}),
        ("bench m.gguf to see where it falls over", "benchmark", {"sweep": True}),
        ("index notes/, just for the group managers (that is its name)", "rag_index", {"access": ["managers"]}),
        ("compare m.gguf with n.gguf on a.jsonl and see that nothing from b.jsonl leaked into it", "compare", {"train_dataset": "b.jsonl"}),
        ("we own the box: 9000 dollars, 650 W, what does a request cost at 50000 requests a day?", "cost", {"hardware_price": 9000}),
        ("Évalue m.gguf sur a.jsonl avec ROUGE-L, réponses de 200 tokens", "evaluate", {"max_new_tokens": 200}),
        ("compare m.gguf with n.gguf on a.jsonl, BLEU decides, exact match second", "compare", {"metrics": ["bleu", "exact_match"]}),
        ("reindex notes/ into kb", "rag_index", {"index": "kb", "path": "notes/"}),
        ("according to what we indexed as manuals: who oils the pump?", "rag_answer", {"index": "manuals"}),
        ("search the index kb for idempotency key, with the reranker from models/bge", "rag_search", {"rerank_model": "models/bge"}),
    ],
)
def test_a_value_finds_its_argument(request_: str, tool: str, given: dict[str, Any], workspace: Path, installed: dict[str, Tool]) -> None:
    (workspace / "models/bge").mkdir(parents=True)
    (workspace / "models/bge/config.json").write_text("{}")
    found = args_of(plan_of(request_, workspace, installed, Drafts((tool, {}), score=-0.05)), tool)
    assert {name: found.get(name) for name in given} == given


@pytest.mark.parametrize(
    ("request_", "drafted", "tools"),
    [
        (
            "inspect a.jsonl, then lora the builtin on it, then see how it does on b.jsonl against the original",
            ["inspect_dataset", "finetune", "evaluate"],
            ["inspect_dataset", "finetune", "export_model", "quantize", "compare"],
        ),
        (
            "fine-tune models/small on a.jsonl -> gguf -> q4_k_m -> bench it",
            ["finetune", "export_model", "quantize"],
            ["finetune", "export_model", "quantize", "benchmark"],
        ),
        ("Controleer eerst de dataset a.jsonl en train daarna builtin", ["inspect_dataset", "finetune"], ["inspect_dataset", "finetune"]),
        (
            "search the index kb for oil, 8 hits, then answer me from it: who oils it?",
            ["rag_search", "rag_answer"],
            ["rag_search", "rag_answer"],
        ),
        (
            "I want the KL divergence of Q3_K_M against m.gguf on calib.txt, and the same for a q8_0 kv cache",
            ["quantization_quality", "kv_cache"],
            ["quantization_quality"],
        ),
        ("which port is open? index is kb. and let m.gguf write the answer, not just quotes", ["rag_answer"], ["rag_answer"]),
        ("how well does our search find things? the judged questions are in a.jsonl", [], ["evaluate_retrieval"]),
    ],
)
def test_every_wish_is_a_step_and_nothing_else_is(
    request_: str, drafted: Sequence[str], tools: Sequence[str], workspace: Path, installed: dict[str, Tool]
) -> None:
    (workspace / "models/small").mkdir(parents=True)
    (workspace / "models/small/config.json").write_text("{}")
    draft = Drafts(*((tool, {}) for tool in drafted), score=-0.15) if drafted else Drafts(("evaluate", {}), kind="question", score=-0.4)
    assert used(plan_of(request_, workspace, installed, draft)) == list(tools)


@pytest.mark.parametrize(
    "request_",
    [
        "push m.gguf to the huggingface hub",
        "upload m.gguf to our Hugging Face org",
        "restart the vLLM container on gpu02",
        "prune 30% of the attention heads of m.gguf",
        "drop the index wiki, we do not need it any more",
        "deploy m.gguf to our k8s cluster with 3 replicas",
        "could you delete all checkpoints older than 30 days from notes/",
    ],
)
def test_a_confident_draft_does_not_make_a_plan_of_what_no_tool_does(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert plan_of(request_, workspace, installed, Drafts(("rag_index", {"path": ["F1"]}), score=-0.05)).kind == "none"


@pytest.mark.parametrize(
    ("request_", "kind"), [("thanks, that was quick!", "none"), ("hi, what is in a.jsonl?", "plan"), ("hello!", "none")]
)
def test_a_courtesy_alone_asks_for_nothing(request_: str, kind: str, workspace: Path, installed: dict[str, Tool]) -> None:
    draft = Drafts(("inspect_dataset", {}), score=-0.2) if kind == "plan" else Drafts(("finetune", {}), kind="question", score=-0.2)
    assert plan_of(request_, workspace, installed, draft).kind == kind


def test_what_was_asked_about_the_memory_is_what_is_trained(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "first see if full fine-tuning of m.gguf fits into 16 gigs, then do it with a.jsonl"
    plan = plan_of(request, workspace, installed, Drafts(("memory_fit", {}), ("finetune", {"dataset": ["D1"]}), score=-0.05))
    assert (args_of(plan, "memory_fit")["task"], args_of(plan, "finetune")["method"]) == ("full", "full")


@pytest.mark.parametrize(
    ("text", "kinds"), [("the q3 budget", []), ("Q2 2024 report", ["number"]), ("as q3", ["quant"]), ("perplexity/KL", [])]
)
def test_a_quarter_is_no_quantization_type_and_two_measures_are_no_model(text: str, kinds: list[str], workspace: Path) -> None:
    assert [c.kind for c in find(text, workspace)] == kinds


@pytest.mark.parametrize(
    ("request_", "message"),
    [("quantize m.gguf to Q4_K_M and Q9_K", "'Q9_K' is no quantization type"), ("fine-tune builtin on a.jsonl for -3 epochs", "got -3")],
)
def test_a_value_that_cannot_be_is_named_and_not_dropped(
    request_: str, message: str, workspace: Path, installed: Mapping[str, Tool]
) -> None:
    with pytest.raises(PlanError, match=message):
        check(plan_of(request_, workspace, dict(installed), Drafts(("quantize" if "quantize" in request_ else "finetune", {}))), installed)


def test_the_small_one_of_two_models_drafts_whatever_the_model_read(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "does drafting pay? the large one is m.gguf, the small one n.gguf"
    plan = plan_of(request, workspace, installed, Drafts(("speculate", {"draft_model": ["M1"], "model": ["M2"]}), score=-0.05))
    assert args_of(plan, "speculate") == {"draft_model": "n.gguf", "model": "m.gguf"}


def test_a_choice_for_a_tool_that_the_words_replaced_is_left_out(workspace: Path, installed: dict[str, Tool]) -> None:
    """The draft scores a model; the words measure a search, which takes none."""
    request = "score the index kb with a.jsonl"
    plan = plan_of(request, workspace, installed, Drafts(("evaluate", {"model": ["X1"], "dataset": ["D1"]}), score=-0.05))
    assert used(plan) == ["evaluate_retrieval"]
