"""A planner over the real tools in a workspace of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.planner import Planner
from modelwright.models.base import PlanningModel
from modelwright.tools import load_all

from .stub_tools import with_stubs

MakePlanner = Callable[..., Planner]
NAMES = ("inspect_dataset", "finetune", "export_model", "quantize", "evaluate", "compare")


@pytest.fixture(scope="session")
def tools() -> dict[str, Tool]:
    """The tools that the requests here were written for; more of them may be installed."""
    known = load_all()
    return {name: known[name] for name in NAMES}


@pytest.fixture(scope="session")
def all_tools() -> dict[str, Tool]:
    """Every tool of the design, those that are not installed by name and arguments alone."""
    return with_stubs(load_all())


@pytest.fixture
def make_planner(workspace: Path, tools: dict[str, Tool]) -> MakePlanner:
    def make(*files: str, folders: tuple[str, ...] = (), model: PlanningModel | None = None) -> Planner:
        put_files(workspace, files, folders)
        return Planner(model, tools, workspace)

    return make


def put_files(workspace: Path, files: Any, folders: Any = ()) -> None:
    for name in files:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text("{}\n")
    for name in folders:
        (workspace / name).mkdir(parents=True, exist_ok=True)
        (workspace / name / "adapter_config.json").write_text("{}\n")
