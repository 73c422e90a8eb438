"""SIGKILL at every node boundary, around the effect, and inside the child job; then the same command again.

Finished work is reused, nothing runs twice, nothing half-written is taken for whole.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENT = [
    "node.plan",
    "node.gate",
    "node.route",
    "node.route:2",
    "node.execute",
    "node.execute:2",
    "node.execute:3",
    "node.verify",
    "node.verify:2",
    "node.report",
    "node.remember",
    "execute.after_intent",
    "execute.after_intent:2",
    "client.child_started",
    "client.child_started:2",
    "execute.after_effect",
    "execute.after_effect:2",
    "execute.after_outcome",
    "execute.after_outcome:2",
]
CHILD = ["job.start", "job.begin", "job.half_written", "job.publish", "job.before_result"]


def go(root: Path, fault: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **({"MODELWRIGHT_FAULT": fault} if fault else {})}
    return subprocess.run(
        [sys.executable, "-m", "tests.graphs.kill_run", str(root)], capture_output=True, text=True, env=env, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    done = go(tmp_path_factory.mktemp("undisturbed") / "w")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def without_paths(results: object, root: Path) -> str:
    return json.dumps(results).replace(str(root), "")


@pytest.mark.parametrize("fault", AGENT)
def test_the_agent_is_killed_and_resumed(fault: str, tmp_path: Path, undisturbed: dict[str, object]) -> None:
    root = tmp_path / "w"
    killed = go(root, fault)
    assert killed.returncode == -9, "the fault point was not reached"
    resumed = go(root)
    assert resumed.returncode == 0, resumed.stderr
    found = json.loads(resumed.stdout)
    assert (found["status"], found["spent"]) == ("done", 3)
    assert sorted((root / "jobs.txt").read_text().split()) == ["1", "2"], "a job ran twice"
    assert found["results"]["s3"] == undisturbed["results"]["s3"]  # type: ignore[index]
    assert found["results"]["s1"]["artifacts"][0]["sha256"] == undisturbed["results"]["s1"]["artifacts"][0]["sha256"]  # type: ignore[index]


@pytest.mark.parametrize("fault", CHILD)
def test_the_child_is_killed_and_the_step_tried_again(fault: str, tmp_path: Path, undisturbed: dict[str, object]) -> None:
    root = tmp_path / "w"
    done = go(root, f"{fault}@{tmp_path / 'mark'}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mark").exists(), "the fault point was not reached"
    found = json.loads(done.stdout)
    assert found["status"] == "done"
    assert found["results"]["s1"]["artifacts"][0]["sha256"] == undisturbed["results"]["s1"]["artifacts"][0]["sha256"]  # type: ignore[index]
    assert not list(root.rglob("*.partial"))
