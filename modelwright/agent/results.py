"""What a run gives back: typed for a program, `as_json` for `--json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.errors import BadRequest
from modelwright.text import clean

if TYPE_CHECKING:
    from modelwright.types import Check, Json, Plan, Spent, ToolResult


@dataclass(frozen=True)
class StepResult:
    """`status` is done, unverified, failed or pending; `result` is the tool's own result type."""

    id: str
    tool: str
    status: str
    result: ToolResult | None = None
    checks: list[Check] = field(default_factory=list)
    reused: bool = False
    seconds: float = 0.0
    error: Json | None = None
    args: Json = field(default_factory=dict)
    """With references resolved, when the step ran."""
    peak_memory_bytes: int | None = None

    def as_json(self) -> Json:
        """Redacted and safe to print, as events are."""
        result = self.result.model_dump(mode="json") if self.result else None
        found: Json = {
            "id": self.id,
            "tool": self.tool,
            "status": self.status,
            "result": result,
            "checks": [c.model_dump() for c in self.checks],
            "reused": self.reused,
            "seconds": round(self.seconds, 3),
            **({"error": self.error} if self.error else {}),
        }
        return dict(clean(found))


@dataclass(frozen=True)
class RunResult:
    """`status`: done, unverified, failed, denied, nothing, waiting, interrupted. `exit_code` as on the command line."""

    run: str
    status: str
    exit_code: int
    plan: Plan | None
    steps: list[StepResult]
    report: Path | None
    spent: Spent
    error: Json | None = None
    pending: Json | None = None

    def result(self, step: str) -> Any:
        """The typed result of a step. Raises BadRequest when it has none."""
        for found in self.steps:
            if found.id == step and found.result is not None:
                return found.result
        raise BadRequest(f"step {step} of run {self.run} has no result (status of the run: {self.status})")

    def as_json(self) -> Json:
        """Redacted and safe to print, as events are."""
        found: Json = {
            "run": self.run,
            "status": self.status,
            "plan": self.plan.model_dump(mode="json") if self.plan else None,
            "steps": [step.as_json() for step in self.steps],
            "report": str(self.report) if self.report else None,
            "spent": self.spent.model_dump(),
            **({"error": self.error} if self.error else {}),
            **({"pending": self.pending} if self.pending else {}),
        }
        return dict(clean(found))
