"""A tool's own page, from its schemas: for `tools NAME`, for docs/tools.md, and as JSON for other agents."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Mapping

from modelwright.contract import Tool
from modelwright.plantable import listing
from modelwright.types import Json

ONE_ROW_A_FIELD = 100
"""columns"""


def as_json(tool: Tool) -> Json:
    return {
        "name": tool.name,
        "version": tool.version,
        "summary": tool.summary,
        "description": tool.doc,
        "effects": sorted(e.value for e in tool.effects),
        "args": tool.args_schema,
        "result": tool.result_schema,
        "example": tool.example,
    }


def command(name: str, args: Mapping[str, object]) -> str:
    """The call of a tool as it is typed: every value as a shell takes it."""
    return " ".join(["modelwright", "call", name, *(f"{key}={shlex.quote(_value(value))}" for key, value in args.items())])


def text(tool: Tool, width: int | None = None) -> str:
    """Plain text for a terminal of `width` columns."""
    rest = tool.doc.removeprefix(tool.summary).strip()
    said = [f"{tool.name}: {tool.summary}", *(["", *rest.splitlines()] if rest else [])]
    lines = [textwrap.fill(line, width) if width else line for line in said]
    lines += ["", "arguments"]
    lines += [_rows(tool.args_schema, width)]
    lines += ["", "result"]
    lines += [_rows(tool.result_schema, width)]
    lines += ["", f"effects: {', '.join(sorted(e.value for e in tool.effects))}", f"example: {command(tool.name, tool.example)}"]
    return "\n".join(lines)


def _rows(schema: Json, width: int | None) -> str:
    """A field a row; on a narrow terminal the type stands in front of what the field means."""
    if width and width < ONE_ROW_A_FIELD:
        return listing([(f"  {name}", f"{kind}: {about}") for name, kind, about in fields(schema)], width)
    return listing([(f"  {name:<18} {kind:<22}", about) for name, kind, about in fields(schema)], width)


def markdown(tool: Tool) -> str:
    """A section of docs/tools.md."""
    rest = tool.doc.removeprefix(tool.summary).strip()
    lines = [
        f"## {tool.name}",
        "",
        tool.summary,
        *(["", rest] if rest else []),
        "",
        f"Effects: {', '.join(sorted(e.value for e in tool.effects))}.",
        "",
    ]
    for title, schema in (("argument", tool.args_schema), ("result", tool.result_schema)):
        lines += [f"| {title} | type | |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {_cell(kind)} | {_cell(about)} |" for name, kind, about in fields(schema)]
        lines += [""]
    return "\n".join([*lines, "```bash", command(tool.name, tool.example), "```", ""])


def fields(schema: Json) -> list[tuple[str, str, str]]:
    """(name, type, what it means and its default) of each field."""
    required = schema.get("required", [])
    found = []
    for name, part in schema.get("properties", {}).items():
        about = " ".join(str(part.get("description", "")).split())
        if name in required and "args" not in name:
            about = f"{about} (required)" if "default" not in part else about
        elif part.get("default") is not None:
            about = f"{about} (default {json.dumps(part['default'])})"
        found.append((name, _type(part, schema), about))
    return found


def _type(part: Json, root: Json) -> str:
    if "$ref" in part:
        return _type(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], root)
    if "anyOf" in part:
        return " or ".join(_type(p, root) for p in part["anyOf"] if p.get("type") != "null")
    if "enum" in part:
        return ", ".join(map(str, part["enum"]))
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}), root)}"
    return str(part.get("x-role") or part.get("title" if part.get("type") == "object" else "type", "any"))


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def _value(value: object) -> str:
    if isinstance(value, list) and value and all(isinstance(v, str) and "," not in v for v in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
