"""Pieces that both printings share: predicted beside measured, files left behind, how to run it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelwright.agent.report import fields
from modelwright.agent.report.gather import Facts, StepFacts
from modelwright.text import human_bytes, human_seconds, with_range
from modelwright.types import Json


def predicted(step: StepFacts) -> list[str]:
    """Seconds predicted and measured, memory predicted and measured."""
    estimate = step.estimate
    measured = "" if step.seconds is None else human_seconds(step.seconds)
    guess = " (first guess)" if estimate.get("first_guess") else ""
    return [
        _with_ends(estimate, "seconds", "seconds", human_seconds) + guess if estimate else "",
        "reused" if step.reused_from else measured,
        _with_ends(estimate, "memory_bytes", "memory", human_bytes) + guess if estimate.get("memory_bytes") else "",
        human_bytes(step.peak_memory_bytes) if step.peak_memory_bytes else "",
    ]


def _with_ends(estimate: Json, name: str, ends: str, shown: Callable[[float], str]) -> str:
    """A prediction with the ends between which 80% of like calls here lay, where there was a record."""
    low, high = (estimate.get(f"{ends}_{end}") for end in ("low", "high"))
    return with_range(shown(estimate[name]), "" if low is None else shown(low), "" if high is None else shown(high))


def tiles(facts: Facts) -> list[tuple[str, str]]:
    """The run at a glance."""
    checks = [check for step in facts.steps for check in step.checks]
    peak = max((step.peak_memory_bytes or 0 for step in facts.steps), default=0)
    done = sum(step.status == "done" for step in facts.steps)
    made = [("time", human_seconds(facts.seconds)), ("steps done", f"{done} of {len(facts.steps)}")]
    made += [("checks passed", f"{sum(check.passed for check in checks)} of {len(checks)}")] if checks else []
    return made + ([("peak memory", human_bytes(peak))] if peak else [])


def timings(steps: list[StepFacts]) -> list[tuple[str, float, float]]:
    """(step, predicted seconds, measured seconds) of the steps that ran here and had an estimate."""
    return [
        (f"{s.id} {s.tool}", float(s.estimate["seconds"]), s.seconds)
        for s in steps
        if s.seconds is not None and s.status in ("done", "unverified") and s.estimate.get("seconds")
    ]


def artifacts(step: StepFacts, root: str) -> list[dict[str, Any]]:
    """What the step left, with paths as seen from the workspace."""
    return [{**item, "path": fields.short_path(str(item["path"]), Path(root))} for item in step.result.get("artifacts", [])]


def reproduce_command(facts: Facts) -> str:
    return f"python .modelwright/runs/{facts.run}/reproduce.py --workspace ."
