"""134 requests in many voices against the plans that are expected of them.

The q requests were at hand while the rules were written. The r and t requests were first run unseen, and the rules were
then mended by what they showed: 18 of 34 (r, rules alone) and 28 of 34 (t, with the built-in model) at first sight. So the
numbers here are a guard against losing ground, not a measure of requests in other people's words; expect about 8 in 10.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwright.config import Settings
from modelwright.contract import Tool
from modelwright.errors import EngineMissing
from modelwright.graphs.plancheck import check
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.planner import Planner
from modelwright.models import open_model
from modelwright.models.base import PlanningModel
from modelwright.types import Plan

from .conftest import put_files

CASES = [json.loads(line) for line in Path(__file__).with_name("requests.jsonl").read_text(encoding="utf-8").splitlines()]
RULES_REACH, WITH_MODEL_REACH = 125, 133
"""Of 134, as measured. A later change may lose two."""
FILE = re.compile(r"(?<![\w/.-])[\w./-]+\.(?:jsonl|json|csv|txt|gguf|toml)\b")


@pytest.fixture(scope="module")
def builtin() -> Iterator[PlanningModel]:
    pytest.importorskip("llama_cpp")
    model = open_model(Settings())
    assert model is not None
    yield model
    model.close()


def files_of(case: dict[str, Any]) -> set[str]:
    """The files that a request is about: those in it and in its arguments, but for outputs and absent ones."""
    found = set(FILE.findall(case["request"])) | {
        v for args in case["args"].values() for v in args.values() if isinstance(v, str) and FILE.fullmatch(v)
    }
    found |= {v for args in case["args"].values() for v in args.values() if isinstance(v, str) and v.endswith(".jsonl")}
    return {name for name in found if not name.startswith("out/")} - set(case.get("absent", []))


def problem(case: dict[str, Any], plan: Plan) -> str:
    """What is wrong with a plan; empty if it is as expected."""
    if plan.kind != case["kind"]:
        return f"is a {plan.kind}: {plan.question or plan.reason or [s.tool for s in plan.steps]}"
    used = [step.tool for step in plan.steps]
    if set(used) & set(case["forbid"]):
        return f"uses {used}"
    at = 0
    for wanted in case["tools"]:
        found = next((i for i in range(at, len(used)) if used[i] in wanted.rstrip("?").split("|")), None)
        if found is None and not wanted.endswith("?"):
            return f"uses {used}"
        at = at if found is None else found + 1
    for tool, args in case["args"].items():
        if not any(s.tool == tool and all(s.args.get(k) == v for k, v in args.items()) for s in plan.steps):
            return f"{tool} has {[s.args for s in plan.steps if s.tool == tool]}"
    return ""


def run(case: dict[str, Any], folder: Path, tools: dict[str, Tool], model: PlanningModel | None) -> tuple[str, list[str]]:
    """(problem, invented arguments) of one request in a folder of its own."""
    folder.mkdir()
    put_files(folder, files_of(case), case.get("folders", ()))
    try:
        plan = check(Planner(model, tools, folder).plan(case["request"]), tools)
    except EngineMissing:
        return "needs the model", []
    return problem(case, plan), unsupported(plan, folder)


def score(tmp_path: Path, tools: dict[str, Tool], model: PlanningModel | None) -> tuple[int, dict[str, str], list[str]]:
    results = {case["id"]: run(case, tmp_path / case["id"], tools, model) for case in CASES}
    wrong = {name: found for name, (found, _) in results.items() if found}
    return len(CASES) - len(wrong), wrong, [arg for _, invented in results.values() for arg in invented]


def test_rules_alone_plan_most_requests_and_invent_nothing(tmp_path: Path, tools: dict[str, Tool]) -> None:
    right, wrong, invented = score(tmp_path, tools, None)
    print(f"{right} of {len(CASES)} right; wrong: {json.dumps(wrong, indent=1)}")
    assert invented == []
    assert right >= RULES_REACH - 2, wrong


@pytest.mark.slow_engine
def test_the_built_in_model_plans_what_the_rules_leave_open(tmp_path: Path, tools: dict[str, Tool], builtin: PlanningModel) -> None:
    open_cases = [case for case in CASES if run(case, tmp_path / f"rules-{case['id']}", tools, None)[0]]
    results = {case["id"]: run(case, tmp_path / case["id"], tools, builtin) for case in open_cases}
    wrong = {name: found for name, (found, _) in results.items() if found}
    right = len(CASES) - len(wrong)
    print(f"{right} of {len(CASES)} right with the model; wrong: {json.dumps(wrong, indent=1)}")
    assert [arg for _, invented in results.values() for arg in invented] == []
    assert right >= WITH_MODEL_REACH - 2, wrong


def test_every_request_has_an_id_of_its_own_and_known_fields() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES) >= 60
    assert all(set(case) <= {"id", "request", "kind", "tools", "args", "forbid", "folders", "absent"} for case in CASES)
