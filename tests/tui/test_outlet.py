"""The worker's lines reach an app that reads late, and cost nothing when it does not read at all."""

from __future__ import annotations

import json
import os
from typing import Any

from modelwright.tui import outlet
from modelwright.tui.outlet import Outlet


def progress(n: int) -> dict[str, Any]:
    return {"event": {"type": "tool.progress", "data": {"step": n, "message": "x" * 100}}}


def test_a_reader_that_comes_late_gets_every_line_in_order() -> None:
    read, write = os.pipe()
    out = Outlet(write)
    for n in range(2000):  # 300 kB: four times what the pipe holds
        out.tell(progress(n))
    with os.fdopen(read) as stream:
        found = [json.loads(next(stream))["event"]["data"]["step"] for _ in range(2000)]
    assert found == list(range(2000))
    out.close()


def test_an_app_that_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    out = Outlet(write)
    out.tell({"ready": "x"})
    out.close()
    out.tell({"done": {}})
    os.write(write, b"a print of a library")


def test_when_nobody_reads_only_progress_is_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(outlet, "MOST", 10)
    read, write = os.pipe()
    out = Outlet(write)
    for n in range(5000):
        out.tell(progress(n))
    out.tell({"done": "all"})
    with os.fdopen(read) as stream:
        lines = [json.loads(line) for line in iter(stream.readline, '{"done": "all"}\n')]
    assert 0 < len(lines) < 5000
    out.close()
