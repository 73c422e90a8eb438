"""A tool's own page, from its schemas: for `tools NAME`, for docs/tools.md, and as JSON for other agents."""

from __future__ import annotations

import json

from modelwright.contract import Tool
from modelwright.types import Json


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


def text(tool: Tool) -> str:
    """Plain text for a terminal."""
    lines = [f"{tool.name}: {tool.summary}"]
    rest = tool.doc.removeprefix(tool.summary).strip()
    if rest:
        lines += ["", rest]
    lines += ["", "arguments"]
    lines += [f"  {name:<18} {kind:<22} {about}" for name, kind, about in fields(tool.args_schema)]
    lines += ["", "result"]
    lines += [f"  {name:<18} {kind:<22} {about}" for name, kind, about in fields(tool.result_schema)]
    pairs = " ".join(f"{key}={_shell(value)}" for key, value in tool.example.items())
    lines += ["", f"effects: {', '.join(sorted(e.value for e in tool.effects))}", f"example: modelwright call {tool.name} {pairs}"]
    return "\n".join(lines)


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
    pairs = " ".join(f"{key}={_shell(value)}" for key, value in tool.example.items())
    return "\n".join([*lines, "```", f"modelwright call {tool.name} {pairs}", "```", ""])


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


def _shell(value: object) -> str:
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return ",".join(value)
    return str(value) if isinstance(value, str) else json.dumps(value)
