"""A function that is described by a JSON schema as a Tool, so that it is planned like any plugin. It can be planned, not run.

Type names are JSON schema's and those of the Berkeley cases: dict, float, tuple, any. An argument that is not required may be
left out and then is None. Names that Python or pydantic keeps for itself get an underscore behind them; `Function.plain` turns
them back.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, create_model

from modelwright.contract import Tool
from modelwright.errors import DataError, ToolFailed
from modelwright.types import Effect, Estimate, Json, ToolArgs, ToolResult

PLAIN_TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "float": float,
    "number": float,
    "boolean": bool,
    "dict": dict[str, Any],
    "object": dict[str, Any],
    "any": Any,
    "null": None,
}
LISTS = ("array", "tuple")


@dataclass(frozen=True)
class Function:
    """A function of a case: its tool, and the names as the case writes them."""

    name: str
    tool: Tool
    names: Mapping[str, str]
    """Argument of the tool -> argument of the function."""

    def plain(self, args: Mapping[str, Any]) -> Json:
        """A plan's arguments under the function's own names."""
        return {self.names[name]: value for name, value in args.items()}


def function_of(schema: Mapping[str, Any]) -> Function:
    """`schema` is {"name", "description", "parameters": {"properties", "required"}}. Raises DataError for an unknown type."""
    parameters = schema.get("parameters", {})
    properties, required = parameters.get("properties", {}), set(parameters.get("required", ()))
    names = {_python_name(name): name for name in properties}
    fields = {mine: _field(schema["name"], name, properties[name], name in required) for mine, name in names.items()}
    name = tool_name(schema["name"])
    arguments = create_model(f"{name}_args", __base__=ToolArgs, **fields)
    return Function(schema["name"], _tool(name, str(schema.get("description", "")).strip() or name, arguments), names)


def tool_name(name: str) -> str:
    """`math.hypot` -> math_hypot."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _tool(name: str, description: str, arguments: type[ToolArgs]) -> Tool:
    def run(args: Any, ctx: Any) -> ToolResult:
        raise ToolFailed(f"{name} is described only, it cannot be run")

    return Tool(
        name=name,
        summary=description.splitlines()[0],
        doc=description,
        args=arguments,
        result=ToolResult,
        effects=frozenset({Effect.COMPUTES}),
        run=run,
        estimate=lambda args, workspace: Estimate(),
        checks=lambda args, result: (),
        example={},
    )


def _field(function: str, name: str, part: Mapping[str, Any], required: bool) -> Any:
    found = _type(part, f"{function}.{name}")
    described = (
        Field(description=str(part.get("description", ""))) if required else Field(None, description=str(part.get("description", "")))
    )
    return (found if required else found | None, described)


def _type(part: Mapping[str, Any], place: str) -> Any:
    listed = part.get("enum")
    if listed and all(isinstance(value, str) for value in listed):
        return Literal[tuple(listed)]
    name = str(part.get("type", "any"))
    if name in LISTS:
        items = part.get("items")
        return list[_type(items, f"{place}[]")] if isinstance(items, Mapping) else list[Any]  # type: ignore[misc]
    if name not in PLAIN_TYPES:
        raise DataError(f"{place}: unknown type {name!r}", fix=f"use one of {', '.join([*PLAIN_TYPES, *LISTS])}")
    return PLAIN_TYPES[name]


def _python_name(name: str) -> str:
    safe = re.sub(r"\W", "_", name).lstrip("_") or "value"
    kept = keyword.iskeyword(safe) or hasattr(ToolArgs, safe) or safe.startswith("model_") or safe[0].isdigit()
    return f"{'n' if safe[0].isdigit() else ''}{safe}{'_' if kept else ''}"
