"""Runs and events as rows of text, and a past run's steps under another policy."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from modelwright import tools
from modelwright.agent.runs import Run
from modelwright.errors import BadRequest
from modelwright.events import Event
from modelwright.graphs.gate import assess
from modelwright.policies import load as load_policy
from modelwright.text import clean, human_seconds, one_line
from modelwright.types import Json, Plan


def as_rows(runs: Sequence[Run]) -> list[list[str]]:
    rows = [["run", "when", "status", "took", "request"]]
    for run in runs:
        seconds = (run.spent or {}).get("seconds", 0)
        rows.append(
            [
                run.id,
                time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
                run.status,
                human_seconds(seconds),
                one_line(str(clean(run.request)), 80),
            ]
        )
    return rows


def event_line(event: Event) -> str:
    """One event on one line: time, step, type, the rest as JSON."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.time)) + f"{event.time % 1:.3f}"[1:]
    rest = one_line(json.dumps(event.data, ensure_ascii=False, default=str), 300)
    return f"{event.seq:>4} {clock} {event.step or '-':>3} {event.type.value:<18} {rest}"


def simulate(run: Run, policy_file: Path | None, root: Path) -> list[Json]:
    """Each step of the run's plan: what was decided then, and what this policy decides now."""
    if not run.plan or not run.plan["steps"]:
        raise BadRequest(f"run {run.id} has no plan to decide about")
    plan = Plan.model_validate(run.plan)
    now, verdicts = assess(plan, tools.load_all(), load_policy(policy_file), root.resolve())
    return [
        {
            "step": old.id,
            "tool": old.tool,
            "then": old.decision.value if old.decision else "?",
            "now": new.decision.value if new.decision else "?",
            "rule": verdicts[new.id].rule,
        }
        for old, new in zip(plan.steps, now.steps, strict=True)
    ]
