"""The lock and the script: what is in them, and that the script really runs the same calls and sees a difference."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright import __version__, tools
from modelwright.agent import report
from modelwright.agent.standalone import Repeat, run_tool
from modelwright.config import Settings
from modelwright.errors import BadRequest, ToolFailed
from modelwright.graphs import ledger, references
from modelwright.types import Json

ROOT = Path(__file__).parents[3]


def really_run(sheet: Any, workspace: Path, calls: list[tuple[str, Json]]) -> None:
    """Run tools as the executor does, and write them down: results of real work."""
    results: dict[str, Json] = {}
    for index, (name, args) in enumerate(calls, 1):
        resolved = references.resolve(args, results.__getitem__)
        result = run_tool(name, resolved, workspace, sheet.workspace.run_dir(sheet.run), settings=Settings(), step=f"s{index}").model_dump(
            mode="json"
        )
        inputs = ledger.input_hashes(tools.load(name), resolved, workspace, sheet.db)
        results[sheet.step(name, args, result, resolved=resolved, inputs=inputs)] = result


def run_script(script: Path, workspace: Path, plugin: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(plugin)])}
    command = [sys.executable, str(script), "--workspace", str(workspace), "--output", str(workspace / "again")]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False)


@pytest.fixture
def script(paper: Callable[..., Any], workspace: Path) -> Path:
    """reproduce.py of a run that inspected a data set, wrote two models and measured them."""
    (workspace / "a.txt").write_text("some text\n", encoding="utf-8")
    sheet = paper()
    really_run(
        sheet,
        workspace,
        [
            ("inspect_dataset", {"dataset": "a.txt"}),
            ("tiny_tune", {"dataset": str(workspace / "a.txt"), "output": "models/tuned.txt"}),
            ("tiny_tune", {"dataset": "models/tuned.txt"}),
            ("tiny_measure", {"models": ["$s2.model", "$s3.model"]}),
        ],
    )
    return Path(report.write(*sheet.close())["lock"]).with_name("reproduce.py")


def test_the_script_reads_like_the_plan(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    assert 's2 = run("tiny_tune", {"dataset": "a.txt", "output": output("models/tuned.txt")}, step="s2")' in lines
    assert 's3 = run("tiny_tune", {"dataset": output("models/tuned.txt")}, step="s3")' in lines
    assert 's4 = run("tiny_measure", {"models": [s2.model, s3.model]}, step="s4")' in lines


def test_the_script_runs_without_the_agent_and_finds_every_file_equal(script: Path, workspace: Path, plugin: Path) -> None:
    first = (workspace / "models/tuned.txt").stat().st_mtime_ns
    done = run_script(script, workspace, plugin)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "every file is equal to the first run's"
    assert "s2  equal   model  tuned.txt" in done.stdout
    assert "s1 inspect_dataset: reading the data set" in done.stderr
    assert (workspace / "again/models/tuned.txt").is_file()
    assert (workspace / "models/tuned.txt").stat().st_mtime_ns == first, "the first run's file was written over"


def test_the_script_sees_a_changed_input_and_that_the_files_differ(script: Path, workspace: Path, plugin: Path) -> None:
    (workspace / "a.txt").write_text("other text\n", encoding="utf-8")
    done = run_script(script, workspace, plugin)
    assert done.returncode == 1
    assert "a.txt is not what it was in the first run" in done.stderr
    assert "s2  differs  model  tuned.txt" in done.stdout


def test_the_script_says_in_one_line_what_is_missing(script: Path, workspace: Path, plugin: Path) -> None:
    (workspace / "a.txt").unlink()
    done = run_script(script, workspace, plugin)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")


def test_a_script_without_its_lock_says_so(script: Path, workspace: Path, plugin: Path) -> None:
    moved = workspace / "reproduce.py"
    shutil.copy(script, moved)
    done = run_script(moved, workspace, plugin)
    assert done.returncode == 2
    assert "keep lock.json beside reproduce.py" in done.stderr


def test_the_lock_holds_versions_seed_arguments_inputs_and_outputs(script: Path, workspace: Path) -> None:
    lock = json.loads(script.with_name("lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]["modelwright"] == __version__
    assert lock["packages"]["pydantic"]
    assert lock["settings"]["seed"] == 7
    assert lock["settings"]["threads"] == 0
    assert len(lock["plan"]["hash"]) == 64
    second = lock["steps"][1]
    assert second["tool"] == "tiny_tune"
    assert second["version"] == "1"
    assert second["args"]["dataset"] == str(workspace / "a.txt")
    assert [len(sha256) for sha256 in second["inputs"].values()] == [64]
    assert second["artifacts"][0]["path"].endswith("models/tuned.txt")


def test_a_policy_hash_in_the_trace_is_in_the_lock(paper: Callable[..., Any]) -> None:
    from modelwright.events import EventType

    sheet = paper()
    sheet.emitter.emit(EventType.DECISION, "s1", decision="allow", rule="all", policy_hash="ab" * 32)
    sheet.step("tiny_measure", {"models": ["builtin"]}, {"summary": "counted", "letters": 3})
    lock = json.loads(Path(report.write(*sheet.close())["lock"]).read_text(encoding="utf-8"))
    assert lock["policy"]["hash"] == "ab" * 32


def test_run_tool_refuses_a_result_that_fails_its_checks(plugin: Path, workspace: Path) -> None:
    with pytest.raises(ToolFailed, match="letters were counted"):
        run_tool("tiny_measure", {"models": ["nothing"]}, workspace, workspace / "out", settings=Settings())


def test_run_tool_names_a_wrong_argument(plugin: Path, workspace: Path) -> None:
    with pytest.raises(BadRequest, match="did you mean dataset"):
        run_tool("tiny_tune", {"datasets": "a"}, workspace, workspace / "out", settings=Settings())


def test_a_lock_that_is_none_is_refused(workspace: Path) -> None:
    (workspace / "lock.json").write_text("[]", encoding="utf-8")
    with pytest.raises(BadRequest, match="not a lock that can be read"):
        Repeat.beside(workspace / "lock.json", workspace)
