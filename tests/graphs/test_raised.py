"""What a tool raises that is none of our errors, as it reaches the user."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from modelwright.errors import ToolFailed
from modelwright.graphs.raised import typed
from tests.graphs.toys import MakeHarness, read_note, steps


def test_a_file_that_is_no_text_is_named_and_is_the_callers_to_mend(harness: MakeHarness, workspace: Path) -> None:
    (workspace / "a.txt").write_bytes(b"caf\xe9")
    state = harness(steps(("read_note", {"path": "a.txt"}))).start()
    assert state["error"]["exit_code"] == 2
    assert f"{workspace / 'a.txt'} is not utf-8 text (byte 0xe9" in state["error"]["message"]
    assert "save it as UTF-8" in state["error"]["fix"]


def test_a_file_that_is_not_there_is_named_with_a_fix(harness: MakeHarness, workspace: Path) -> None:
    state = harness(steps(("read_note", {"path": "b.txt"}))).start()
    assert state["error"]["exit_code"] == 2
    assert state["error"]["message"] == f"read_note: {workspace / 'b.txt'} does not exist"
    assert "name a file that is there" in state["error"]["fix"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (FileNotFoundError("no rows.txt beside it"), 2, "read_note: no rows.txt beside it"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "notes"), 2, "notes: Is a directory"),
        (PermissionError(errno.EACCES, "Permission denied", "a.txt"), 2, "may not write or read a.txt"),
        (OSError(errno.ENOSPC, "No space left on device", "."), 1, "no space left for ."),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), 1, "ConnectionRefusedError: [Errno 111]"),
        (ValueError("not enough values to unpack"), 1, "read_note failed: ValueError: not enough values"),
    ],
)
def test_each_error_has_the_code_of_its_cause(error: Exception, code: int, said: str, workspace: Path) -> None:
    found = typed(error, read_note, {"path": "a.txt"}, workspace, workspace / "jobs" / "k")
    assert found.exit_code == code
    assert said in found.message


def test_the_jobs_folder_is_named_only_where_a_job_left_a_log(workspace: Path) -> None:
    job = workspace / "jobs" / "k"
    assert str(job) not in typed(KeyError("x"), read_note, {}, workspace, job).fix
    (job / "1").mkdir(parents=True)
    (job / "1" / "log.txt").write_text("said")
    found = typed(KeyError("x"), read_note, {}, workspace, job)
    assert isinstance(found, ToolFailed)
    assert found.fix == f"see {job}"
