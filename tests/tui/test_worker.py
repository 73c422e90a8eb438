"""The real worker with the scripted model: what it says, what it waits for, and that the end of the app is not the end of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.runs import Runs
from modelwright.agent.sessions import Sessions
from modelwright.workspace import Workspace

Json = dict[str, Any]
SCRIPT = """
[[plan]]
request = "look at it"
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl" }, sources = { dataset = "workspace" } }]
"""
ASKING = 'version = 1\n[[rule]]\nid = "all-asked"\nwhy = "a test asks for everything"\ndecide = "ask"\ntools = ["*"]\n'


@pytest.fixture
def folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": f"{i}."}]} for i in range(4)]
    (workspace / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (workspace / "script.toml").write_text(SCRIPT)
    (workspace / "asking.policy.toml").write_text(ASKING)
    (workspace / "modelwright.toml").write_text('model = "scripted:script.toml"\npolicy = "asking.policy.toml"\n')
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return workspace


@pytest.fixture
def worker(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "modelwright.tui.worker", "t"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def said(worker: subprocess.Popen[str], until: str) -> Json:
    """The next line that holds this key."""
    assert worker.stdout is not None
    for line in worker.stdout:
        found: Json = json.loads(line)
        if until in found:
            return found
    raise AssertionError(f"it ended without {until}")


def tell(worker: subprocess.Popen[str], **command: Any) -> None:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(command) + "\n")
    worker.stdin.flush()


def test_it_plans_asks_runs_and_answers(worker: subprocess.Popen[str], folder: Path) -> None:
    assert said(worker, "ready")["unfinished"] is None
    tell(worker, do="say", text="look at it")
    assert said(worker, "event")["event"]["type"] == "run.started"
    assert said(worker, "pending")["pending"]["calls"][0]["tool"] == "inspect_dataset"
    tell(worker, reply={"allow": ["s1"]})
    done = said(worker, "done")["done"]
    assert (done["exit_code"], done["result"]["status"]) == (0, "done")
    tell(worker, do="say", text="why?")
    assert "dataset from workspace" in said(worker, "done")["done"]["answer"]


def test_words_to_a_plan_that_waits_change_it_or_come_back(worker: subprocess.Popen[str], folder: Path) -> None:
    (folder / "other.jsonl").write_text((folder / "data.jsonl").read_text())
    tell(worker, do="say", text="look at it")
    said(worker, "pending")
    tell(worker, reply={"said": "no, use gone.jsonl"})
    assert "gone.jsonl does not exist" in said(worker, "pending")["pending"]["said"]["why"]
    tell(worker, reply={"said": "help"})
    helped = said(worker, "pending")["pending"]["said"]
    assert (helped["text"], helped["means"]) == ("help", "question")
    assert helped["why"].startswith("Say what you want")
    tell(worker, reply={"said": "with the other file other.jsonl"})
    asked = said(worker, "pending")["pending"]
    assert ("said" in asked, asked["calls"][0]["args"]) == (False, {"dataset": "other.jsonl"})
    tell(worker, reply={"allow": ["s1"]})
    assert said(worker, "done")["done"]["args"] == {"s1": {"dataset": "other.jsonl"}}


def test_when_the_app_is_gone_the_run_waits_and_is_found_again(worker: subprocess.Popen[str], folder: Path) -> None:
    tell(worker, do="say", text="look at it")
    run = said(worker, "event")["event"]["run"]
    said(worker, "pending")
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdout.close()
    worker.stdin.close()
    assert worker.wait(60) == 0
    with closing(Workspace(folder).connect()) as db:
        assert Runs(db).get(run).status == "waiting"
        assert Sessions(db).turns("t")[0].run == run
    with subprocess.Popen(
        [sys.executable, "-m", "modelwright.tui.worker", "t"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as again:
        assert said(again, "ready")["unfinished"]["run"] == run
        tell(again, do="go_on", run=run, limits=None)
        said(again, "pending")
        tell(again, reply={"allow": ["s1"]})
        assert said(again, "done")["done"]["result"]["status"] == "done"
        again.stdin.close()  # type: ignore[union-attr]


def test_a_signal_that_comes_between_two_runs_ends_nothing(worker: subprocess.Popen[str]) -> None:
    said(worker, "ready")
    time.sleep(0.5)
    os.kill(worker.pid, signal.SIGHUP)
    tell(worker, do="say", text="look at it")
    said(worker, "pending")
    tell(worker, reply=None)
    assert said(worker, "done")["done"]["result"]["status"] == "waiting"
