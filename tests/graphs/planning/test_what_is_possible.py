"""What the model thinks possible beside its draft: that no tool does it, or that something is missing; and what is made before its use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.planner import Planner
from modelwright.tools import load_all
from modelwright.types import Plan

from .conftest import put_files
from .test_arguments import Drafts, used

FILES = ["a.jsonl", "b.jsonl", "m.gguf", "c.txt"]


def planned(request: str, workspace: Path, tools: dict[str, Tool], model: Any) -> Plan:
    put_files(workspace, FILES)
    return Planner(model, tools, workspace).plan(request)


@pytest.mark.parametrize(("none", "kind"), [(-12.0, "plan"), (-3.0, "none")])
def test_what_no_tool_does_is_said_by_the_way_where_the_model_excludes_that(none: float, kind: str, workspace: Path) -> None:
    model = Drafts(("choose_engine", {"model": ["M1"], "needs": ["in_process"]}), score=-0.3)
    model._draft = replace(model._draft, alternatives=(("choose_engine", -0.001), ("none", none)))
    request = "what should I use to run m.gguf inside my python service? no extra server, has to live in the same process"
    assert planned(request, workspace, load_all(), model).kind == kind


@pytest.mark.parametrize(("asks", "kind"), [(-1.5, "question"), (-5.0, "none")])
def test_a_plain_wish_that_may_lack_something_is_asked_about(asks: float, kind: str, workspace: Path, all_tools: dict[str, Tool]) -> None:
    model = Drafts(kind="none", score=-0.25)
    model._draft = replace(model._draft, alternatives=(("none", -0.25), ("ask", asks)))
    assert planned("Hiya, I'd love to fine-tune the assistant so that it sounds like us", workspace, all_tools, model).kind == kind


def test_a_model_is_made_before_it_is_used(workspace: Path, all_tools: dict[str, Tool]) -> None:
    steps = [("finetune", {"dataset": ["D1"]}), ("export_model", {"format": ["gguf"], "output": ["O1"]})]
    request = "He says he needs a GGUF of it. Could you train it on a.jsonl and then save it as tom.gguf?"
    assert used(planned(request, workspace, all_tools, Drafts(*steps, score=-0.2))) == ["finetune", "export_model"]


@pytest.mark.parametrize("told", ["give me one GGUF file, new/brief.gguf", "leave me a gguf in new/brief.gguf"])
def test_a_gguf_file_to_be_given_is_a_place_to_write(told: str, workspace: Path, all_tools: dict[str, Tool]) -> None:
    plan = planned(f"train on a.jsonl and {told}", workspace, all_tools, None)
    assert [step.args.get("output") for step in plan.steps if step.tool == "export_model"] == ["new/brief.gguf"]


def test_its_name_says_the_format(workspace: Path, all_tools: dict[str, Tool]) -> None:
    plan = planned("train on a.jsonl and then export it to out/m2.gguf", workspace, all_tools, None)
    assert [step.args.get("format") for step in plan.steps if step.tool == "export_model"] == ["gguf"]


@pytest.mark.parametrize(
    ("request_", "tools"),
    [
        ("train on a.jsonl, then measure throughput of the result", ["finetune", "benchmark"]),
        ("measure m.gguf with 8 requests at once", ["benchmark"]),
        ("measure m.gguf on b.jsonl", ["evaluate"]),
    ],
)
def test_measuring_alone_does_not_say_what_is_measured(
    request_: str, tools: list[str], workspace: Path, all_tools: dict[str, Tool]
) -> None:
    assert [t for t in used(planned(request_, workspace, all_tools, None)) if t not in ("export_model", "quantize")] == tools


def test_the_one_that_is_the_baseline_stands_first(workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, FILES, ("x/a", "x/b"))
    step = ("compare", {"models": ["M1", "M2"], "dataset": ["D1"]})
    plan = planned("compare x/a and x/b on a.jsonl with the built-in model as the baseline", workspace, all_tools, Drafts(step, score=-0.1))
    assert plan.steps[0].args["models"] == ["builtin", "x/a", "x/b"]
