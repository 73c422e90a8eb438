"""Whether every value of a plan follows from the source that it names: the proof that nothing was invented.

A source is request[a:b] (a slice of the request), answer, step s1, template NAME, workspace, memory:ID, session: … (what
earlier turns explain) or default; several are separated by commas. A slice proves a value when code finds that value in it.
Memory and sessions prove only what the caller knows of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.graphs.planning import phrases, scripts
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.units import in_own_unit
from modelwright.graphs.planning.workflows import all_workflows
from modelwright.types import Plan, Thing

SOURCE = re.compile(r"session: [^,]+|request\[\d+:\d+\]|step s\d+|template \w+|memory:[\w.-]+|answer|default|workspace|repair")

_EXPRESSION = re.compile(r"[\\\[\](){}^$*+|]")


def unsupported(plan: Plan, workspace: Path, memory: Mapping[str, Any] | None = None, things: Sequence[Thing] = ()) -> list[str]:
    """Arguments whose value does not follow from their source, each as `s1.name=value from source`.

    `memory` are the facts by their ids, `things` what the conversation gave for this request.
    """
    known = {**{f"memory:{id}": [value] for id, value in (memory or {}).items()}, **_by_source(things)}
    wrong = []
    for step in plan.steps:
        for name, value in step.args.items():
            sources = SOURCE.findall(step.sources.get(name, ""))
            for item in value if isinstance(value, list) else [value]:
                if not any(_supports(source, name, item, plan.request, workspace, known) for source in sources):
                    wrong.append(f"{step.id}.{name}={item!r} from {step.sources.get(name)!r}")
    return wrong


def unproved(args: Mapping[str, Any], sources: Mapping[str, str], request: str, workspace: Path) -> list[str]:
    """Arguments of one step that are said to stand in the request, and do not follow from the place that is named."""

    def holds(name: str, item: Any) -> bool:
        places = SOURCE.findall(sources[name])
        return any(not p.startswith("request") or _supports(p, name, item, request, workspace, {}) for p in places)

    told = [(name, value) for name, value in args.items() if sources.get(name, "").startswith("request")]
    return [name for name, value in told if not all(holds(name, item) for item in (value if isinstance(value, list) else [value]))]


def _supports(source: str, name: str, value: Any, request: str, workspace: Path, known: Mapping[str, Sequence[Any]]) -> bool:
    if source.startswith("request"):
        start, end = map(int, re.findall(r"\d+", source))
        if isinstance(value, int | float) and _is_converted(name, value, request, start, end):
            return True
        said = request[start:end]
        if (name, value) == ("metrics", "regex") and _EXPRESSION.search(said):
            return True  # a pattern is there to be matched
        return any(_follows(text, value, workspace) or phrases.says(name, text, value) for text in (said, scripts.in_english(said)))
    if source.startswith("step"):
        return str(value).startswith(f"${source.split()[1]}.")
    if source.startswith("template"):
        found = next((w for w in all_workflows(workspace) if w.name == source.split()[1]), None)
        return found is not None and json.dumps(value) in json.dumps([[s.wiring, s.unless_said] for s in found.steps])
    if source.startswith(("memory", "session")):
        return value in known.get(source, ())
    if source == "workspace":
        return (workspace / str(value)).exists()
    return source in ("answer", "repair") or (source == "default" and value == "builtin")


def _is_converted(name: str, value: float, request: str, start: int, end: int) -> bool:
    """Whether it is the number of the slice in the argument's own unit: 800 for `0.8 s` in milliseconds."""
    return any(in_own_unit(name, 1.0, float(found.value), request, end) == value for found in find_numbers(request[start:end]))


def _by_source(things: Sequence[Thing]) -> dict[str, list[Any]]:
    """Things that share a source ("both": two models of one step) prove all of their values."""
    found: dict[str, list[Any]] = {}
    for thing in things:
        found.setdefault(thing.source, []).append(thing.value)
    return found


def _follows(text: str, value: Any, workspace: Path) -> bool:
    if isinstance(value, str) and value in text:
        return True
    found: Sequence[Any] = [candidate.value for candidate in find(text, workspace)]
    if isinstance(value, bool):
        return str(value).lower() in text.lower()
    if isinstance(value, int | float):
        return any(isinstance(f, int | float) and value in (f, round(f / 1000 * 1024), f * 1024) for f in found)
    return str(value).lower() in [str(f).lower() for f in found] or _spoken(value) in _spoken(text)


def _spoken(value: str) -> str:
    return re.sub(r"[\W_]+", "", value.lower())
