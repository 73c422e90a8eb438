"""Values and steps that a request states in other words than their names, or in a clause or a language that the rules do not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.nouns import find_output_names
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.planner import Planner
from modelwright.types import Plan

from .conftest import put_files
from .test_arguments import Drafts, used
from .test_phrases import assert_stated

FILES = ["a.gguf", "b.gguf", "a.jsonl", "a_test.jsonl", "runs/a/adapter_config.json", "base/config.json", "notes/page.md"]
SAID = [
    ("finetune", "lora r64 a128 lr1e-4 on a.jsonl", {"lora_rank": 64, "lora_alpha": 128, "learning_rate": 1e-4}),
    ("finetune", "entraîne sur a.jsonl avec un pas de 0,0003", {"learning_rate": 0.0003, "max_steps": None}),
    ("finetune", "train on a.jsonl and the batch, well, put it at 2", {"batch_size": 2}),
    ("finetune", "a single pass over a.jsonl, merged as a single file", {"lora_alpha": None}),
    ("finetune", "he wrote: 'rank 32, alpha 64, 3 epochs'. Train on a.jsonl like that", {"lora_rank": 32, "lora_alpha": 64, "epochs": 3}),
    ("finetune", "the row says 'rank 32, alpha 64, 3 epochs'. Train on a.jsonl", {"lora_rank": None, "epochs": None}),
    ("finetune", "full fientune on a.jsonl", {"method": "full"}),
    ("finetune", "train on a.jsonl with a 4bit base", {"method": "qlora"}),
    ("evaluate", "score a.gguf on a.jsonl, pattern ^SELECT", {"pattern": "^SELECT", "metrics": ["regex"]}),
    ("evaluate", "do the answers of a.gguf on a.jsonl hold IDs of the form JIRA-\\d{4}?", {"pattern": "JIRA-\\d{4}", "metrics": ["regex"]}),
    ("evaluate", "does the reference occur in the answer of a.gguf to a.jsonl?", {"metrics": ["contains"]}),
    ("evaluate", "a.jsonl has two hundred questions but only take fifty of them for a.gguf", {"limit": 50}),
    ("evaluate", "a.gguf on a.jsonl, a random sample of 120", {"limit": 120}),
    ("evaluate", "how does the standard assistant do on a.jsonl?", {"model": "builtin"}),
    ("evaluate", "what does the AI score on a.jsonl?", {"model": "builtin"}),
    ("compare", "is runs/a better than the default one? on a.jsonl", {"models": ["builtin", "runs/a"]}),
    ("inspect_dataset", "check a.jsonl, show only the worst 5 things", {"max_problems": 5}),
    ("export_model", "just the adapter-only GGUF of runs/a", {"format": "gguf_adapter"}),
    ("export_model", "runs/a as gguf, without the big model", {"format": "gguf_adapter"}),
    ("export_model", "turn runs/a into one of those single-file models", {"format": "gguf"}),
    ("quantization_quality", "a.gguf in Q4_K_M on b.txt, windows of 512 tokens, at most 20 of them", {"windows": 20, "window": 512}),
    ("cost", "0.5 dollars an hour, 7 calls per agent task", {"requests_per_task": 7}),
    ("choose_engine", "a.gguf on windows, two of us use it", {"users": 2}),
    ("kv_cache", "Llama-3.1-8B at thirty two thousand seven hundred sixty eight tokens", {"context_length": 32768}),
    ("speculate", "our big one = a.gguf, little one = b.gguf", {"model": "a.gguf", "draft_model": "b.gguf"}),
]


@pytest.mark.parametrize(("tool", "request_", "args"), SAID)
def test_a_value_said_in_other_words(tool: str, request_: str, args: dict[str, Any], workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, [*FILES, "b.txt"])
    assert_stated(tool, request_, args, workspace, all_tools)


def drafted(request: str, workspace: Path, tools: dict[str, Tool], *steps: Any, score: float = -0.12) -> Plan:
    put_files(workspace, FILES)
    return Planner(Drafts(*steps, score=score), tools, workspace).plan(request)


def test_what_makes_the_model_that_a_later_step_needs_stays(workspace: Path, tools: dict[str, Tool]) -> None:
    """No word speaks for the training, which has no file of its own either."""
    steps = [("inspect_dataset", {"dataset": ["D1"]}), ("finetune", {"dataset": ["D1"]}), ("export_model", {})]
    plan = drafted("Die Beiträge liegen in a.jsonl. Danach hätte ich es gern als gguf", workspace, tools, *steps)
    assert used(plan) == ["inspect_dataset", "finetune", "export_model"]


def test_numbers_of_a_step_that_comes_again_are_those_of_the_first(workspace: Path, all_tools: dict[str, Tool]) -> None:
    steps = [("evaluate", {"model": ["M1"], "dataset": ["D1"]}), ("evaluate", {"model": ["M1"], "dataset": ["D1"], "limit": ["N1"]})]
    [step] = drafted("score a.gguf with a.jsonl, 120 samples", workspace, all_tools, *steps).steps
    assert step.args["limit"] == 120


def test_a_further_step_whose_argument_is_stated_is_held_against_a_sure_draft(workspace: Path, tools: dict[str, Tool]) -> None:
    step = ("inspect_dataset", {"dataset": ["D1"], "max_problems": ["N1"]})
    plan = drafted("is a.jsonl parseable at all, and if so 20 optimizer steps on it", workspace, tools, step, score=-0.04)
    assert used(plan) == ["inspect_dataset", "finetune"]
    assert plan.steps[1].args["max_steps"] == 20


def test_steps_that_both_name_in_one_order_are_no_workflow_of_another(workspace: Path, all_tools: dict[str, Tool]) -> None:
    steps = [("finetune", {"dataset": ["D1"]}), ("compare", {"dataset": ["D2"]}), ("export_model", {"format": ["gguf"]})]
    request = "fine-tune on a.jsonl, compare with the untouched model on a_test.jsonl, and export as GGUF"
    assert used(drafted(request, workspace, all_tools, *steps, score=-0.05)) == ["finetune", "compare", "export_model"]


def test_a_drafted_number_of_another_language_that_counts_something_else_does_not(workspace: Path, all_tools: dict[str, Tool]) -> None:
    step = ("finetune", {"dataset": ["D1"], "lora_rank": ["N1"]})
    step = drafted("trenuj na a.jsonl i na koniec 3 epoki", workspace, all_tools, step).steps[0]
    assert step.args.get("lora_rank") is None


@pytest.mark.parametrize(
    ("request_", "tools"),
    [
        ("read the folder notes/ so i can ask things later and then tell me where was he stationed", ["rag_index", "rag_answer"]),
        ("read the folder notes/ so that i can ask things later", ["rag_index"]),
    ],
)
def test_what_is_asked_now_and_what_is_asked_later(request_: str, tools: list[str], workspace: Path, all_tools: dict[str, Tool]) -> None:
    steps = [("rag_index", {"path": ["F1"]}), ("rag_answer", {})]
    assert used(drafted(request_, workspace, all_tools, *steps, score=-0.05)) == tools


def test_italian_for_what_is_needed_is_no_server(workspace: Path, all_tools: dict[str, Tool]) -> None:
    step = ("export_model", {"model": ["M1"], "format": ["gguf"]})
    assert used(drafted("Mi serve il modello runs/a in formato gguf", workspace, all_tools, step, score=-0.02)) == ["export_model"]


@pytest.mark.parametrize(
    ("text", "values"),
    [("twenty two hundred", [2200]), ("nineteen forty three", [19, 43]), ("two hundred in and two hundred out", [200, 200])],
)
def test_spoken_numbers(text: str, values: list[int]) -> None:
    assert [c.value for c in find_numbers(text)] == values


def test_a_name_to_save_under_in_languages_whose_small_words_are_english_ones() -> None:
    assert [c.value for c in find_output_names("zmniejsz a.gguf i zapisz do folderu maly")] == ["maly"]
    assert find_output_names("gemma-9b with 4 people. If I set it aside and do evaluation") == []
