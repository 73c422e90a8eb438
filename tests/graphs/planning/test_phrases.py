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
    ("benchmark", "time a.gguf, the first token must not come later than 300 ms", {"ttft_ms": 300}),
    (
        "benchmark",
        "speed of a.gguf with 2, 6 and 12 students typing at once; prompts have around 400 toks, answers run to 90 toks",
        {"concurrency": [2, 6, 12], "prompt_tokens": 400, "output_tokens": 90},
    ),
    (
        "choose_engine",
        "which engine sits inside our own desktop app? 30 people write to it at the same time",
        {"needs": ["in_process"], "users": 30},
    ),
    ("cost", "a server 7000 dollars, kept for 4 years, 300 W, 0.2 a kWh: what does one request cost?", {"hardware_price": 7000}),
    ("evaluate", "bewerte a.gguf auf a.jsonl, exakte Übereinstimmung, antworten dürfen up to 64 toks", {"metrics": ["exact_match"]}),
    (
        "evaluate",
        "score a.gguf on a.jsonl, em and bleu, replies may have up to 80 toks",
        {"metrics": ["exact_match", "bleu"], "max_new_tokens": 80},
    ),
    ("finetune", "full weights, two epochs over a.jsonl", {"method": "full", "epochs": 2}),
    ("evaluate_retrieval", "measure the search of the index hr with a.jsonl and use whichever setting scores best", {"tune": True}),
    ("rag_answer", "Tom belongs to the group sales and sees just that. who signs? in the index hr", {"groups": ["sales"]}),
    ("rag_search", "search the index hr for 'night shift', plain keywords, without vectors", {"mode": "lexical", "query": "night shift"}),
    ("memory_fit", "six teachers, 4k each, does a.gguf fit into 12 GiB?", {"batch_size": 6, "context_length": 4096}),
    ("memory_fit", "passt lora von a.gguf mit Batchgröße 4 in 12 GiB?", {"batch_size": 4}),
    ("rag_index", "re-index notes/ into manuals, please", {"index": "manuals", "path": "notes/"}),
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
    ("cost", "800 calls daily, 2 dollars per million for input and 6 for output, what is it?", {"price": 2, "output_price": 6}),
    ("cost", "à 0,5 euro le million en entrée et 1.5 le million en sortie, quel coût ?", {"price": 0.5, "output_price": 1.5}),
    ("cost", "what at $2 in / $8 out per million, with 700 tokens in and 90 out each?", {"input_tokens": 700, "output_tokens": 90}),
    ("cost", "we want a workstation. It costs 3100 dollars and serves 900 calls a day", {"hardware_price": 3100}),
    ("cost", "the box at $1.90 an hour writes 700 output tokens a second", {"price": 1.9, "tokens_per_second": 700, "output_price": None}),
    ("cost", "on a card at $2 an hour, what if 97% of the replies must stay in time?", {"good_share": 0.97}),
    ("benchmark", "a.gguf: aim at 4 seconds for each request end to end", {"e2e_ms": 4000}),
    ("benchmark", "time a.gguf with 0.5, 1 and 4 calls per second for our 9000 requests a day", {"rate": [0.5, 1, 4], "requests": None}),
    ("benchmark", "an open load of 3 per second against a.gguf", {"model": "a.gguf", "rate": [3], "baseline": None}),
    ("benchmark", "A/B the speed of a.gguf, b.gguf is the baseline", {"model": "a.gguf", "baseline": "b.gguf"}),
    ("benchmark", "wie schnell ist a.gguf bei fünf gleichzeitigen Anfragen?", {"concurrency": [5]}),
    ("benchmark", "bench a.gguf, conc 2/8, 256 in -> 64 out", {"concurrency": [2, 8], "prompt_tokens": 256}),
    ("finetune", "train builtin on a.jsonl, every weight and no lora", {"method": "full"}),
    ("finetune", "lora on builtin with a.jsonl (3 ep), bsz 2", {"method": "lora", "epochs": 3, "batch_size": 2}),
    ("finetune", "train on a.jsonl and put b.jsonl aside for the loss", {"dataset": "a.jsonl", "eval_dataset": "b.jsonl"}),
    ("finetune", "train on a.jsonl; b.jsonl is held back for the loss", {"dataset": "a.jsonl", "eval_dataset": "b.jsonl"}),
    ("export_model", "runs/a: give me the adapter on its own as gguf, do not merge it", {"format": "gguf_adapter"}),
    ("evaluate", "a.gguf on a.jsonl: how often does it match the regex 'K-[0-9]{3}'", {"pattern": "K-[0-9]{3}", "limit": None}),
    ("speculate", "does a.gguf gain with b.gguf as draft, 7 guessed tokens?", {"draft_tokens": 7, "draft_model": "b.gguf"}),
    ("kv_cache", "how many 4k conversations does a.gguf hold in 6 GiB?", {"context_length": 4096, "batch_size": None}),
    ("kv_cache", "the cache of a.gguf with q8_0 keys and q5_1 values", {"dtype": "q8_0", "dtype_v": "q5_1"}),
    ("quantization_quality", "what does a q5_1 or a q8_0 KV cache lose for a.gguf", {"kv_cache_types": ["q5_1", "q8_0"], "types": None}),
    ("rag_index", "index notes/page.md under wiki, at most 200 tokens per piece with 20 overlap", {"index": "wiki", "chunk_tokens": 200}),
    ("rag_index", "index notes/page.md as wiki & look for errors", {"index": "wiki"}),
    (
        "rag_answer",
        "ask the index kb whether bikes may be left inside. cite it",
        {"index": "kb", "question": "whether bikes may be left inside"},
    ),
    ("rag_answer", "index kb, answer as someone of board: who signs?", {"groups": ["board"], "question": "who signs?"}),
    ("evaluate_retrieval", "index kb with the questions a.jsonl, store the best fusion for it", {"dataset": "a.jsonl", "tune": True}),
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


def assert_stated(tool: str, request: str, args: dict[str, Any], workspace: Path, tools: dict[str, Tool]) -> None:
    """That the request gives the tool these values, each proved by its source."""
    plan = Planner(OneTool(tool), tools, workspace).plan(request)
    assert plan.kind == "plan", plan.question
    check(plan, tools)
    assert unsupported(plan, workspace) == []
    step = next(s for s in plan.steps if s.tool == tool)
    assert {name: step.args.get(name) for name in args} == args


@pytest.mark.parametrize(("tool", "request_", "args"), REQUESTS)
def test_what_is_said_is_filled(tool: str, request_: str, args: dict[str, Any], workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, ["a.gguf", "b.gguf", "a.jsonl", "b.jsonl", "notes/page.md", "runs/a/adapter_config.json"])
    assert_stated(tool, request_, args, workspace, all_tools)


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
