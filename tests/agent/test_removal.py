"""Values that are to go: out of a list, or for another in their place; and whose step a value is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.followups import corrections
from modelwright.agent.followups.corrections import Change, Unclear
from modelwright.types import Plan, Step

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def files(workspace: Path) -> None:
    row = json.dumps({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})
    for name in ("train.jsonl", "eval.jsonl"):
        (workspace / name).write_text(row + "\n", encoding="utf-8")
    for name in ("a.gguf", "b.gguf", "c.gguf"):
        (workspace / name).write_bytes(b"GGUF")


def plan(*steps: tuple[str, Json]) -> Plan:
    return Plan(steps=[Step(id=f"s{n}", tool=tool, args=args) for n, (tool, args) in enumerate(steps, 1)])


def quantize(*types: str) -> Plan:
    export = ("export_model", {"model": "builtin", "format": "gguf"})
    return plan(export, ("quantize", {"model": "$s1.model", "types": list(types)}))


@pytest.mark.parametrize(
    ("said", "had", "has"),
    [
        ("without Q5_K_M", "Q3_K_M Q4_K_M Q5_K_M", "Q3_K_M Q4_K_M"),
        ("drop Q3_K_M", "Q4_K_M Q3_K_M", "Q4_K_M"),
        ("remove Q4_K_M please", "Q4_K_M Q8_0", "Q8_0"),
        ("drop the type Q4_K_M", "Q4_K_M Q8_0", "Q8_0"),
        ("no Q4_K_M", "Q4_K_M Q8_0", "Q8_0"),
        ("leave Q4_K_M out", "Q4_K_M Q8_0", "Q8_0"),
        ("I don't need Q4_K_M", "Q4_K_M Q8_0", "Q8_0"),
        ("all but Q4_K_M", "Q4_K_M Q8_0", "Q8_0"),
        ("drop Q4_K_M and Q8_0", "Q4_K_M Q8_0 Q6_K", "Q6_K"),
        ("without Q4_K_M, Q8_0", "Q4_K_M Q8_0 Q6_K", "Q6_K"),
        ("ohne Q4_K_M", "Q4_K_M Q8_0", "Q8_0"),
        ("sin Q4_K_M", "Q4_K_M Q8_0", "Q8_0"),
        ("actually use Q5_K_M instead of Q4_K_M", "Q4_K_M Q8_0", "Q5_K_M Q8_0"),
        ("instead of Q4_K_M, Q5_K_M", "Q4_K_M Q8_0", "Q5_K_M Q8_0"),
        ("replace Q6_K with Q3_K_M", "Q6_K Q5_K_M", "Q3_K_M Q5_K_M"),
        ("replace Q5_K_M by Q3_K_M", "Q6_K Q5_K_M", "Q6_K Q3_K_M"),
        ("change Q6_K to Q3_K_M", "Q6_K Q5_K_M", "Q3_K_M Q5_K_M"),
        ("swap Q6_K for Q3_K_M", "Q6_K Q5_K_M", "Q3_K_M Q5_K_M"),
        ("switch from Q6_K to Q3_K_M", "Q6_K Q5_K_M", "Q3_K_M Q5_K_M"),
        ("not Q6_K but Q3_K_M", "Q6_K Q5_K_M", "Q3_K_M Q5_K_M"),
        ("drop Q6_K and add Q8_0", "Q6_K Q5_K_M", "Q8_0 Q5_K_M"),
        ("only Q5_K_M, no Q6_K", "Q6_K Q4_K_M Q5_K_M", "Q5_K_M"),
        ("no, Q6_K", "Q4_K_M Q8_0", "Q6_K"),
        ("also Q8_0 please", "Q4_K_M", "Q4_K_M Q8_0"),
        ("also Q8_0", "Q4_K_M", "Q4_K_M Q8_0"),
        ("make it Q4_K_M and Q8_0", "Q6_K", "Q4_K_M Q8_0"),
    ],
)
def test_only_the_named_types_go_or_come(said: str, had: str, has: str, workspace: Path) -> None:
    assert corrections.read(said, quantize(*had.split()), workspace) == Change({"s2": {"types": has.split()}})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("drop Q6_K", r"Q6_K is not among the types of s2 quantize \(Q4_K_M, Q8_0\), so nothing is changed"),
        ("replace Q6_K with Q3_K_M", "Q6_K is not among the types"),
        ("no Q6_K", "Q6_K is not among the types"),
        ("without Q4_K_M and Q8_0", "leave nothing in types of s2 quantize, which needs at least 1"),
    ],
)
def test_what_cannot_be_taken_out_is_told_and_changes_nothing(said: str, why: str, workspace: Path) -> None:
    found = corrections.read(said, quantize("Q4_K_M", "Q8_0"), workspace)
    assert isinstance(found, Unclear), found
    assert re.search(why, found.why), found.why


def test_a_model_goes_out_of_a_comparison_that_keeps_two(workspace: Path) -> None:
    three = plan(("compare", {"models": ["a.gguf", "b.gguf", "c.gguf"], "dataset": "eval.jsonl"}))
    assert corrections.read("without b.gguf", three, workspace) == Change({"s1": {"models": ["a.gguf", "c.gguf"]}})
    two = plan(("compare", {"models": ["a.gguf", "b.gguf"], "dataset": "eval.jsonl"}))
    found = corrections.read("without b.gguf", two, workspace)
    assert isinstance(found, Unclear)
    assert "needs at least 2" in found.why


def test_an_export_is_stored_otherwise_only_by_its_own_words(workspace: Path) -> None:
    assert corrections.read("export in f16", quantize("Q8_0"), workspace) == Change({"s1": {"dtype": "f16"}})
    both = corrections.read("keep Q8_0 too, and export in f16", quantize("Q4_K_M"), workspace)
    assert both == Change({"s1": {"dtype": "f16"}, "s2": {"types": ["Q4_K_M", "Q8_0"]}})
    alone = plan(("export_model", {"model": "builtin", "format": "gguf"}))
    assert corrections.read("use q8_0", alone, workspace) == Change({"s1": {"dtype": "q8_0"}})


def test_keys_and_values_in_the_same_format_change_together(workspace: Path) -> None:
    same = plan(("kv_cache", {"model": "llama-3.1-8b", "dtype": "q8_0", "dtype_v": "q8_0"}))
    assert corrections.read("and at f16", same, workspace) == Change({"s1": {"dtype": "f16", "dtype_v": "f16"}})
    assert corrections.read("q4_0", same, workspace) == Change({"s1": {"dtype": "q4_0", "dtype_v": "q4_0"}})
    assert corrections.read("values in q5_1", same, workspace) == Change({"s1": {"dtype_v": "q5_1"}})
    apart = plan(("kv_cache", {"model": "llama-3.1-8b", "dtype": "q8_0", "dtype_v": "q5_1"}))
    assert corrections.read("and at f16", apart, workspace) == Change({"s1": {"dtype": "f16"}})


def test_words_for_one_step_change_no_other(workspace: Path) -> None:
    tune = ("finetune", {"model": "builtin", "dataset": "train.jsonl"})
    pair = plan(tune, ("compare", {"models": ["builtin", "$s1.model"], "dataset": "eval.jsonl"}))
    found = corrections.read("only train on 16 rows", pair, workspace)
    assert isinstance(found, Unclear), found
    assert "s1 finetune takes nothing of the kind" in found.why
    assert corrections.read("compare on 16 rows", pair, workspace) == Change({"s2": {"limit": 16}})
    assert corrections.read("only 16 rows", pair, workspace) == Change({"s2": {"limit": 16}})


@pytest.mark.parametrize("said", ["not 3 epochs but 5", "5 epochs instead of 3"])
def test_a_number_in_place_of_another_is_for_the_same(said: str, workspace: Path) -> None:
    tune = plan(("finetune", {"model": "builtin", "dataset": "train.jsonl", "epochs": 3}))
    assert corrections.read(said, tune, workspace) == Change({"s1": {"epochs": 5}})


def test_types_of_the_cache_and_of_weights_are_two_lists(workspace: Path) -> None:
    lists = plan(("quantization_quality", {"model": "a.gguf", "types": ["Q8_0", "Q4_K_M"], "kv_cache_types": ["q8_0", "q4_0"]}))
    assert corrections.read("without the q4_0 cache", lists, workspace) == Change({"s1": {"kv_cache_types": ["q8_0"]}})
    assert corrections.read("without Q8_0", lists, workspace) == Change({"s1": {"types": ["Q4_K_M"]}})


@pytest.mark.parametrize(("said", "length"), [("and at 32k?", 32768), ("what about 64k?", 65536), ("with 2048 tokens", 2048)])
def test_a_length_needs_no_name(said: str, length: int, workspace: Path) -> None:
    cache = plan(("kv_cache", {"model": "llama-3.1-8b", "context_length": 8192}))
    assert corrections.read(said, cache, workspace) == Change({"s1": {"context_length": length}})
