"""What a person should know before approving a plan, found by looking at names and headers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwright.contract import Tool
from modelwright.errors import EngineMissing, ModelwrightError
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.precision import quantized_types
from modelwright.modelrefs import resolve
from modelwright.types import Plan, Step

RECKONED = frozenset({"kv_cache", "memory_fit", "choose_engine", "cost"})
"""Tools that reckon from a model's name and need no file of it."""


def notes(plan: Plan, workspace: Path, tools: Mapping[str, Tool]) -> list[str]:
    """Models that are not on this machine, and sources of quantize that are quantized already."""
    said = []
    for step in plan.steps:
        if step.tool in RECKONED:
            continue
        for ref in _models(step, tools[step.tool]):
            if lacking := _lacking(ref, workspace):
                said.append(lacking)
            if step.tool == "export_model" and (types := quantized_types(ref, workspace)) and any(s.tool == "quantize" for s in plan.steps):
                said.append(f"{ref} is quantized already ({types[0]}): full precision does not bring back what it has lost")
    return list(dict.fromkeys(said))


def _models(step: Step, tool: Tool) -> Iterator[str]:
    for name, field in fields_of(tool.args).items():
        value: Any = step.args.get(name) if field.role == "model" else None
        for ref in value if isinstance(value, list) else [value]:
            if isinstance(ref, str) and not ref.startswith("$"):
                yield ref


def _lacking(ref: str, workspace: Path) -> str:
    if (workspace / Path(ref)).is_file():
        return ""
    try:
        resolve(ref, workspace)
    except EngineMissing:
        return ""
    except ModelwrightError:
        return f"{ref} is not on this machine: get it before you approve"
    return ""
