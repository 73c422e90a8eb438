"""Gathers how a run stands, from its state and the ledger, into a typed RunResult; a result of another version comes untyped."""

from __future__ import annotations

import sqlite3
from typing import Any

from pydantic import ValidationError

from modelwright import tools
from modelwright.agent.results import RunResult, StepResult
from modelwright.agent.runs import Run
from modelwright.errors import BadRequest, PlanError
from modelwright.graphs import references
from modelwright.graphs.ledger import Ledger
from modelwright.types import Check, Json, Plan, Spent, ToolResult
from modelwright.workspace import Workspace

WAITING = {"question": 3, "approval": 4, "budget": 5}


def collect(db: sqlite3.Connection, run: Run, state: Json, workspace: Workspace, *, interrupted: bool = False) -> RunResult:
    """The run as it stands. A run that was killed shows as interrupted, and how to go on."""
    plan = Plan.model_validate(state["plan"]) if state.get("plan") else None
    status = "interrupted" if interrupted or "status" not in state else state["status"]
    report = workspace.run_dir(run.id) / "report.html"
    return RunResult(
        run=run.id,
        status=status,
        exit_code=exit_code(status, state),
        plan=plan,
        steps=_steps(db, plan, state.get("steps", {})),
        report=report if report.is_file() else None,
        spent=Spent.model_validate(state.get("spent", {})),
        error=state.get("error"),
        pending=state.get("pending") if status == "waiting" else None,
    )


def exit_code(status: str, state: Json) -> int:
    if status == "waiting":
        return WAITING[state["pending"]["kind"]]
    simple = {"done": 0, "unverified": 1, "nothing": 2, "denied": 4, "interrupted": 130, "running": 130}
    return simple[status] if status in simple else int((state.get("error") or {}).get("exit_code", 1))


def _steps(db: sqlite3.Connection, plan: Plan | None, records: dict[str, Json]) -> list[StepResult]:
    found: list[StepResult] = []
    results: dict[str, Json] = {}
    for step in plan.steps if plan else []:
        record: dict[str, Any] = records.get(step.id, {"status": "pending"})
        entry = Ledger(db).find(record["key"]) if "key" in record else None
        kept = entry.result if entry else None
        args = _resolved(step.args, results) if kept else step.args
        if kept:
            results[step.id] = kept
        found.append(
            StepResult(
                id=step.id,
                tool=step.tool,
                status=record["status"],
                result=_typed(step.tool, kept) if kept else None,
                checks=[Check.model_validate(c) for c in record.get("checks", [])],
                reused=record.get("reused", False),
                seconds=record.get("seconds", 0.0),
                error=record.get("error"),
                args=args,
                peak_memory_bytes=entry.peak_memory_bytes if entry else None,
            )
        )
    return found


def _typed(tool: str, result: Json) -> ToolResult | None:
    """The result as its tool's own type; none when the tool is gone or has another schema now."""
    try:
        return tools.load(tool).result.model_validate(result)
    except (BadRequest, ValidationError):
        return None


def _resolved(args: Json, results: dict[str, Json]) -> Json:
    """The arguments with references replaced, as far as what they refer to is there."""
    try:
        return dict(references.resolve(args, results.__getitem__))
    except (KeyError, TypeError, PlanError):
        return args
