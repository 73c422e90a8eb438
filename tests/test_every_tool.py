"""One look at every registered tool: documented, effects declared, schema closed, golden, tested."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from modelwright import tools
from modelwright.errors import ModelwrightError
from modelwright.tooldoc import as_json, fields, markdown
from modelwright.types import Estimate

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "tool_schemas.json"


@pytest.fixture(params=tools.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_documented(name: str) -> None:
    tool = tools.load(name)
    assert tool.summary.endswith(".")
    assert len(tool.summary) <= 120
    assert tools.summaries()[name] == tool.summary
    for schema in (tool.args.model_json_schema(), tool.result.model_json_schema()):
        undescribed = [field for field, _, about in fields(schema) if not about]
        assert undescribed == []


def test_it_declares_effects_and_refuses_unknown_arguments(name: str) -> None:
    tool = tools.load(name)
    assert tool.effects
    assert tool.args.model_json_schema()["additionalProperties"] is False
    assert tool.result.model_json_schema()["additionalProperties"] is False


def test_its_estimate_of_the_example_is_an_estimate(name: str, tmp_path: Path) -> None:
    tool = tools.load(name)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with contextlib.suppress(ModelwrightError):  # an example may name a file of the reader's own
        estimate = tool.estimate(tool.validate(tool.example), tmp_path)
        assert isinstance(estimate, Estimate)
        assert estimate.seconds > 0


def test_it_has_a_test_of_its_own(name: str) -> None:
    assert (ROOT / "tests" / "tools" / f"test_{name}.py").is_file()


def test_the_schemas_are_the_golden_ones() -> None:
    """A change of a schema is a change of the contract: look at the difference, then write the new golden file."""
    found = {name: as_json(tools.load(name)) for name in tools.names()}
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8")), "python -m tests.golden.write"


def test_the_tools_page_is_generated_from_the_schemas() -> None:
    page = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
    for name in tools.names():
        assert markdown(tools.load(name)) in page, "python -m tests.golden.write"
