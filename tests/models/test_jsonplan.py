from __future__ import annotations

import json
from typing import Any

import pytest

from modelwright.models import jsonplan
from modelwright.models.base import DraftStep
from modelwright.models.jsonplan import NotADraft, read_choice, read_draft
from tests.models.questions import TWO_TOOLS

GOOD = {"kind": "plan", "steps": [{"tool": "finetune", "fields": {"model": ["M1"], "dataset": ["D1"], "epochs": [], "method": ["lora"]}}]}
READ = (DraftStep("finetune", {"model": ["M1"], "dataset": ["D1"], "method": ["lora"]}),)


def test_the_schema_is_closed_and_holds_only_what_the_question_holds() -> None:
    schema = jsonplan.draft_schema(TWO_TOOLS)
    finetune, quantize = schema["properties"]["steps"]["items"]["anyOf"]
    assert finetune["properties"]["tool"] == {"enum": ["finetune"]}
    fields = finetune["properties"]["fields"]
    assert fields["properties"]["dataset"]["items"]["enum"] == ["D1"]
    assert fields["properties"]["method"]["items"]["enum"] == ["lora", "full"]
    assert fields["required"] == ["model", "dataset", "epochs", "method"]
    assert "types" not in quantize["properties"]["fields"]["properties"]  # no slot can fill it

    def closed(part: Any) -> bool:
        if isinstance(part, list):
            return all(map(closed, part))
        if not isinstance(part, dict):
            return True
        return part.get("type") != "object" or (part["additionalProperties"] is False and all(map(closed, part.values())))

    assert closed(schema)


def test_the_prompt_names_what_is_needed_and_not_there() -> None:
    system, user = jsonplan.draft_messages(TWO_TOOLS)
    assert TWO_TOOLS.masked in user["content"]
    assert "model (needed): one of M1" in user["content"]
    assert len(jsonplan.PROMPT_VERSION) == 12
    assert system["content"] == jsonplan.SYSTEM


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        f"Sure! Here is the plan:\n```json\n{json.dumps(GOOD, indent=2)}\n```\nGood luck {{}}.",
        f'<think>maybe {{"kind": "none"}}?</think>{json.dumps(GOOD)}',
        'The set {1} and {"a": 1} come first. ' + json.dumps(GOOD),
        json.dumps(GOOD).replace('["D1"]', '"D1"').replace('["M1"]', '["[M1 builtin]"]'),
        json.dumps(GOOD).replace('"D1"', '"train.jsonl"'),  # the value of one slot that fits is its tag
    ],
)
def test_a_draft_is_found_wherever_it_stands(text: str) -> None:
    draft = read_draft(text, TWO_TOOLS)
    assert (draft.kind, draft.steps) == ("plan", READ)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "maybe"}, "kind: 'maybe' is not one of plan, question, none"),
        ({"steps": []}, "steps: a plan has at least one step"),
        ({"steps": [{"tool": "delete_all", "fields": {}}]}, "steps[0].tool: 'delete_all' is not one of finetune, quantize"),
        ({"steps": [{"tool": "finetune", "fields": {"datasets": ["D1"]}}]}, "has no field 'datasets', is dataset meant?"),
        ({"steps": [{"tool": "finetune", "fields": {"dataset": ["D7"]}}]}, "steps[0].fields.dataset: 'D7' is not one of D1"),
        ({"steps": [{"tool": "finetune", "fields": {"dataset": ["other.jsonl"]}}]}, "'other.jsonl' is not one of D1"),
        ({"steps": [{"tool": "finetune", "fields": {"method": ["lora", "full"]}}]}, "takes one value, 2 are given"),
        ({"steps": [{"tool": "quantize", "fields": {"types": ["Q4_K_M"]}}]}, "'Q4_K_M' is not in the request"),
        ({"steps": ["finetune"]}, "steps[0]: 'finetune' is no object"),
        ({"steps": [{"tool": ["finetune"], "fields": {}}]}, "steps[0].tool"),
        ({"steps": [GOOD["steps"][0]] * 9}, "9 steps, at most 8"),  # type: ignore[index]
    ],
)
def test_what_does_not_check_is_told_with_its_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(NotADraft) as wrong:
        read_draft(json.dumps({**GOOD, **change}), TWO_TOOLS)
    assert told in str(wrong.value)


@pytest.mark.parametrize("text", ["", "no", "{", '{"kind": "plan", "steps": [{"tool": "finet', "[1, 2]", "{" * 5000])
def test_what_holds_no_draft_says_so(text: str) -> None:
    with pytest.raises(NotADraft, match="no JSON object"):
        read_draft(text, TWO_TOOLS)


def test_none_and_question_are_read() -> None:
    assert read_draft('{"kind": "none", "steps": []}', TWO_TOOLS).kind == "none"
    asked = read_draft('{"kind": "question", "steps": [{"tool": "quantize", "fields": {}}]}', TWO_TOOLS)
    assert (asked.kind, asked.steps) == ("question", (DraftStep("quantize"),))


def test_a_choice_is_taken_to_the_letter() -> None:
    assert read_choice('```{"choice": "red"}```', ["red", "blue"]) == "red"
    assert read_choice("Red.", ["red", "blue"]) == "red"
    for wrong in ('{"choice": "green"}', "red or blue", '{"choice": null}', ""):
        with pytest.raises(NotADraft, match="not one of the choices"):
            read_choice(wrong, ["red", "blue"])


def test_a_repair_names_step_field_and_reason() -> None:
    messages = jsonplan.draft_messages(TWO_TOOLS)
    with pytest.raises(NotADraft) as wrong:
        read_draft('{"kind": "plan", "steps": [{"tool": "finetune", "fields": {"dataset": ["D7"]}}]}', TWO_TOOLS)
    repair = jsonplan.repair_messages(messages, "{}", wrong.value.problems)
    assert repair[:2] == messages
    assert "- steps[0].fields.dataset: 'D7' is not one of D1" in repair[-1]["content"]
