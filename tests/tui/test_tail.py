"""A log that grows, is cut, and is another one."""

from __future__ import annotations

import os
from pathlib import Path

from modelwright.tui.tail import Tail, job_log


def test_only_whole_lines_are_given_and_new_ones_are_added(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"one\ntw")
    tail = Tail()
    assert tail.look(log) == ["one"]
    with log.open("ab") as stream:
        stream.write(b"o\n10%\r50%\r100%\n\xff\n")
    assert tail.look(log) == ["one", "two", "100%", "�"], "of a line that was drawn over itself the last state"
    log.write_bytes(b"new\n")
    assert tail.look(log) == ["new"]


def test_the_newest_log_is_found_unless_it_is_of_an_earlier_run(tmp_path: Path) -> None:
    for name, age in (("a", 100), ("b", 200)):
        log = tmp_path / ".modelwright" / "jobs" / name / "1-x" / "log.txt"
        log.parent.mkdir(parents=True)
        log.touch()
        os.utime(log, (age, age))
    assert job_log(tmp_path, 0) == tmp_path / ".modelwright" / "jobs" / "b" / "1-x" / "log.txt"
    assert job_log(tmp_path, 300) is None
