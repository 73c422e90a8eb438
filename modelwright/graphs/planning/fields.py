"""The arguments of a tool as the planner needs them: role, type, allowed values, whether required."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelwright.contract import Tool
from modelwright.types import Json, ToolArgs, ToolResult


@dataclass(frozen=True)
class FieldSpec:
    name: str
    type: str
    """string, integer, number, boolean, array or object."""
    role: str = ""
    """dataset, model, file, output; of the items for a list."""
    required: bool = False
    default: Any = None
    allowed: tuple[str, ...] = ()
    description: str = ""

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


def _field(name: str, part: Json, root: Json, required: bool) -> FieldSpec:
    default, description = part.get("default"), part.get("description", "")
    plain = _plain(part, root)
    items = _plain(plain.get("items", {}), root)
    inner = items if plain.get("type") == "array" else plain
    return FieldSpec(
        name,
        str(plain.get("type", "object")),
        str(inner.get("x-role", "")),
        required,
        default,
        tuple(str(v) for v in inner.get("enum", [inner["const"]] if "const" in inner else ())),
        description,
    )


def _plain(part: Json, root: Json) -> Json:
    if "$ref" in part:
        return _plain(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], root)
    real = [a for a in part.get("anyOf", ()) if a.get("type") != "null"]
    return _plain(real[0], root) if len(real) == 1 else part
