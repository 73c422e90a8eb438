"""Changes of a plan: each gives a new plan and leaves the one it was made from."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from modelwright.tui.widgets import plan_edits

Json = dict[str, Any]


@pytest.fixture
def plan() -> Json:
    steps = [{"id": f"s{n}", "tool": "evaluate", "args": {"limit": n}, "sources": {"limit": "request[0:1]"}} for n in (1, 2, 3)]
    return {"request": "x", "kind": "plan", "steps": steps}


def ids(plan: Json) -> list[str]:
    return [step["id"] for step in plan["steps"]]


def test_a_step_is_taken_out_moved_and_added_and_the_first_plan_stays(plan: Json) -> None:
    before = copy.deepcopy(plan)
    assert ids(plan_edits.without(plan, "s2")) == ["s1", "s3"]
    assert ids(plan_edits.moved(plan, "s3", -1)) == ["s1", "s3", "s2"]
    made, name = plan_edits.with_step(plan_edits.without(plan, "s2"), "compare")
    assert (name, ids(made)) == ("s2", ["s1", "s3", "s2"])
    assert plan == before


def test_a_step_does_not_move_past_the_ends(plan: Json) -> None:
    assert ids(plan_edits.moved(plan, "s1", -1)) == ids(plan_edits.moved(plan, "s3", 1)) == ["s1", "s2", "s3"]


def test_an_argument_is_put_in_with_its_source_and_taken_out_by_none(plan: Json) -> None:
    step = plan_edits.with_arguments(plan, "s1", {"metrics": ["bleu"], "limit": None})["steps"][0]
    assert step["args"] == {"metrics": ["bleu"]}
    assert step["sources"] == {"metrics": "edit"}, "a source without its argument is refused"
