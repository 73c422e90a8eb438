"""A likely draft keeps its numbers and its steps; what the request does not hold is withdrawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.evidence import unproved
from modelwright.graphs.planning.planner import Planner
from modelwright.tools import load_all

from .conftest import put_files
from .test_arguments import Drafts

FILES = ["a.gguf", "b.jsonl"]


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


@pytest.mark.parametrize(("score", "wanted"), [(-0.1, 4), (-0.6, None)])
def test_a_number_stays_with_the_argument_that_a_likely_draft_gave_it(
    score: float, wanted: int | None, workspace: Path, installed: dict[str, Tool]
) -> None:
    put_files(workspace, FILES)
    draft = Drafts(("memory_fit", {"model": ["M1"], "gpu": ["U1"], "batch_size": ["N1"]}), score=score)
    plan = Planner(draft, installed, workspace).plan("does a.gguf fit an RTX 3060 with 4 nurses around")
    assert plan.steps[0].args.get("batch_size") == wanted


@pytest.mark.parametrize(("score", "tools"), [(-0.1, ["benchmark", "choose_engine"]), (-0.6, ["benchmark"])])
def test_a_step_of_a_likely_draft_stays_where_it_has_a_card_of_its_own(
    score: float, tools: list[str], workspace: Path, installed: dict[str, Tool]
) -> None:
    put_files(workspace, FILES)
    draft = Drafts(("benchmark", {"model": ["M1"]}), ("choose_engine", {"hardware": ["U1"]}), score=score)
    plan = Planner(draft, installed, workspace).plan(
        "sweep a.gguf, poisson arrivals, prompts of 600 tokens. what then goes before it on an A100"
    )
    assert [step.tool for step in plan.steps] == tools


def test_a_value_that_its_place_does_not_hold_is_found(workspace: Path) -> None:
    args = {"batch_size": 4, "gpu": "A100", "needs": ["openai_api"], "model": "$s1.model"}
    sources = {"batch_size": "request[0:1]", "gpu": "request[2:6]", "needs": "request[0:1]", "model": "step s1"}
    assert unproved(args, sources, "9 A100", workspace) == ["batch_size", "needs"]
