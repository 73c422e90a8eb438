"""A planner over the real tools, and the proof that every argument of a plan has the source that it claims."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.workflows import all_workflows
from modelwright.models.base import PlanningModel
from modelwright.tools import load_all
from modelwright.types import Plan

MakePlanner = Callable[..., Planner]
NAMES = ("inspect_dataset", "finetune", "export_model", "quantize", "evaluate", "compare")


@pytest.fixture(scope="session")
def tools() -> dict[str, Tool]:
    """The tools that the requests here were written for; more of them may be installed."""
    known = load_all()
    return {name: known[name] for name in NAMES}


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


def untraced(plan: Plan, workspace: Path) -> list[str]:
    """Arguments whose value does not follow from the source that they name."""
    wrong = []
    for step in plan.steps:
        for name, value in step.args.items():
            sources = re.findall(r"request\[\d+:\d+\]|step s\d+|template \w+|answer|default", step.sources.get(name, ""))
            for item in value if isinstance(value, list) else [value]:
                if not any(_supports(source, item, plan.request, workspace) for source in sources):
                    wrong.append(f"{step.id}.{name}={item!r} from {step.sources.get(name)!r}")
    return wrong


def _supports(source: str, value: Any, request: str, workspace: Path) -> bool:
    if source.startswith("request"):
        start, end = map(int, re.findall(r"\d+", source))
        return _follows(request[start:end], value, workspace)
    if source.startswith("step"):
        return str(value).startswith(f"${source.split()[1]}.")
    if source.startswith("template"):
        workflow = next(w for w in all_workflows() if w.name == source.split()[1])
        return json.dumps(value) in json.dumps([[s.wiring, s.unless_said] for s in workflow.steps])
    return source == "answer" or (source == "default" and value == "builtin")


def _follows(text: str, value: Any, workspace: Path) -> bool:
    found = [candidate.value for candidate in find(text, workspace)]
    if isinstance(value, int | float):
        return value in found or any(isinstance(f, int | float) and value == round(f / 1000 * 1024) for f in found)
    return str(value) == text or str(value).lower() in [str(f).lower() for f in found]
