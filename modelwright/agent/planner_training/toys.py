"""Tools without a program, from models/planner/tools.toml: a schema that can be planned with, and requests for it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from modelwright import tools
from modelwright.contract import Tool, no_checks
from modelwright.models.adapter import FOLDER
from modelwright.types import DatasetPath, Effect, Estimate, FilePath, ModelRef, OutputPath, ToolArgs, ToolResult

TYPES: dict[str, Any] = {
    "model": ModelRef,
    "dataset": DatasetPath,
    "file": FilePath,
    "folder": FilePath,
    "output": OutputPath,
    "int": int,
    "float": float,
    "text": str,
}
_KIND = re.compile(r"(?P<list>\[)?(?P<kind>[^\]!:]+)\]?(?P<needed>!)?(?:: (?P<about>.*))?")


def toys(section: str, path: Path = FOLDER / "tools.toml") -> dict[str, Tool]:
    """The tools of [planned] or [invented]."""
    return {name: toy(name, entry) for name, entry in tomllib.loads(path.read_text(encoding="utf-8"))[section].items()}


def requests(path: Path = FOLDER / "tools.toml") -> dict[str, list[str]]:
    """Invented tool -> requests with {field} for its values."""
    return {name: entry["asks"] for name, entry in tomllib.loads(path.read_text(encoding="utf-8"))["invented"].items()}


def project_tools() -> dict[str, Tool]:
    """The installed tools, and the planned ones that are not installed."""
    return {**toys("planned"), **tools.load_all()}


def toy(name: str, entry: Mapping[str, Any]) -> Tool:
    """A tool that has a schema and cannot run."""
    args: Any = {field: _argument(field, text) for field, text in entry["fields"].items()}
    results: Any = {field: (TYPES[kind], Field(description=field)) for field, kind in entry.get("gives", {}).items()}
    return Tool(
        name=name,
        summary=entry["does"],
        doc=entry["does"],
        args=create_model(f"{name}_args", __base__=ToolArgs, **args),
        result=create_model(f"{name}_result", __base__=ToolResult, **results),
        effects=frozenset({Effect.READS_FILES}),
        run=_never,
        estimate=lambda args, workspace: Estimate(),
        checks=no_checks,
        example={},
        keywords=(),
    )


def _argument(field: str, text: str) -> tuple[Any, Any]:
    match = _KIND.fullmatch(text)
    assert match, text
    kind: Any = Literal[tuple(match["kind"].split("|"))] if "|" in match["kind"] else TYPES[match["kind"]]
    kind = list[kind] if match["list"] else kind
    about = match["about"] or (f"{field}: a folder" if match["kind"] == "folder" else field)
    return (kind, Field(description=about)) if match["needed"] else (kind | None, Field(None, description=about))


def _never(args: Any, ctx: Any) -> ToolResult:
    raise AssertionError("a toy is planned with, not run")
