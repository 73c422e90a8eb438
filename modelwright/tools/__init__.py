"""The capabilities, one file each: `tools/NAME.py` holds a Tool called NAME.

Built-in tools are found by file name, tools of installed packages by the entry-point group `modelwright.tools`.
Names are listed without importing anything; `load` imports one. A file whose name starts with `_` is no tool.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from modelwright.errors import BadRequest, ConfigError
from modelwright.tool import Tool

GROUP = "modelwright.tools"


def names() -> list[str]:
    """Every tool's name, sorted, without importing one."""
    return sorted({*_built_in(), *_installed()})


def load(name: str) -> Tool:
    """The tool called `name`. Raises BadRequest with the nearest names when there is none."""
    if name in _built_in():
        found = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    elif name in _installed():
        found = _installed()[name].load()
    else:
        near = get_close_matches(name, names(), n=2)
        raise BadRequest(f"no tool is called {name!r}", fix=f"did you mean {' or '.join(near)}?" if near else f"tools: {', '.join(names())}")
    if not isinstance(found, Tool) or found.name != name:
        raise ConfigError(f"the entry point {name!r} does not give a tool of that name")
    return found


def load_all() -> dict[str, Tool]:
    return {name: load(name) for name in names()}


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
