from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from modelwright.contract import Tool
from modelwright.errors import ConfigError
from modelwright.graphs.planning import workflows
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.workflows import Workflow

from .conftest import MakePlanner, put_files


def test_every_workflow_names_real_tools_and_arguments(all_tools: dict[str, Tool]) -> None:
    for workflow in workflows.all_workflows():
        assert workflow.covers <= {step.tool for step in workflow.steps}
        for step in workflow.steps:
            assert {*step.wiring, *step.unless_said} <= set(fields_of(all_tools[step.tool].args))


def test_a_workflow_file_is_named_after_its_workflow() -> None:
    folder = Path(workflows.__file__).parent / "workflows"
    assert {file.stem for file in folder.glob("*.toml")} == {workflow.name for workflow in workflows.all_workflows()}


def test_the_workflow_with_most_needs_is_chosen(tools: dict[str, Tool]) -> None:
    assert getattr(workflows.choose(["finetune", "quantize", "compare"], tools), "name", None) == "finetune_and_compare"
    assert getattr(workflows.choose(["quantize", "compare"], tools), "name", None) == "quantize_and_compare"
    assert workflows.choose(["evaluate"], tools) is None


def test_a_workflow_needs_all_its_tools_installed(tools: dict[str, Tool]) -> None:
    without = {name: tool for name, tool in tools.items() if name != "export_model"}
    assert workflows.choose(["finetune", "compare"], without) is None


def test_an_unknown_key_in_a_workflow_is_refused() -> None:
    with pytest.raises(ValidationError, match="step"):
        Workflow.model_validate(tomllib.loads('name = "x"\nsummary = "x"\nneeds = []\nsteps = []\nstep = 1'))


def test_a_workflow_that_the_request_orders_otherwise_is_not_chosen(tools: dict[str, Tool]) -> None:
    assert getattr(workflows.choose(["compare", "quantize"], tools, ordered=True), "name", None) == "quantize"


OWN = """
name = "nightly"
summary = "check the data, then measure"
needs = []
said = ["nightly check"]
[[steps]]
tool = "inspect_dataset"
[[steps]]
tool = "evaluate"
unless_said = { limit = 20 }
"""


def put_own(workspace: Path, text: str, name: str = "nightly.toml") -> None:
    (workspace / workflows.OWN).mkdir(parents=True, exist_ok=True)
    (workspace / workflows.OWN / name).write_text(text)


def test_a_workflow_of_the_user_is_planned_by_what_is_said_for_it(make_planner: MakePlanner, workspace: Path) -> None:
    planner = make_planner("a.jsonl")
    put_own(workspace, OWN)
    plan = planner.plan("do the nightly check of builtin on a.jsonl")
    assert [s.tool for s in plan.steps] == ["inspect_dataset", "evaluate"]
    assert plan.steps[1].args["limit"] == 20
    assert plan.steps[1].sources["limit"] == "template nightly"
    assert unsupported(plan, workspace) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("evaluate", "evalute"), "no tool is called 'evalute'"),
        (("limit = 20", "limits = 20"), "evaluate has no argument 'limits'"),
        (("[[steps]]", "[[step]]"), "step"),
        (('name = "nightly"', "name = 1"), "name"),
        (("needs = []", 'needs = ["quantize"]'), "none uses quantize"),
        (("= [", "= ["[:2]), "not readable as TOML"),
    ],
)
def test_a_faulty_workflow_is_refused_with_file_and_reason(
    make_planner: MakePlanner, workspace: Path, change: tuple[str, str], message: str
) -> None:
    planner = make_planner("a.jsonl")
    put_own(workspace, OWN.replace(*change))
    with pytest.raises(ConfigError, match=message) as refused:
        planner.plan("inspect a.jsonl")
    assert "nightly.toml" in refused.value.message


def test_what_is_indexed_is_what_is_asked(workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, ["docs/a.md"])
    plan = Planner(None, all_tools, workspace).plan("index docs/ and answer from the documents: which port does the broker use?")
    assert [(s.tool, s.args) for s in plan.steps] == [
        ("rag_index", {"path": "docs/"}),
        ("rag_answer", {"index": "$s1.index", "question": "which port does the broker use?"}),
    ]
