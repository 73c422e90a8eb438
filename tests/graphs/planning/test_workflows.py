from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from modelwright.contract import Tool
from modelwright.graphs.planning import workflows
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.workflows import Workflow


def test_every_workflow_names_real_tools_and_arguments(tools: dict[str, Tool]) -> None:
    for workflow in workflows.all_workflows():
        assert workflow.covers <= {step.tool for step in workflow.steps}
        for step in workflow.steps:
            assert {*step.wiring, *step.unless_said} <= set(fields_of(tools[step.tool].args))


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
