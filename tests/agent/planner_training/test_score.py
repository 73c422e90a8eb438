"""What of a case a draft can hold, and what a draft comes to as a plan."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import pytest

from modelwright.agent.planner_training import score
from modelwright.agent.planner_training.card import card
from modelwright.agent.planner_training.toys import project_tools
from modelwright.contract import Tool
from modelwright.models import compact
from modelwright.models.adapter import FOLDER, Adapter
from modelwright.models.base import Draft, DraftQuestion
from modelwright.models.builtin import BuiltinModel

CASE = {
    "id": "x1",
    "request": 'quantize "my model.gguf" to q4km',
    "kind": "plan",
    "tools": ["quantize"],
    "args": {"quantize": {"model": "my model.gguf", "types": ["Q4_K_M"]}},
}


class Says:
    """A model that always drafts the same text."""

    tuned_tools = frozenset({"quantize", "finetune"})

    def __init__(self, text: str) -> None:
        self._text = text

    def draft(self, question: DraftQuestion) -> Draft:
        return dataclasses.replace(compact.parse(self._text, question), seconds=0.1)


@pytest.fixture(scope="module")
def tools() -> dict[str, Tool]:
    return project_tools()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("quantize model=M1 types=Q1", (True, True, True)),
        ("quantize model=M1", (True, True, False)),
        ("finetune model=M1", (False, False, False)),
        ("none", (False, False, False)),
    ],
)
def test_a_draft_is_right_in_kind_tools_and_arguments(tools: dict[str, Tool], text: str, right: tuple[bool, ...]) -> None:
    outcome = score.outcomes(cast(BuiltinModel, Says(text)), [CASE], tools)[0]
    assert (outcome.kind, outcome.tools, outcome.args) == right
    assert bool(outcome.problem) is not all(right)


def test_a_first_step_without_what_it_needs_is_a_question(tools: dict[str, Tool]) -> None:
    case = {"id": "x", "request": "train builtin", "kind": "question"}
    assert score.outcomes(cast(BuiltinModel, Says("finetune model=M1")), [case], tools)[0].kind


def test_words_of_the_request_are_not_expected_of_a_draft(tools: dict[str, Tool]) -> None:
    case = {"args": {"rag_answer": {"question": "which port", "index": "kb"}}}
    assert score.expectation(case, tools)["args"] == {"rag_answer": {"index": "kb"}}


def test_the_record_names_the_adapter_and_the_card_tells_it(tools: dict[str, Tool], tmp_path: Path) -> None:
    file, held_out = tmp_path / "adapter.gguf", tmp_path / "held_out.jsonl"
    file.write_bytes(b"weights")
    held_out.write_text(json.dumps(CASE) + "\n")
    cases = [{**CASE, "id": f"x{n}"} for n in range(30)]
    tuned = score.outcomes(cast(BuiltinModel, Says("quantize model=M1 types=Q1")), cases, tools)
    untuned = score.outcomes(cast(BuiltinModel, Says("none")), cases[::2], tools)
    record = score.record(Adapter(file, frozenset({"quantize"})), tuned, untuned, cases, held_out)
    assert record["paired"]["gain"] == 1
    assert record["paired"]["rows"] == record["untuned"]["rows"] == 15
    assert record["paired"]["interval"][0] > 0
    assert record["wrong"] == []
    recipe: dict[str, Any] = {
        "finetune": {"epochs": 1, "lora_rank": 16, "batch_size": 8, "learning_rate": 1e-3},
        "seed": 7,
        "patterns": {"a.jsonl": 1, "b.jsonl": 2},
    }
    text = card(record, recipe, {"kept": 100})
    assert record["adapter"]["sha256"] in text
    assert "| right tools, of plans | 30 of 30 (100%) | 0 of 15 (0%) |" in text


def test_the_held_out_requests_name_known_tools(tools: dict[str, Tool]) -> None:
    cases = score.read_cases(FOLDER / "held_out.jsonl")
    names = {name.rstrip("?") for case in cases for text in case.get("tools", ()) for name in text.split("|")}
    assert len(cases) >= 100
    assert names <= set(tools)
