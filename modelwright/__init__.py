"""An agent that does LLM engineering on the machine it runs on.

Public names load on first use, so that `import modelwright` costs nothing:

    from modelwright import Agent
    run = Agent(".").run("Fine-tune the built-in model on train.jsonl and compare it with the original on eval.jsonl", yes=True)
    print(run.status, run.result("s4").verdict)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Agent": "modelwright.agent.session",
    "RunResult": "modelwright.agent.results",
    "tool": "modelwright.contract",
    "Tool": "modelwright.contract",
    "ToolContext": "modelwright.contract",
    "ToolArgs": "modelwright.types",
    "ToolResult": "modelwright.types",
    "Effect": "modelwright.types",
    "Estimate": "modelwright.types",
    "Check": "modelwright.types",
    "Plan": "modelwright.types",
    "Step": "modelwright.types",
    "Limits": "modelwright.types",
    "Event": "modelwright.events",
    "ModelwrightError": "modelwright.errors",
}

__all__ = [
    "Agent",
    "Check",
    "Effect",
    "Estimate",
    "Event",
    "Limits",
    "ModelwrightError",
    "Plan",
    "RunResult",
    "Step",
    "Tool",
    "ToolArgs",
    "ToolContext",
    "ToolResult",
    "tool",
]

if TYPE_CHECKING:
    from modelwright.agent.results import RunResult
    from modelwright.agent.session import Agent
    from modelwright.contract import Tool, ToolContext, tool
    from modelwright.errors import ModelwrightError
    from modelwright.events import Event
    from modelwright.types import Check, Effect, Estimate, Limits, Plan, Step, ToolArgs, ToolResult


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelwright' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
