"""Tools without the agent: `run_tool` calls one with real child processes, `Repeat` is what a reproduce.py is made of.

    result = run_tool("quantize", {"model": "builtin", "types": ["Q4_K_M"]}, Path("."), Path("again"))

Nothing here asks a policy, counts a budget or writes to the ledger: whoever runs it has decided. Progress goes to
stderr. A job that was cut off is started anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import config, modelrefs, tools
from modelwright.canonical import sha256_of_path
from modelwright.config import Settings
from modelwright.errors import BadRequest, ModelwrightError, ToolFailed
from modelwright.files import clear_os_errors, discard
from modelwright.graphs.context import RunContext
from modelwright.text import one_line
from modelwright.types import Json, ToolResult


def run_tool(name: str, args: Json, workspace: Path, output: Path, *, settings: Settings | None = None, step: str = "s1") -> Any:
    """Run one tool and give its typed result. Raises what the tool raises, ToolFailed when a check does not pass."""
    tool = tools.load(name)
    validated = tool.validate(args)
    jobs = output.absolute() / "jobs" / step
    discard(jobs)
    context = RunContext(
        workspace=workspace.resolve(),
        output_dir=output.absolute() / f"{step}-{name}",
        job_dir=jobs,
        settings=settings or config.load(workspace),
        report=lambda numbers: _say(step, name, numbers),
    )
    with clear_os_errors(output):
        output.mkdir(parents=True, exist_ok=True)
        result = tool.run(validated, context)
    for check in tool.checks(validated, result):
        if not check.passed:
            raise ToolFailed(f"{step} ({name}) ran but is not verified: {check.name}: {check.detail}")
    _say(step, name, {"message": result.summary})
    return result


def _say(step: str, name: str, numbers: Json) -> None:
    at = f" {numbers['step']}/{numbers['steps']}" if numbers.get("steps") else ""
    print(f"{step} {name}{at}: {one_line(str(numbers.get('message', '')))}", file=sys.stderr, flush=True)


@dataclass
class Repeat:
    """A run that is run again, beside the lock of the first."""

    lock: Json
    workspace: Path
    folder: Path
    """Where everything goes that is written."""
    settings: Settings

    @classmethod
    def from_command_line(cls, script: str) -> Repeat:
        parser = argparse.ArgumentParser(description="Run the steps of a run again and compare the files with lock.json.")
        parser.add_argument("--workspace", type=Path, default=Path(), help="folder that relative paths start from")
        parser.add_argument("--output", type=Path, help="where to write; reproduced-RUN in the workspace if unset")
        given = parser.parse_args()
        try:
            return cls.beside(Path(script).with_name("lock.json"), given.workspace, given.output)
        except ModelwrightError as error:
            sys.exit(_complain(error))

    @classmethod
    def beside(cls, lock_file: Path, workspace: Path, output: Path | None = None) -> Repeat:
        """Read the lock. Raises BadRequest when it is not there or not one."""
        try:
            lock = json.loads(lock_file.read_text(encoding="utf-8"))
            seed, threads = lock["settings"]["seed"], lock["settings"]["threads"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadRequest(f"{lock_file} is not a lock that can be read: {error}", fix="keep lock.json beside reproduce.py") from None
        settings = config.load(workspace, seed=seed, threads=threads)
        made = cls(lock, workspace.resolve(), (output or workspace / f"reproduced-{lock['run']}").absolute(), settings)
        made.warn_of_changed_inputs()
        return made

    def output(self, path: str) -> str:
        """Where a file goes that the first run wrote at `path`."""
        return str(self.folder / path)

    def run(self, name: str, args: Json, *, step: str) -> Any:
        """One step. Ends the program with the tool's own exit code when it fails."""
        try:
            return run_tool(name, args, self.workspace, self.folder, settings=self.settings, step=step)
        except ModelwrightError as error:
            sys.exit(_complain(error))

    def warn_of_changed_inputs(self) -> None:
        """Inputs that were there before the first run and now have other bytes: then other results are no surprise."""
        made = {artifact["path"] for step in self.lock["steps"] for artifact in step["artifacts"]}
        for step in self.lock["steps"]:
            for value, sha256 in step["inputs"].items():
                if value not in made and len(sha256) == 64 and self._hash_of(value) != sha256:
                    print(f"{step['id']}: the input {value} is not what it was in the first run", file=sys.stderr)

    def _hash_of(self, value: str) -> str:
        path = self.workspace / Path(value).expanduser()
        if not path.exists():
            try:
                path = Path(modelrefs.resolve(value, self.workspace).path)
            except ModelwrightError:
                return "missing"
        return sha256_of_path(path)

    def compare(self, **results: ToolResult) -> int:
        """Print for each artifact whether it is equal to the first run's. Exit code 0 when all are, else 1."""
        equal = True
        for step in self.lock["steps"]:
            again = results[step["id"]].artifacts if step["id"] in results else []
            for index, artifact in enumerate(step["artifacts"]):
                same = index < len(again) and again[index].sha256 == artifact["sha256"]
                equal = equal and same
                print(f"{step['id']}  {'equal ' if same else 'differs'}  {artifact['kind']}  {Path(artifact['path']).name}")
        print("every file is equal to the first run's" if equal else "some files differ: see packages, threads and processor in lock.json")
        return 0 if equal else 1


def _complain(error: ModelwrightError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code
