"""Known ways of doing several things: TOML files in workflows/, and a user's own in .modelwright/workflows/.

needs = ["finetune", "compare"]     the request asks for all of these
may = ["quantize"]                  and these belong to it when they are asked for too
said = ["nightly check"]            or it says one of these (words, in any case); `workflow NAME` always counts
[[steps]]
tool = "export_model"
only_if_asked = true                left out unless the request asks for it
only_if_gguf = true                 only where the source is a GGUF file or the built-in model, or the request asks for it
skip_if_gguf = true                 not needed when the source already is a GGUF file
wiring = { model = "@source" }      always so: @source is the model that the request starts from, @TOOL.FIELD a
                                    result of an earlier step, @dataset what the first step trains on
unless_said = { types = ["Q8_0"] }  where the request says nothing
expect = { verdict = "better" }     what the result must say for the run to be verified

A file that does not read is a ConfigError with its name, the key and the reason; nothing is planned around it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from modelwright.contract import Tool
from modelwright.errors import ConfigError
from modelwright.types import Strict

OWN = Path(".modelwright") / "workflows"


class TemplateStep(Strict):
    tool: str
    wiring: dict[str, Any] = Field(default_factory=dict)
    unless_said: dict[str, Any] = Field(default_factory=dict)
    expect: dict[str, Any] = Field(default_factory=dict)
    skip_if_gguf: bool = False
    only_if_gguf: bool = False
    only_if_asked: bool = False


class Workflow(Strict):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    summary: str
    needs: list[str]
    may: list[str] = Field(default_factory=list)
    said: list[str] = Field(default_factory=list)
    steps: list[TemplateStep] = Field(min_length=1)

    @property
    def covers(self) -> set[str]:
        return {*self.needs, *self.may}


def all_workflows(workspace: Path | None = None) -> tuple[Workflow, ...]:
    """The packaged ones and the workspace's own, those with the most needs first; an own one goes before a packaged one."""
    own = _own(workspace) if workspace else ()
    return tuple(sorted([*own, *_packaged()], key=lambda w: -len(w.needs)))


@lru_cache(maxsize=1)
def _packaged() -> tuple[Workflow, ...]:
    folder = files(__package__).joinpath("workflows")
    found = [Workflow.model_validate(tomllib.loads(f.read_text(encoding="utf-8"))) for f in folder.iterdir() if f.name.endswith(".toml")]
    return tuple(sorted(found, key=lambda w: w.name))


def _own(workspace: Path) -> list[Workflow]:
    found: dict[str, Workflow] = {}
    for file in sorted((workspace / OWN).glob("*.toml")):
        workflow = _read(file)
        if workflow.name in found:
            raise ConfigError(f"{file}: name: a second workflow is called {workflow.name}", fix="rename one of them")
        found[workflow.name] = workflow
    return list(found.values())


def _read(file: Path) -> Workflow:
    try:
        workflow = Workflow.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}", fix="see docs/workflows.md") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: not readable as TOML: {error}") from None
    lacking = sorted(workflow.covers - {step.tool for step in workflow.steps})
    if lacking:
        raise ConfigError(f"{file}: steps: none uses {lacking[0]}, which is in needs or may", fix="add the step, or take it out")
    return workflow


def check_own(workspace: Path, tools: Mapping[str, Tool]) -> None:
    """Raise ConfigError for an own workflow that names a tool or an argument that is not there."""
    for file in sorted((workspace / OWN).glob("*.toml")):
        for number, step in enumerate(_read(file).steps, 1):
            if step.tool not in tools:
                raise ConfigError(f"{file}: steps.{number}.tool: no tool is called {step.tool!r}", fix=f"tools: {', '.join(sorted(tools))}")
            unknown = sorted({*step.wiring, *step.unless_said} - set(tools[step.tool].args.model_fields))
            if unknown:
                raise ConfigError(
                    f"{file}: steps.{number}: {step.tool} has no argument {unknown[0]!r}", fix=f"see `modelwright tools {step.tool}`"
                )
            strange = sorted(set(step.expect) - set(tools[step.tool].result.model_fields))
            if strange:
                raise ConfigError(f"{file}: steps.{number}.expect: {step.tool} does not give {strange[0]!r}")


def choose(tools: Iterable[str], known: Iterable[str], workspace: Path | None = None, *, ordered: bool = False) -> Workflow | None:
    """The workflow with the most needs that are all asked for, each once, and whose tools are all installed.

    `ordered`: the request says what comes after what, so the steps must be asked for in the workflow's order.
    """
    asked, installed = list(tools), set(known)
    for workflow in all_workflows(workspace):
        once = bool(workflow.needs) and all(asked.count(tool) == 1 for tool in workflow.needs)
        if once and (not ordered or _in_order(workflow, asked)) and all(step.tool in installed for step in workflow.steps):
            return workflow
    return None


def _in_order(workflow: Workflow, asked: Sequence[str]) -> bool:
    """Whether what is asked for comes in the order of the steps: "compare, then fine-tune" is another thing."""
    order = [step.tool for step in workflow.steps]
    places = [order.index(tool) for tool in asked if tool in workflow.covers and order.count(tool) == 1]
    return places == sorted(places)


def called(name: str) -> Workflow:
    """A packaged one."""
    return next(w for w in _packaged() if w.name == name)


def named(request: str, known: Iterable[str], workspace: Path | None = None) -> Workflow | None:
    """The workflow that the request calls by its name or by what is said for it."""
    installed = set(known)
    for workflow in all_workflows(workspace):
        spoken = workflow.name.replace("_", "[ _-]")
        phrases = [rf"workflow[: ]+[\"'`]?{spoken}\b", rf"\b{spoken}[\"'`]? workflow", *(rf"\b{re.escape(p)}\b" for p in workflow.said)]
        if any(re.search(p, request, re.IGNORECASE) for p in phrases) and all(s.tool in installed for s in workflow.steps):
            return workflow
    return None
