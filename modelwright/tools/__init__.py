"""The capabilities, one file each: `tools/NAME.py` holds a Tool called NAME.

Built-in tools are found by file name, tools of installed packages by the entry-point group `modelwright.tools`.
Names and summaries are listed without importing a built-in tool (building all schemas takes 0.6 s); `load` imports
one. A file whose name starts with `_` is no tool.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.errors import BadRequest, ConfigError

if TYPE_CHECKING:
    from modelwright.contract import Tool

GROUP = "modelwright.tools"


def names() -> list[str]:
    """Every tool's name, sorted, without importing one."""
    return sorted({*_built_in(), *_installed()})


def load(name: str) -> Tool:
    """The tool called `name`. Raises BadRequest with the nearest names when there is none."""
    from difflib import get_close_matches

    from modelwright.contract import Tool

    if name in _built_in():
        found = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    elif name in _installed():
        found = _installed()[name].load()
    else:
        near = get_close_matches(name, names(), n=2)
        raise BadRequest(
            f"no tool is called {name!r}", fix=f"did you mean {' or '.join(near)}?" if near else f"tools: {', '.join(names())}"
        )
    if not isinstance(found, Tool) or found.name != name:
        raise ConfigError(f"the entry point {name!r} does not give a tool of that name")
    return found


def load_all() -> dict[str, Tool]:
    return {name: load(name) for name in names()}


def summaries() -> dict[str, str]:
    """name -> what it does in one line."""
    return {name: _summary_in_source(name) if name in _built_in() else load(name).summary for name in names()}


def _summary_in_source(name: str) -> str:
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return (ast.get_docstring(function) or "").partition("\n")[0]


@lru_cache(maxsize=1)
def _built_in() -> frozenset[str]:
    return frozenset(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


@lru_cache(maxsize=1)
def _installed() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in _built_in() or point.name in found:
            raise ConfigError(f"two tools are called {point.name!r}; one comes from {point.value}", fix="uninstall one of them")
        found[point.name] = point
    return found
