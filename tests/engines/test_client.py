"""Jobs in real child processes: run once, joined, limited, killed, and nobody left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from modelwright.engines import client
from modelwright.errors import EngineCrashed, EngineMissing, Interrupted, JobLimit, ToolFailed, TrainingFailed

ROOT = Path(__file__).parents[2]
ENGINE = "tests.engines.toy_engine"


@pytest.fixture(autouse=True)
def child_finds_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "job"


def spec(folder: Path, do: str = "work", **more: Any) -> dict[str, Any]:
    return {"do": do, "counter": str(folder.parent / "counter"), **more}


def times_run(folder: Path) -> int:
    return len((folder.parent / "counter").read_text())


def marked_processes(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(client.MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_job_gives_its_result_progress_and_log(folder: Path) -> None:
    said: list[dict[str, Any]] = []
    assert client.run_job(ENGINE, spec(folder), folder, progress=said.append) == {"answer": 42}
    assert [line["step"] for line in said] == [0, 1, 2, 3]
    assert "a line for the log" in (folder / "log.txt").read_text()


def test_a_finished_job_is_not_run_again(folder: Path) -> None:
    client.run_job(ENGINE, spec(folder), folder)
    usage = client.Usage()
    assert client.run_job(ENGINE, spec(folder), folder, usage=usage) == {"answer": 42}
    assert usage.reused
    assert times_run(folder) == 1


def test_the_childs_own_error_arrives_as_its_type(folder: Path) -> None:
    with pytest.raises(TrainingFailed, match="NaN at step 3") as caught:
        client.run_job(ENGINE, spec(folder, "fail"), folder)
    assert caught.value.fix == "lower the learning rate"


def test_a_failed_job_is_tried_again_when_asked_again(folder: Path) -> None:
    with pytest.raises(TrainingFailed):
        client.run_job(ENGINE, spec(folder, "fail"), folder)
    assert client.run_job(ENGINE, spec(folder, "work"), folder) == {"answer": 42}


def test_an_unexpected_error_becomes_one_line(folder: Path) -> None:
    with pytest.raises(ToolFailed, match="KeyError: 'surprise'"):
        client.run_job(ENGINE, spec(folder, "bug"), folder)
    assert "Traceback" in (folder / "log.txt").read_text()


def test_a_missing_package_names_the_pip_line(folder: Path) -> None:
    with pytest.raises(EngineMissing) as caught:
        client.run_job(ENGINE, spec(folder, "import"), folder)
    assert caught.value.fix == "pip install no_such_package_anywhere"
    assert caught.value.exit_code == 6


def test_a_killed_child_is_a_crash_that_may_be_retried(folder: Path) -> None:
    with pytest.raises(EngineCrashed) as caught:
        client.run_job(ENGINE, spec(folder, "die"), folder)
    assert caught.value.retryable


def test_time_is_limited(folder: Path) -> None:
    with pytest.raises(JobLimit, match="longer than 1 s"):
        client.run_job(ENGINE, spec(folder, seconds=60), folder, limits=client.JobLimits(seconds=1))
    assert marked_processes(folder) == []


def test_memory_is_limited(folder: Path) -> None:
    with pytest.raises(JobLimit, match=r"more than 0\.3 GB"):
        client.run_job(ENGINE, spec(folder, "eat"), folder, limits=client.JobLimits(memory_bytes=300_000_000))
    assert marked_processes(folder) == []


@pytest.mark.parametrize("do", ["escape", "escape_and_die"])
def test_a_grandchild_that_left_the_process_group_is_swept(folder: Path, do: str) -> None:
    if do == "escape":
        client.run_job(ENGINE, spec(folder, do), folder)
    else:
        with pytest.raises(EngineCrashed):
            client.run_job(ENGINE, spec(folder, do), folder)
    assert marked_processes(folder) == []


@pytest.mark.parametrize("do", ["work", "stubborn"])
def test_ctrl_c_leaves_no_child_behind(folder: Path, do: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GRACE_SECONDS", 0.5)
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted):
        client.run_job(ENGINE, spec(folder, do, seconds=60), folder)
    timer.join()
    assert marked_processes(folder) == []


PARENT = """
import json, sys
from pathlib import Path
from modelwright.engines import client
client.run_job(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]))
"""


def test_a_running_job_of_a_killed_parent_is_joined_not_doubled(folder: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ENGINE, json.dumps(spec(folder, seconds=3)), str(folder)])
    deadline = time.monotonic() + 20
    while not (folder / "events.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    assert len(marked_processes(folder)) == 1
    usage = client.Usage()
    assert client.run_job(ENGINE, spec(folder, seconds=3), folder, usage=usage) == {"answer": 42}
    assert usage.joined
    assert times_run(folder) == 1


def test_a_killed_job_that_still_holds_its_lock_is_waited_for_and_not_joined(folder: Path) -> None:
    folder.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    signed = {"pid": dead.pid, "create_time": psutil.Process(dead.pid).create_time()}
    (folder / "pid.json").write_text(json.dumps(signed))
    dead.kill()  # not waited for: its first thread is a zombie, and another process stands for the threads that are still going
    hold = f"import fcntl, time; f = open({str(folder / 'lock')!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); time.sleep(0.5)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        usage = client.Usage()
        assert client.run_job(ENGINE, spec(folder), folder, usage=usage) == {"answer": 42}
    assert not usage.joined
    assert times_run(folder) == 1
    dead.communicate()


def test_a_torn_line_of_events_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = client._new_lines(path, 0)
    path.write_bytes(b'{"step": 1}\n{"ste')
    assert next(lines) == [{"step": 1}]
    with path.open("ab") as stream:
        stream.write(b'p": 2}\n')
    assert next(lines) == [{"step": 2}]
