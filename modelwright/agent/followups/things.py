"""What a conversation has in its hands: the models and data that its runs made and used, newest first.

Read from the records of past runs: a thing was made when a result names it, and used when an argument does. Kinds are those
of the planner's candidates, so a model is never taken for a data set. Looks at the disk only to tell an adapter from a folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import tools
from modelwright.agent.past import Past, PastStep
from modelwright.contract import Tool
from modelwright.errors import BadRequest
from modelwright.graphs import references
from modelwright.graphs.ledger import values_with_role
from modelwright.types import Json, Thing
from modelwright.workspace import Workspace

MOST_RUNS = 20
"""How far back a follow-up may refer."""
KINDS = ("model", "dataset")
UNPROVED = " (not verified)"
"""Behind the source of what a step made whose checks did not all pass: a plan that takes it says so."""


@dataclass(frozen=True)
class Held:
    """One thing, and how the conversation came by it."""

    kind: str
    value: str
    source: str
    made_by: str
    """The tool that made it; empty for what was only used."""
    run: str
    form: str = ""
    """Of a model: adapter, gguf or folder."""
    original: str = ""
    """Of a made model: the one that the step started from."""
    used_by: str = ""
    """The tool whose `argument` it was, when it was only used."""
    argument: str = ""

    def called(self, label: str) -> Thing:
        return Thing(self.kind, self.value, label, self.source)


def held(pasts: Sequence[Past], workspace: Path) -> list[Held]:
    """Newest run first; in a run what was made before what was used, the last first. Each thing once a run."""
    found: list[Held] = []
    for past in pasts[:MOST_RUNS]:
        steps = list(reversed(past.steps))
        here = [*(h for step in steps for h in _made(past, step, workspace)), *(h for step in steps for h in _used(past, step, workspace))]
        found += list({(h.kind, h.value): h for h in reversed(here)}.values())[::-1]
    return found


def made_models(workspace: Workspace) -> dict[str, str]:
    """Models that runs of this folder made and that are still there -> where each is from, "quantize, run r261122-k7f2"."""
    if not workspace.database.is_file():
        return {}
    with closing(workspace.connect()) as db:
        things = held([Past.of(db, run) for run in _makers(db)], workspace.root)
    made = {thing.value: f"{thing.made_by}, run {thing.run}" for thing in reversed(things) if thing.kind == "model" and thing.made_by}
    return {value: origin for value, origin in made.items() if (workspace.root / value).exists()}


def _makers(db: sqlite3.Connection) -> list[str]:
    """The newest runs that made something; those that only looked and answered are passed over, however many came since."""
    ran = [str(row[0]) for row in db.execute("select distinct tool from ledger where status = 'done'")]
    makers = [name for name in ran if (tool := _loaded(name)) and _writes(tool)]
    marks = ", ".join("?" * len(makers))
    newest = f"select run from ledger where status = 'done' and tool in ({marks}) group by run order by max(rowid) desc limit ?"
    return [str(row[0]) for row in db.execute(newest, (*makers, MOST_RUNS))]


def _made(past: Past, step: PastStep, workspace: Path) -> Iterator[Held]:
    tool = _tool(step)
    if tool is None or not _writes(tool) or step.status not in ("done", "ran", "unverified"):
        return
    for field, role, value in _results(tool, step.result):
        source = f"session: run {past.run.id} step {step.id} {field}" + (UNPROVED if step.status == "unverified" else "")
        yield _held(role, value, source, workspace, past, made_by=step.tool, original=str(step.args.get("model", "")))


def _used(past: Past, step: PastStep, workspace: Path) -> Iterator[Held]:
    tool = _tool(step)
    if tool is None:
        return
    for name, argument in reversed(step.args.items()):
        for role, value in reversed(list(values_with_role(tool, {name: argument}))):
            if role in KINDS and not references.REFERENCE.match(value):
                source = f"session: run {past.run.id} step {step.id} {name}"
                yield _held(role, value, source, workspace, past, used_by=step.tool, argument=name)


def _held(kind: str, value: str, source: str, workspace: Path, past: Past, **more: str) -> Held:
    seen = seen_from(workspace, value)
    form = _form(workspace / seen) if kind == "model" else ""
    return Held(kind, seen, source, made_by=more.pop("made_by", ""), run=past.run.id, form=form, **more)


def _tool(step: PastStep) -> Tool | None:
    return _loaded(step.tool)


def _loaded(name: str) -> Tool | None:
    try:
        return tools.load(name)
    except BadRequest:  # it was uninstalled since
        return None


def _writes(tool: Tool) -> bool:
    """Whether it takes a place to write; else a model in its result only echoes an argument."""
    return any(references.schema_at(tool.args_schema, (name,)).get("x-role") == "output" for name in tool.args_schema["properties"])


def _results(tool: Tool, result: Json) -> Iterator[tuple[str, str, str]]:
    """(field, kind, value) of every model and data set that the result names at its top: `model`, `models[1]`."""
    for name, value in result.items():
        for path, item in _strings(name, value):
            role = references.schema_at(tool.result_schema, path).get("x-role")
            if role in KINDS:
                yield name + "".join(f"[{part}]" for part in path[1:]), str(role), item


def _strings(name: str, value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield (name,), value
    elif isinstance(value, list):
        yield from (((name, index), item) for index, item in enumerate(value) if isinstance(item, str))


def seen_from(workspace: Path, value: str) -> str:
    """A path inside the workspace as it is seen from there; anything else as it is."""
    path = Path(value)
    return str(path.relative_to(workspace)) if path.is_absolute() and path.is_relative_to(workspace) else value


def _form(path: Path) -> str:
    if (path / "adapter_config.json").is_file():
        return "adapter"
    return "gguf" if path.suffix.lower() == ".gguf" else "folder"
