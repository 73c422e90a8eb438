"""Ctrl-C and a termination signal in the middle of a real job: exit code 130, no child left, and a resume that finishes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

CALL = ["call", "evaluate", "model=builtin", "dataset=data.jsonl", "metrics=contains", "max_new_tokens=48", "--yes"]


@pytest.fixture(autouse=True)
def data(workspace: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"Tell me a story about {w}."}, {"role": "assistant", "content": w}]}
        for w in ("rain", "bread", "ships")
    ]
    (workspace / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def engine_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        mark = (process.info["environ"] or {}).get("MODELWRIGHT_JOB", "")
        if mark.startswith(str(Path.cwd())) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_no_child_and_goes_on(sign: signal.Signals) -> None:
    agent = subprocess.Popen([sys.executable, "-m", "modelwright", *CALL], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(Path(".modelwright/jobs").rglob("pid.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engine_processes()
    agent.send_signal(sign)
    _, narration = agent.communicate(timeout=60)
    assert agent.returncode == 130, narration
    assert "Traceback" not in narration
    assert "modelwright resume" in narration
    assert engine_processes() == []
    done = subprocess.run(
        [sys.executable, "-m", "modelwright", "resume", "last", "--json"], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"][0]["result"]["rows"] == 3
