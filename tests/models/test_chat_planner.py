"""The repair loop, against a server that says what it is told to, and once against the real one."""

from __future__ import annotations

import dataclasses
import json

import pytest

from modelwright.modelrefs import endpoint
from modelwright.models import jsonplan
from modelwright.models.base import Card, DraftStep, FieldCard
from modelwright.models.chat_planner import ChatPlanner
from modelwright.models.failures import CallFailed
from modelwright.models.openai_compatible import OpenAIChat
from tests.models.fault_proxy import Proxy, says
from tests.models.questions import TWO_TOOLS

GOOD = json.dumps({"kind": "plan", "steps": [{"tool": "finetune", "fields": {"model": ["M1"], "dataset": ["D1"]}}]})
BAD = json.dumps({"kind": "plan", "steps": [{"tool": "finetune", "fields": {"dataset": ["D9"]}}]})


def planner(server: Proxy) -> ChatPlanner:
    return ChatPlanner(OpenAIChat(endpoint(server.ref)), max_tokens=200)


def test_a_server_that_ignores_the_schema_is_repaired(toy_server: Proxy) -> None:
    toy_server.next(says("I would fine-tune it!"), says("Of course. ", BAD), says("```json\n", GOOD, "\n```"))
    draft = planner(toy_server).draft(TWO_TOOLS)
    assert draft.steps == (DraftStep("finetune", {"model": ["M1"], "dataset": ["D1"]}),)
    first, second, third = (seen.body["messages"] for seen in toy_server.seen)
    assert "there is no JSON object" in second[-1]["content"]
    assert third[:2] == first
    assert "steps[0].fields.dataset: 'D9' is not one of D1" in third[-1]["content"]
    assert draft.output_tokens == 1 + 2 + 3


def test_after_two_repairs_it_gives_up_and_says_why(toy_server: Proxy) -> None:
    toy_server.next(says(BAD), says(BAD), says(BAD))
    with pytest.raises(CallFailed, match=r"no answer that checks in 3 tries: steps\[0\]\.fields\.dataset: 'D9'"):
        planner(toy_server).draft(TWO_TOOLS)
    assert len(toy_server.seen) == 3


def test_an_answer_that_was_cut_is_told_so(toy_server: Proxy) -> None:
    toy_server.next(says(GOOD[:30], finish="length"), says(GOOD))
    assert planner(toy_server).draft(TWO_TOOLS).kind == "plan"
    assert "cut at 200 tokens" in toy_server.seen[1].body["messages"][-1]["content"]


def test_a_choice_is_asked_for_by_an_enum(toy_server: Proxy) -> None:
    toy_server.next(says("maybe"), says('{"choice": "make it smaller"}'))
    choices = ["make it smaller", "something else"]
    chosen = planner(toy_server).choose("shrink it", choices, purpose="intent", examples={"make it smaller": ["compress it"]})
    assert chosen.text == "make it smaller"
    asked = toy_server.seen[0].body
    assert asked["response_format"]["json_schema"]["schema"]["properties"]["choice"]["enum"] == choices
    assert "compress it" in asked["messages"][1]["content"]


def test_the_real_server_drafts_only_what_the_schema_allows(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonplan, "MOST_STEPS", 1)  # the raw model fills as many as it may
    small = dataclasses.replace(TWO_TOOLS, cards=(Card("quantize", "Make a model smaller.", (FieldCard("model", ("model",)),)),))
    draft = ChatPlanner(OpenAIChat(endpoint(proxy.ref)), max_tokens=300).draft(small)
    assert all(step.tool == "quantize" for step in draft.steps)
    assert {value for step in draft.steps for values in step.fields.values() for value in values} <= {"M1"}
    assert draft.seconds > draft.ttft_seconds > 0
