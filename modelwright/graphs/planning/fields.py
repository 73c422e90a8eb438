"""The arguments of a tool as the planner needs them: role, type, allowed values, whether required."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelwright.contract import Tool
from modelwright.graphs.references import follow
from modelwright.types import Json, ToolArgs, ToolResult


@dataclass(frozen=True)
class FieldSpec:
    name: str
    type: str
    """string, integer, number, boolean, array or object."""
    role: str = ""
    """dataset, model, file, documents (a file argument that may be a folder or a glob), output; of the items for a list."""
    required: bool = False
    default: Any = None
    allowed: tuple[str, ...] = ()
    description: str = ""
    inner: str = ""
    """Its type; of the items for a list."""
    least: float | None = None
    most: float | None = None
    """Bounds of a number, both allowed; of the items for a list."""
    most_items: int | None = None

    @property
    def is_list(self) -> bool:
        return self.type == "array"


@lru_cache(maxsize=128)
def fields_of(args: type[ToolArgs]) -> dict[str, FieldSpec]:
    schema = args.model_json_schema()
    required = set(schema.get("required", ()))
    return {name: _field(name, part, schema, name in required) for name, part in schema.get("properties", {}).items()}


def main_dataset(tool: Tool) -> FieldSpec | None:
    """The required data set, or the first one."""
    found = [f for f in fields_of(tool.args).values() if f.role == "dataset"]
    return next((f for f in found if f.required), found[0] if found and found[0].name == "dataset" else None)


def made_models(tool: Tool) -> dict[str, bool]:
    """The fields of its result that are models which it wrote; True for lists. A tool without an output only echoes one."""
    if not any(field.role == "output" for field in fields_of(tool.args).values()):
        return {}
    return _model_results(tool.result)


def measures(tool: Tool) -> bool:
    """Whether it says how good models are on data: such data should not be what they were trained on."""
    fields = fields_of(tool.args)
    needs_model = any(f.role == "model" and f.required for f in fields.values())
    return needs_model and main_dataset(tool) is not None and not made_models(tool)


@lru_cache(maxsize=128)
def _model_results(result: type[ToolResult]) -> dict[str, bool]:
    schema = result.model_json_schema()
    found = {name: _field(name, part, schema, True) for name, part in schema.get("properties", {}).items()}
    return {name: field.is_list for name, field in found.items() if field.role == "model"}


_FOLDER = re.compile(r"folder|director|glob|documents", re.IGNORECASE)
PATH_NAMES = frozenset({"path", "file", "folder", "source"})


def _role(name: str, part: Json, description: str) -> str:
    """Declared; a plain string that is called path and says so is one too."""
    role = str(part.get("x-role", ""))
    if not role and part.get("type") == "string" and name in PATH_NAMES and re.search(r"folder|file|path|glob", description, re.IGNORECASE):
        role = "file"
    return "documents" if role == "file" and _FOLDER.search(description) else role


def _field(name: str, part: Json, root: Json, required: bool) -> FieldSpec:
    default, description = part.get("default"), part.get("description", "")
    plain = follow(part, root)
    items = follow(plain.get("items", {}), root)
    inner = items if plain.get("type") == "array" else plain
    return FieldSpec(
        name,
        str(plain.get("type", "object")),
        _role(name, inner, description),
        required,
        default,
        tuple(str(v) for v in inner.get("enum", [inner["const"]] if "const" in inner else ())),
        description,
        str(inner.get("type", "object")),
        inner.get("minimum"),
        inner.get("maximum"),
        plain.get("maxItems"),
    )
