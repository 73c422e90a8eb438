"""How far a benchmark says that it is: by request, over all loads, repeats and sides."""

from __future__ import annotations

from typing import Any, cast

import pytest

from modelwright.engines import bench_progress
from modelwright.engines.bench_progress import Progress
from modelwright.engines.child import Job

Json = dict[str, Any]


class Listener:
    """The part of a job that hears of progress."""

    def __init__(self) -> None:
        self.heard: list[Json] = []

    def progress(self, message: str, **numbers: Any) -> None:
        self.heard.append({"message": message, **numbers})


def test_each_request_moves_it_on_and_the_rest_is_reckoned_from_those_that_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, job = iter(float(n) for n in range(100)), Listener()
    monkeypatch.setattr(bench_progress, "clock", lambda: next(clock))
    progress = Progress(cast(Job, job), 3, _began=0.0)
    progress.at("a, concurrency 1")
    for _ in range(3):
        progress.ended()
    assert [(one["step"], one["steps"]) for one in job.heard] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert "eta_seconds" not in job.heard[0]
    assert job.heard[1]["eta_seconds"] > job.heard[2]["eta_seconds"] > job.heard[3]["eta_seconds"] == 0
    assert {one["message"] for one in job.heard} == {"a, concurrency 1"}


def test_a_thousand_requests_a_second_are_told_twice_and_the_last_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    now, job = [0.0], Listener()
    monkeypatch.setattr(bench_progress, "clock", lambda: now[0])
    progress = Progress(cast(Job, job), 1000)
    progress.at("a")
    for _ in range(1000):
        now[0] += 1 / 1024
        progress.ended()
    assert [one["step"] for one in job.heard] == [0, 512, 1000]
