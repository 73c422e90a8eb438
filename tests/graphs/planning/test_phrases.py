"""Turns of speech that give an argument its value, on the tools that are there; each value is proven by its place in the request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.plancheck import check
from modelwright.graphs.planning import cache_types, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.units import in_own_unit
from modelwright.models.base import Choice, Draft, DraftQuestion, DraftStep

from .conftest import put_files

REQUESTS = [
    ("benchmark", "fire 2, 5 and 10 requests per second at a.gguf", {"rate": [2, 5, 10]}),
    ("benchmark", "at which load does a.gguf collapse? find the knee", {"sweep": True}),
    ("benchmark", "time a.gguf, goal 500 ms to the first token", {"ttft_ms": 500}),
    ("benchmark", "a.gguf at 4 requests at once, objective 60 ms per output token", {"concurrency": [4], "tpot_ms": 60}),
    (
        "benchmark",
        "is a.gguf quicker than b.gguf? 256 tokens in, 128 out",
        {"prompt_tokens": 256, "output_tokens": 128, "baseline": "b.gguf"},
    ),
    ("benchmark", "throughput of a.gguf with prompt lengths drawn lognormally around 300 tokens", {"distribution": "lognormal"}),
    (
        "choose_engine",
        "which engine for a windows box with an RTX 4070, openai compatible api",
        {"needs": ["openai_api"], "system": "windows"},
    ),
    ("choose_engine", "ollama or llama.cpp for my M2 Max? no need to time anything", {"measure": False}),
    (
        "cost",
        "rented H100 for 2.40 dollars an hour, gives 1800 output tok/s",
        {"price": 2.4, "price_per": "hour", "tokens_per_second": 1800},
    ),
    ("cost", "$0.25 per million input and $1.25 per million output tokens, what a month?", {"price": 0.25, "output_price": 1.25}),
    (
        "cost",
        "the machine is $6,500, written off over three years, draws 450 watts, power at 0.28 $/kWh: price of a request?",
        {"hardware_price": 6500, "lifetime_years": 3, "power_watts": 450, "electricity_price": 0.28},
    ),
    ("cost", "on loue un H100 à 2,5 dollars de l'heure", {"price": 2.5, "price_per": "hour"}),
    ("speculate", "would b.gguf go faster if a.gguf guesses ahead? 5 tokens at a time", {"draft_model": "a.gguf", "draft_tokens": 5}),
    ("rag_index", "index notes/ as legal, chunks of 120 tokens, overlap 20", {"index": "legal", "chunk_tokens": 120, "overlap": 20}),
    ("rag_index", "index notes/, visible for the groups hr and legal only", {"access": ["hr", "legal"]}),
    ("rag_answer", "who signs? in the index hr, PDFs only, two sentences at most", {"index": "hr", "kinds": ["pdf"], "max_sentences": 2}),
    ("rag_search", "passages about fees in the index hr, ten of them, by words only", {"top_k": 10, "mode": "lexical"}),
    (
        "kv_cache",
        "the cache of a.gguf at 32k with 4 seqs, kept in q8_0, budget half a gig",
        {"dtype": "q8_0", "batch_size": 4, "memory_gib": 0.5},
    ),
    ("quantization_quality", "KL of a.gguf in Q4_0 if the KV cache is kept in q8_0", {"types": ["Q4_0"], "kv_cache_types": ["q8_0"]}),
    ("memory_fit", "can I train all weights of a.gguf with gradient checkpointing?", {"task": "full", "recompute": True}),
    ("export_model", "only the adapter by itself as gguf: runs/a", {"format": "gguf_adapter"}),
    ("evaluate", "a.gguf on a.jsonl, cut the answers at 64 tokens", {"max_new_tokens": 64}),
    ("finetune", "train on a.jsonl, eight rows a batch, watch the loss on b.jsonl", {"batch_size": 8, "eval_dataset": "b.jsonl"}),
]


class OneTool:
    """A planning model that only names the tool: every argument is found by code."""

    name = "one tool"

    def __init__(self, tool: str) -> None:
        self._tool = tool

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Any]) -> Choice:
        raise AssertionError("it drafts")

    def draft(self, question: DraftQuestion) -> Draft:
        return Draft("plan", (DraftStep(self._tool, {}),), -0.01, alternatives=((self._tool, -0.01),))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("tool", "request_", "args"), REQUESTS)
def test_what_is_said_is_filled(tool: str, request_: str, args: dict[str, Any], workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, ["a.gguf", "b.gguf", "a.jsonl", "b.jsonl", "notes/page.md", "runs/a/adapter_config.json"])
    plan = Planner(OneTool(tool), all_tools, workspace).plan(request_)
    assert plan.kind == "plan", plan.question
    check(plan, all_tools)
    assert unsupported(plan, workspace) == []
    step = next(s for s in plan.steps if s.tool == tool)
    assert {name: step.args.get(name) for name in args} == args


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [("flash_attention", "without flash attention", False), ("sweep", "no sweep please", False), ("tune", "keep the best threshold", True)],
)
def test_a_denied_flag_is_off(field: str, text: str, value: bool) -> None:
    found = phrases.flag(field, text)
    assert found
    assert (found.value, phrases.says(field, found.text, value)) == (value, True)


def test_a_number_that_only_stands_near_is_not_taken(workspace: Path, all_tools: dict[str, Tool]) -> None:
    plan = Planner(OneTool("rag_search"), all_tools, workspace).plan("passages about the budget 2024 in the index hr")
    assert "top_k" not in plan.steps[0].args


@pytest.mark.parametrize(
    ("text", "value"),
    [("a hundred and fifty rows", 150), ("two hundred and twenty-five", 225), ("three hundred ten", 310), ("two dozen prompts", 24)],
)
def test_large_numbers_in_words(text: str, value: float) -> None:
    assert [c.value for c in find_numbers(text)] == [value]


@pytest.mark.parametrize(
    ("name", "most", "text", "value"),
    [
        ("ttft_ms", None, "within 0.8 s of it", 800),
        ("ttft_ms", None, "within 250 ms", 250),
        ("ttft_ms", None, "within 250 of them", 250),
        ("timeout_seconds", None, "2 minutes", 120),
        ("timeout_seconds", None, "1500 ms", 1.5),
        ("threshold", 1.0, "at 55 %", 0.55),
        ("threshold", 1.0, "at 0.5 %", 0.5),
        ("rows", None, "55 %", 55),
    ],
)
def test_a_number_is_told_in_the_unit_of_its_argument(name: str, most: float | None, text: str, value: float) -> None:
    [number] = find_numbers(text)
    assert in_own_unit(name, most, float(number.value), text, number.end) == value


def test_groups_are_all_that_are_listed() -> None:
    assert [c.value for c in phrases.captured("groups", "I'm in the groups hr and board, so I may see it")] == ["hr", "board"]
    assert [c.value for c in phrases.captured("groups", "as a member of lawyers, search it")] == ["lawyers"]


def test_an_expression_ends_before_the_end_of_its_sentence() -> None:
    text = "replies have to match [A-Z][0-9]{2}[.][0-9]. How often?"
    assert [c.value for c in phrases.captured("pattern", text)] == ["[A-Z][0-9]{2}[.][0-9]"]


@pytest.mark.parametrize("text", ["the KV cache of models/a-f16.gguf as Q8_0", "a Q8_0 cache"])
def test_a_type_beside_the_cache_is_the_caches(text: str) -> None:
    assert cache_types.is_one(Candidate("quant", "Q8_0", text.index("Q8_0"), text.index("Q8_0") + 4, "Q8_0"), text)
    assert not cache_types.is_one(Candidate("quant", "Q8_0", 0, 4, "Q8_0"), "Q8_0 of it; what of the cache?")
