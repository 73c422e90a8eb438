"""Which calls of a plan the ledger holds already: they are reused when their turn comes, and take no time.

Two facts to know. No file is read, as no plan may wait for 10 GB: an input counts by its remembered hash (one that was touched since is
another one), and what the call left by its size. And references are followed as long as the steps that they point to are held too.

NOT here: the reuse itself (execute.py), which reads every byte before it believes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from modelwright.contract import Tool
from modelwright.errors import ModelwrightError
from modelwright.graphs import ledger, references
from modelwright.types import Artifact, Json
from modelwright.workspace import Workspace

Held = Callable[[str, Tool, Json], bool]
"""Whether the result of this call (step, tool, arguments) is held; steps are asked about in the order of their plan."""


@contextmanager
def held(workspace: Path, seed: int | None) -> Iterator[Held]:
    """The ledger of a workspace, read without writing. Nothing is held where there is none, nor without a seed."""
    database = Workspace(workspace).database
    if seed is None or not database.is_file():
        yield lambda step, tool, args: False
        return
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
        db.row_factory = sqlite3.Row
        results: dict[str, Json] = {}

        def holds(step: str, tool: Tool, args: Json) -> bool:
            found = _result(tool, args, results, workspace, seed, db)
            results.update({} if found is None else {step: found})
            return found is not None

        yield holds


def _result(tool: Tool, args: Json, results: dict[str, Json], workspace: Path, seed: int, db: sqlite3.Connection) -> Json | None:
    if tool.volatile:
        return None
    with contextlib.suppress(LookupError, TypeError, ValueError, RuntimeError, OSError, ModelwrightError, sqlite3.Error):
        real = references.resolve(args, results.__getitem__)
        inputs = ledger.remembered_input_hashes(tool, real, workspace, db)
        entry = ledger.Ledger(db).find(ledger.call_key(tool, real, inputs, seed))
        if entry and entry.status == "done" and entry.result is not None and _is_there(entry.result):
            return entry.result
    return None


def _is_there(result: Json) -> bool:
    """Every file that the call left is there with its size; of a folder only that it is there."""
    left = [Artifact.model_validate(item) for item in result.get("artifacts", [])]
    return all(Path(a.path).is_dir() or (Path(a.path).is_file() and Path(a.path).stat().st_size == a.bytes) for a in left)
