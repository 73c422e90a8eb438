"""A plan whose steps were done before says so: they will be reused, and take no time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from modelwright.agent.editing import assessed
from modelwright.agent.session import Agent
from modelwright.plantable import plan_table
from modelwright.types import Plan, Step
from tests.graphs.toys import FixedPolicy, Harness, ScriptedPlans, steps

Json = dict[str, Any]
ROW = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}\n'


def plan_of(*steps: tuple[str, Json]) -> Json:
    made = [Step(id=f"s{n}", tool=tool, args=args, sources=dict.fromkeys(args, "edit")) for n, (tool, args) in enumerate(steps, 1)]
    return Plan(request="look", steps=made).model_dump(mode="json")


LOOK = ("inspect_dataset", {"dataset": "train.jsonl"})


@pytest.fixture
def agent(workspace: Path) -> Agent:
    (workspace / "train.jsonl").write_text("".join(ROW.replace("hi", f"hi {n}") for n in range(8)))
    return Agent(".")


def reused(agent: Agent, plan: Json) -> list[bool]:
    return [bool(step.estimate and step.estimate.reused) for step in agent.plan("look", plan=plan).steps]


def test_a_call_that_was_done_is_reused_until_its_input_its_arguments_or_its_seed_are_others(agent: Agent, workspace: Path) -> None:
    assert reused(agent, plan_of(LOOK)) == [False]
    assert agent.run(plan=plan_of(LOOK), yes=True).status == "done"
    assert reused(agent, plan_of(LOOK)) == [True]
    assert reused(agent, plan_of((LOOK[0], {**LOOK[1], "max_problems": 3}))) == [False]
    agent.settings = agent.settings.model_copy(update={"seed": 8})
    assert reused(agent, plan_of(LOOK)) == [False]
    agent.settings = agent.settings.model_copy(update={"seed": 7})
    (workspace / "train.jsonl").write_text(ROW)
    assert reused(agent, plan_of(LOOK)) == [False]


def test_the_card_that_asks_and_the_run_agree(agent: Agent) -> None:
    agent.run(plan=plan_of(LOOK), yes=True)
    again = agent.run(plan=plan_of(LOOK), yes=True)
    assert again.steps[0].reused
    assert again.plan is not None
    assert again.plan.steps[0].estimate is not None
    assert again.plan.steps[0].estimate.model_dump() == {"seconds": 0, "memory_bytes": 0, "disk_bytes": 0, "cost": 0, "reused": True}
    assert "0 (reused)" in plan_table(again.plan, 140)


def test_an_edited_plan_is_told_the_same(agent: Agent, workspace: Path) -> None:
    agent.run(plan=plan_of(LOOK), yes=True)
    assert assessed(plan_of(LOOK), workspace, None)["steps"][0]["estimate"]["reused"]


def told(workspace: Path, run: str) -> tuple[list[bool], list[str]]:
    """Of a run of two steps, the second reading what the first wrote: which were said to be reused, and what happened to them."""
    plan = steps(("note", {"text": "hi"}), ("read_note", {"path": "$s1.path"}))
    made = Harness(workspace, InMemorySaver(), ScriptedPlans([plan]), FixedPolicy(), run)
    assert made.start()["status"] == "done"
    made.db.close()
    decided = [event.data["estimate"] for event in made.events if event.type.value == "policy.decision"]
    return [bool(estimate.get("reused")) for estimate in decided], [
        kind for kind in made.types() if kind in ("tool.finished", "tool.reused")
    ]


def test_a_step_that_needs_a_reused_one_is_reused_too_as_long_as_the_files_are_there(workspace: Path) -> None:
    assert told(workspace, "r1") == ([False, False], ["tool.finished", "tool.finished"])
    assert told(workspace, "r2") == ([True, True], ["tool.reused", "tool.reused"])
    next(workspace.rglob("note.txt")).unlink()
    assert told(workspace, "r3")[0] == [False, False]
