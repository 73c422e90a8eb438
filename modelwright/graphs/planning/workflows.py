"""Known ways of doing several things: TOML files in workflows/, each a list of steps with their wiring.

needs = ["finetune", "compare"]     the request asks for all of these
may = ["quantize"]                  and these belong to it when they are asked for too
[[steps]]
tool = "export_model"
skip_if_gguf = true                 not needed when the source already is a GGUF file
wiring = { model = "@source" }      always so: @source is the model that the request starts from, @TOOL.FIELD a
                                    result of an earlier step, @dataset what the first step trains on
unless_said = { types = ["Q8_0"] }  where the request says nothing
expect = { verdict = "better" }     what the result must say for the run to be verified
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from modelwright.types import Strict


class TemplateStep(Strict):
    tool: str
    wiring: dict[str, Any] = Field(default_factory=dict)
    unless_said: dict[str, Any] = Field(default_factory=dict)
    expect: dict[str, Any] = Field(default_factory=dict)
    skip_if_gguf: bool = False


class Workflow(Strict):
    name: str
    summary: str
    needs: list[str]
    may: list[str] = Field(default_factory=list)
    steps: list[TemplateStep]

    @property
    def covers(self) -> set[str]:
        return {*self.needs, *self.may}


@lru_cache(maxsize=1)
def all_workflows() -> tuple[Workflow, ...]:
    folder = files(__package__).joinpath("workflows")
    found = [Workflow.model_validate(tomllib.loads(f.read_text(encoding="utf-8"))) for f in folder.iterdir() if f.name.endswith(".toml")]
    return tuple(sorted(found, key=lambda w: (-len(w.needs), w.name)))


def choose(tools: Iterable[str], known: Iterable[str]) -> Workflow | None:
    """The workflow with the most needs that are all asked for, each once, and whose tools are all installed."""
    asked, installed = list(tools), set(known)
    for workflow in all_workflows():
        once = all(asked.count(tool) == 1 for tool in workflow.needs)
        if once and all(step.tool in installed for step in workflow.steps):
            return workflow
    return None
