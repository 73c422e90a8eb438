"""Patterns, filled and joined."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from modelwright.agent.planner_training.patterns import Pattern, fill, joined, learnt, read
from modelwright.agent.planner_training.values import LISTS, Values
from modelwright.errors import DataError
from modelwright.graphs.planning import candidates
from modelwright.models.adapter import FOLDER

TRAIN = Pattern(
    "Teach {m} from {d}.", "plan", [{"tool": "finetune", "args": {"model": "{m}", "dataset": "{d}"}}], {"m": "model", "d": "dataset"}
)
SHRINK = Pattern(
    "Get {m} down to {q}", "plan", [{"tool": "quantize", "args": {"model": "{m}", "types": ["{q}"]}}], {"m": "gguf", "q": "quant"}
)


def test_every_pattern_of_the_project_is_read() -> None:
    patterns = read(FOLDER / "patterns.jsonl")
    assert len(patterns) > 1000
    assert {pattern.kind for pattern in patterns} == {"plan", "question", "none"}


@pytest.mark.parametrize(
    "line", ["{", "{}", '{"request": "a {d}", "steps": []}', '{"request": "a", "steps": [], "slots": {"d": "dataset"}}']
)
def test_a_line_that_is_no_pattern_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"request": "hi", "kind": "none", "steps": []}\n' + line + "\n")
    with pytest.raises(DataError, match=r"p\.jsonl:2"):
        read(file)


def test_tools_with_many_patterns_are_learnt_by_heart() -> None:
    assert learnt([TRAIN] * 20 + [SHRINK] * 19) == {"finetune"}
    assert {"finetune", "quantize", "serve", "rag_answer", "kv_cache"} <= learnt(read(FOLDER / "patterns.jsonl"))


def test_a_filled_pattern_knows_where_its_values_stand(tmp_path: Path) -> None:
    twice = Pattern("is {m} better than {m}'s base on {d}", slots={"m": "gguf", "d": "dataset"})
    filled = fill(twice, Values(random.Random(1), tmp_path))
    first, second = (filled.request[start:end] for start, end in filled.places["m"])
    assert first == second
    assert first.strip("'`\"").endswith(".gguf")
    assert filled.request == f"is {first} better than {first}'s base on {filled.values('dataset')[0]}"


@pytest.mark.parametrize("kind", ["model", "gguf", "dataset", "folder", "text_file", "output", "small_int", *LISTS])
def test_values_are_seen_by_the_planners_own_finder(tmp_path: Path, kind: str) -> None:
    """Nearly all: an index is a bare word, which only the words around it tell."""
    chance, seen = random.Random(5), 0
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        value = Values(chance, folder).of(kind)
        text = f"please use {value} gb now" if kind == "gib" else f"please use {value} now"
        found = candidates.find(text, folder)
        seen += any(c.start < 11 + len(value) and c.end > 11 for c in found)
    assert seen >= (0 if kind == "index" else 36)


def test_two_requests_are_joined_and_the_second_speaks_of_what_the_first_made() -> None:
    both = [joined(TRAIN, SHRINK, random.Random(seed)) for seed in range(40)]
    referring = [pattern for pattern in both if pattern.steps[1]["args"]["model"] == "$1"]
    assert 10 < len(referring) < 35
    assert all(set(p.slots) == ({"m", "d", "qb"} if p in referring else {"m", "d", "mb", "qb"}) for p in both)
    assert all(p.tools == ("finetune", "quantize") for p in both)
    assert all(f"{{{slot}}}" in p.request for p in both for slot in p.slots)


def test_references_of_the_second_are_counted_on() -> None:
    second = Pattern(
        "{a} b", "plan", [{"tool": "finetune", "args": {"dataset": "{a}"}}, {"tool": "quantize", "args": {"model": "$1"}}], {"a": "dataset"}
    )
    result = joined(SHRINK, second, random.Random(0))
    assert json.dumps(result.steps[2]["args"]) == '{"model": "$2"}'
    assert result.steps[1]["args"] == {"dataset": "{ab}"}
