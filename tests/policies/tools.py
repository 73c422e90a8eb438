"""Small tools whose calls the policy tests decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from modelwright.contract import Tool
from modelwright.types import DatasetPath, Effect, Estimate, FilePath, ModelRef, OutputPath, Strict, ToolArgs, ToolResult


class Part(Strict):
    file: FilePath
    note: str = ""


class Args(ToolArgs):
    dataset: DatasetPath | None = None
    model: ModelRef | None = None
    models: list[ModelRef] = Field(default_factory=list)
    parts: list[Part] = Field(default_factory=list)
    named: dict[str, DatasetPath] = Field(default_factory=dict)
    output: OutputPath | None = None
    epochs: Any = 3
    method: str = "lora"


class Result(ToolResult):
    pass


def make_tool(name: str = "finetune", effects: Sequence[Effect] = (Effect.READS_FILES,)) -> Tool:
    return Tool(
        name=name, summary=name, doc=name, args=Args, result=Result, effects=frozenset(effects), run=lambda args, ctx: Result(summary=""),
        estimate=lambda args, workspace: Estimate(), checks=lambda args, result: (), example={},
    )  # fmt: skip
