"""The capabilities, one file each: `tools/NAME.py` holds a Tool called NAME.

Built-in tools are found by file name, tools of installed packages by the entry-point group `modelwright.tools`.
Names and summaries are listed without importing a built-in tool (building all schemas takes 0.6 s); `load` imports
one. A file whose name starts with `_` is no tool. An installed tool that cannot be loaded is left out and told by `broken`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        found = _load_installed(name)
    else:
        near = get_close_matches(name, names(), n=2)
        raise BadRequest(
            f"no tool is called {name!r}", fix=f"did you mean {' or '.join(near)}?" if near else f"tools: {', '.join(names())}"
        )
    if not isinstance(found, Tool) or found.name != name:
        raise ConfigError(f"the entry point {name!r} of {_package(name)} does not give a tool of that name", fix=_removal(name))
    return found


def _load_installed(name: str) -> Any:
    point, *others = _installed()[name]
    if others:
        raise _taken(name, others[0].value)
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # whatever a package of others does when it is imported
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigError(
            f"the tool {name} of the package {_package(name)} cannot be loaded: {type(error).__name__}: {reason:.200}", fix=_removal(name)
        ) from error


def _taken(name: str, by: str) -> ConfigError:
    return ConfigError(f"two tools are called {name!r}; one comes from {by}", fix="uninstall one of them")


def _package(name: str) -> str:
    point = _installed()[name][0]
    return point.dist.name if point.dist else point.value


def _removal(name: str) -> str:
    return f"update it, or pip uninstall {_package(name)}"


class _Loading(Mapping[str, "Tool"]):
    """Tools that are imported when they are asked for."""

    def __init__(self, usable: list[str]) -> None:
        self._usable = dict.fromkeys(usable)

    def __getitem__(self, name: str) -> Tool:
        if name not in self._usable:
            raise KeyError(name)
        return load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._usable

    def __iter__(self) -> Iterator[str]:
        return iter(self._usable)

    def __len__(self) -> int:
        return len(self._usable)


def load_all() -> Mapping[str, Tool]:
    """Every tool that can be loaded, each imported when it is first looked at (all take 0.6 s); `broken` tells the others."""
    return _Loading(_usable())


def _usable() -> list[str]:
    faulty = broken()
    return [name for name in names() if name in _built_in() or name not in faulty]


def broken() -> dict[str, ConfigError]:
    """The installed tools that cannot be used, each with what is wrong."""
    found: dict[str, ConfigError] = {}
    for name, points in _installed().items():
        try:
            if name in _built_in():
                raise _taken(name, points[0].value)
            load(name)
        except ConfigError as error:
            found[name] = error
    return found


def summaries() -> dict[str, str]:
    """name -> what it does in one line, of every tool that can be loaded."""
    return {name: _summary_in_source(name) if name in _built_in() else load(name).summary for name in _usable()}


def _summary_in_source(name: str) -> str:
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return (ast.get_docstring(function) or "").partition("\n")[0]


@lru_cache(maxsize=1)
def _built_in() -> frozenset[str]:
    return frozenset(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


@lru_cache(maxsize=1)
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points by name: one each, unless packages disagree."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=GROUP):
        found[point.name] = (*found.get(point.name, ()), point)
    return found
