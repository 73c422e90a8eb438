"""Writes the script that runs a run's calls again: no agent, no planner, no policy, one line a step.

References between steps become Python variables. What the steps write goes below `--output`, never over the first
run's files, so that the two can be compared. Steps that did not run are left as a comment.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from modelwright import tools
from modelwright.graphs import ledger, references
from modelwright.types import Json

HEAD = '''"""Runs the {count} of run {run} again, without agent, planner or policy, and compares the files with lock.json.

    python reproduce.py --workspace FOLDER [--output FOLDER]

Paths are as seen from the workspace; what is written goes below the output folder. Exit code 0: every file is equal.
"""

import sys

from modelwright.agent.standalone import Repeat

repeat = Repeat.from_command_line(__file__)
run, output = repeat.run, repeat.output
'''
TAIL = "\nsys.exit(repeat.compare({results}))\n"


def script(run: str, plan: Json, lock: Json, workspace: Path) -> str:
    """The script's text, from the plan and the lock's resolved arguments."""
    ran = [step for step in lock["steps"] if step["status"] in ("done", "unverified")]
    lines = [HEAD.format(count=f"{len(ran)} step" + ("" if len(ran) == 1 else "s"), run=run)]
    planned = {step["id"]: step for step in plan["steps"]}
    writer = _Writer(workspace)
    for step in lock["steps"]:
        if step in ran:
            lines.append(
                f"{step['id']} = run({_literal(step['tool'])}, {writer.arguments(planned[step['id']], step)}, step={_literal(step['id'])})"
            )
        else:
            lines.append(f"# {step['id']} ({step['tool']}) did not finish in the first run: {step['status']}")
    results = ", ".join(f"{step['id']}={step['id']}" for step in ran)
    return "\n".join(lines) + "\n" + TAIL.format(results=results)


class _Writer:
    """Arguments as Python source; remembers which paths earlier steps were told to write."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._written: list[PurePosixPath] = []

    def arguments(self, planned: Json, done: Json) -> str:
        tool = tools.load(done["tool"])
        self._written += [
            path for role, value in ledger.values_with_role(tool, done["args"]) if role == "output" and (path := self._inside(value))
        ]
        items = ", ".join(
            f"{_literal(name)}: {self._source(planned['args'].get(name, value), value)}" for name, value in done["args"].items()
        )
        return f"{{{items}}}"

    def _source(self, planned: Any, value: Any) -> str:
        """A reference as a variable, a path that a step writes below `output`, anything else as it is."""
        if isinstance(planned, str) and references.REFERENCE.match(planned):
            return planned.removeprefix("$")
        if isinstance(value, list):
            pairs = (
                zip(planned, value, strict=True) if isinstance(planned, list) and len(planned) == len(value) else ((v, v) for v in value)
            )
            return f"[{', '.join(self._source(p, v) for p, v in pairs)}]"
        if isinstance(value, dict):
            before = planned if isinstance(planned, dict) else value
            return f"{{{', '.join(f'{_literal(k)}: {self._source(before.get(k, v), v)}' for k, v in value.items())}}}"
        path = self._inside(value) if isinstance(value, str) else None
        if path is None:
            return _literal(value)
        written = any(path == one or one in path.parents for one in self._written)
        return f"output({_literal(str(path))})" if written else _literal(str(path) if Path(value).is_absolute() else value)

    def _inside(self, value: str) -> PurePosixPath | None:
        """The path as seen from the workspace, for anything that could be one and lies inside."""
        if not value or "\n" in value or len(value) > 1000:
            return None
        path = Path(value)
        if path.is_absolute():
            return PurePosixPath(path.relative_to(self._workspace)) if path.is_relative_to(self._workspace) else None
        return None if ".." in path.parts else PurePosixPath(path)


def _literal(value: Any) -> str:
    """Python source of a plain JSON value, strings with double quotes."""
    if isinstance(value, str):
        return json.dumps(value)
    return repr(value)
