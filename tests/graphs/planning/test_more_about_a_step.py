"""Steps that say more about the one before, values that are said in other words, and names that stand behind the word for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.nouns import find_indexes, find_output_names
from modelwright.tools import load_all
from modelwright.types import Json

from .test_arguments import Drafts, plan_of

SURE, DOUBTFUL = -0.02, -0.29
Steps = Sequence[tuple[str, Mapping[str, Sequence[str]]]]


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


def planned(request: str, drafted: Steps, workspace: Path, tools: Mapping[str, Tool], score: float = SURE, **beside: float) -> list[Json]:
    plan = plan_of(request, workspace, tools, Drafts(*drafted, score=score, **beside))
    assert plan.kind == "plan", plan
    return [{"tool": step.tool, **step.args} for step in plan.steps]


def test_a_step_without_a_word_whose_values_suit_the_one_before_says_more_about_that(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "Think branch prediction: m.gguf guesses 6 tokens ahead, n.gguf checks them. Is it quicker? My prompts are in a.jsonl"
    drafted = [("speculate", {"model": ["M1"], "draft_tokens": ["N1"]}), ("choose_engine", {"model": ["M2"]})]
    assert [step["tool"] for step in planned(request, drafted, workspace, installed)] == ["speculate"]


@pytest.mark.parametrize(
    ("request_", "drafted"),
    [
        ("ordne notes/ ein und sag dann, wer den Schlüssel hat", ["rag_index", "rag_answer"]),  # it asks the index that is made
        ("Make a Q4_0 of m.gguf and clock that one", ["quantize", "benchmark"]),  # it uses the model that is made
        ("Sprawdź a.jsonl, a potem ucz na nim model", ["inspect_dataset", "finetune"]),  # it learns from what was looked at
    ],
)
def test_a_step_without_a_word_that_goes_on_with_what_came_out_stays(
    request_: str, drafted: Sequence[str], workspace: Path, installed: dict[str, Tool]
) -> None:
    assert [step["tool"] for step in planned(request_, [(tool, {}) for tool in drafted], workspace, installed)] == list(drafted)


def test_no_step_is_planned_that_no_word_speaks_for_and_that_takes_none_of_the_values(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "18650 with 3400 mAh, node draws 85 mA on average, buck is 88% efficient. hours of runtime?"
    draft = Drafts(("cost", {"requests_per_day": ["N1"], "power_watts": ["N2"]}), score=DOUBTFUL, none=-4.0)
    assert plan_of(request, workspace, installed, draft).kind == "none"


def test_what_quantizing_costs_is_measured_on_answers_too_where_each_ones_score_is_wanted(
    workspace: Path, installed: dict[str, Tool]
) -> None:
    request = "the quality loss of Q8_0 and Q4_K_M of m.gguf vs the original, plus each one's ROUGE-L on a.jsonl"
    drafted = [
        ("quantization_quality", {"model": ["M1"], "types": ["Q1", "Q2"]}),
        ("evaluate", {"metrics": ["rouge_l"], "dataset": ["D1"]}),
    ]
    (step,) = planned(request, drafted, workspace, installed)
    assert (step["tool"], step["eval_dataset"], step["metrics"]) == ("quantization_quality", "a.jsonl", ["rouge_l"])


@pytest.mark.parametrize(
    ("request_", "drafted", "wanted"),
    [
        (
            "can't name it, but it has 48 layers, 8 kv heads, head dim 128 at 8k. How big is the kv cache?",
            ("kv_cache", {"layers": ["N1"], "kv_heads": ["N2"], "head_dim": ["N3"]}),
            {"layers": 48, "gpu_memory_utilization": None},
        ),
        (
            "the power bill for 200 questions a day if the pc pulls 250 watts and I pay 31 cents per kwh?",
            ("cost", {"requests_per_day": ["N1"], "power_watts": ["N2"], "electricity_price": ["C1"]}),
            {"requests_per_day": 200, "power_watts": 250, "electricity_price": 0.31},
        ),
        (
            "A/B latency of openai:http://10.0.3.4:8000/v1#new, baseline openai:http://10.0.3.4:8000/v1#old",
            ("benchmark", {"model": ["M1"], "baseline": ["M2"]}),
            {"model": "openai:http://10.0.3.4:8000/v1#new", "baseline": "openai:http://10.0.3.4:8000/v1#old"},
        ),
        ("how fast is m.gguf, prompt cache switched on?", ("benchmark", {"model": ["M1"]}), {"prefix_cache": "on"}),
        (
            "Hur snabbt svarar m.gguf? 300 token in och 150 ut.",
            ("benchmark", {"model": ["M1"]}),
            {"prompt_tokens": 300, "output_tokens": 150},
        ),
        (
            "how fast is m.gguf with answers of 80 tokens, it has to start to answer before 1 second",
            ("benchmark", {"model": ["M1"], "output_tokens": ["N1"]}),
            {"ttft_ms": 1000},
        ),
        (
            "where in the index hr is leave mentioned? only out of pdfs",
            ("rag_search", {"index": ["X1"]}),
            {"kinds": ["pdf"]},
        ),
        (
            'Search "low flow" in the index pumps, by the meaning only',
            ("rag_search", {"index": ["X1"]}),
            {"mode": "dense", "query": "low flow"},
        ),
        ("serch the index lore for dragon weaknesess", ("rag_search", {"index": ["X1"]}), {"query": "dragon weaknesess"}),
        (
            "Find de afsnit i indekset service, der handler om batteriskift",
            ("rag_search", {"index": ["X1"]}),
            {"query": "batteriskift", "index": "service"},
        ),
        (
            'put this to the index policies, two sentences at the most: "How long are loans kept?"',
            ("rag_answer", {"index": ["X1"]}),
            {"question": "How long are loans kept?", "max_sentences": 2},
        ),
        (
            "fine-tune all of its weights on a.jsonl for one epoch",
            ("finetune", {"dataset": ["D1"], "epochs": ["N1"]}),
            {"method": "full", "epochs": 1},
        ),
        (
            "Merge m.gguf's adapter ad/ to HF folder dist/merged, bf16",
            ("export_model", {"model": ["M1"], "format": ["hf"]}),
            {"output": "dist/merged"},
        ),
        (
            "make me from builtin a Hugging Face folder in bf16, under the name builtin_hf.",
            ("export_model", {"model": ["M1"], "format": ["hf"]}),
            {"output": "builtin_hf"},
        ),
        (
            "train it on a.jsonl. Keep it small, rank 8, and leave the outcome in a folder desk-adapter.",
            ("finetune", {"dataset": ["D1"], "lora_rank": ["N1"]}),
            {"output": "desk-adapter"},
        ),
    ],
)
def test_the_value_is_the_one_that_is_said(
    request_: str, drafted: tuple[str, Mapping[str, Sequence[str]]], wanted: Json, workspace: Path, installed: dict[str, Tool]
) -> None:
    step = planned(request_, [drafted], workspace, installed)[0]
    assert {name: step.get(name) for name in wanted} == wanted


def test_who_is_in_both_groups_reads_as_both(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "Index notes/ as policies, access risk and audit only. Measure the search with a.jsonl, reader in both groups."
    drafted = [("rag_index", {"path": ["F1"], "index": ["X1"]}), ("evaluate_retrieval", {"dataset": ["D1"]})]
    made, measured = planned(request, drafted, workspace, installed)
    assert made["access"] == measured["groups"] == ["risk", "audit"]


def test_after_that_opens_no_condition_where_a_command_follows(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "Find the knee of m.gguf. After calculate what it costs with 3000 requests the day at 0.22 dollars per kWh."
    drafted = [("benchmark", {"model": ["M1"]}), ("cost", {"electricity_price": ["C1"]})]
    made = planned(request, drafted, workspace, installed)
    assert [step["tool"] for step in made] == ["benchmark", "cost"]
    assert made[1]["requests_per_day"] == 3000


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("læg notes/ ind i et indeks der hedder artikler", ["artikler"]),
        ("læg dem ind i et indeks, der hedder service?", ["service"]),
        ("our oral history index (it is called oralhist) holds it", ["oralhist"]),
        ("je voudrais poser une question à mon index « these ».", ["these"]),
        ("der Index der Firma ist alt", []),
    ],
)
def test_the_name_of_an_index_stands_behind_the_word_for_it(text: str, names: list[str]) -> None:
    assert [c.value for c in find_indexes(text)] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("keep it small, rank 8", []),
        ("make it a Q5_K_M and put that in the folder small", ["small"]),
        ("e metti i file nella cartella flash_img che poi li copio io", ["flash_img"]),
    ],
)
def test_an_adjective_is_a_name_only_behind_a_word_for_a_folder(text: str, names: list[str]) -> None:
    assert sorted({c.value for c in find_output_names(text)}) == names
