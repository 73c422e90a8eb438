from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning import candidates, clauses, intents
from modelwright.graphs.planning.stems import nearly, same, slips

from .conftest import put_files


def tools_of(text: str, workspace: Path, tools: dict[str, Tool]) -> list[str]:
    put_files(workspace, ["a.jsonl", "b.jsonl", "m.gguf"])
    tokens = clauses.read(text, candidates.find(text, workspace))
    return [intent.tool for intent in intents.find(clauses.split(tokens), tools)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("check a.jsonl", ["inspect_dataset"]),
        ("check how good m.gguf is on a.jsonl", ["evaluate"]),
        ("fine-tune builtin with rank 8, 3 epochs and lora", ["finetune"]),
        ("inspect a.jsonl and train on it", ["inspect_dataset", "finetune"]),
        ("evaluate m.gguf after training it", ["finetune", "evaluate"]),
        ("before you train on a.jsonl, inspect it", ["inspect_dataset", "finetune"]),
        ("train on a.jsonl, but first inspect it", ["inspect_dataset", "finetune"]),
        ("don't train, inspect a.jsonl", ["inspect_dataset"]),
        ("inspect a.jsonl instead of training on it", ["inspect_dataset"]),
        ("evaluate the tuned model on a.jsonl", ["evaluate"]),
        ("evaluate m.gguf on the training data", ["evaluate"]),
        ("I trained m.gguf, evaluate it on a.jsonl", ["evaluate"]),
        ("test m.gguf and builtin on a.jsonl and tell me which is better", ["compare"]),
    ],
)
def test_clauses_and_their_tools(workspace: Path, tools: dict[str, Tool], text: str, expected: list[str]) -> None:
    assert [tool for tool in tools_of(text, workspace, tools) if tool] == expected


def test_a_tool_without_cues_is_known_by_its_name_and_keywords(workspace: Path, tools: dict[str, Tool]) -> None:
    from dataclasses import replace

    other = replace(tools["evaluate"], name="count_sheep", keywords=("sheep", "wool"))
    assert tools_of("count sheep", workspace, {**tools, "count_sheep": other}) == ["count_sheep"]
    assert tools_of("what about the wool", workspace, {**tools, "count_sheep": other}) == ["count_sheep"]


def test_a_capability_of_another_tool_is_not_taken_for_ours(workspace: Path, tools: dict[str, Tool]) -> None:
    assert tools_of("DPO on a.jsonl", workspace, tools) == ["elsewhere:align"]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("quantizing", "quantize"),
        ("quantised", "quantize"),
        ("tuning", "tune"),
        ("rows", "row"),
        ("compares", "compare"),
        ("shrinking", "shrink"),
    ],
)
def test_forms_of_a_word_are_the_same(a: str, b: str) -> None:
    assert same(a, b)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("finetun", "finetune"),
        ("comapre", "compare"),
        ("evalute", "evaluate"),
        ("qantize", "quantize"),
        ("trian", "train"),
        ("exporrt", "export"),
    ],
)
def test_one_slip_is_forgiven(typed: str, meant: str) -> None:
    assert nearly(typed, meant)


@pytest.mark.parametrize(
    ("typed", "meant"), [("brain", "train"), ("expert", "export"), ("rain", "train"), ("company", "compare"), ("store", "score")]
)
def test_other_words_are_not_slips(typed: str, meant: str) -> None:
    assert not nearly(typed, meant)


@pytest.mark.parametrize(
    ("a", "b", "count"), [("abcd", "abcd", 0), ("abcd", "abdc", 1), ("abcd", "abc", 1), ("abcd", "xbcy", 2), ("ab", "abcdef", 9)]
)
def test_slips_are_counted(a: str, b: str, count: int) -> None:
    assert slips(a, b) == count
