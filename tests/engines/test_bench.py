"""The parts of a benchmark: lengths, marks, conversations, the machine's meter, and what is said beside the numbers."""

from __future__ import annotations

import json
import os
import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from modelwright.engines import bench_machine
from modelwright.engines.bench_prompts import Lengths, conversations, from_rows, made
from modelwright.engines.bench_verdict import compare
from modelwright.engines.load_types import opened
from modelwright.errors import DataError
from modelwright.scoring.latency import Record


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "uniform"])
def test_lengths_have_the_mean_and_the_spread_that_were_asked_for(distribution: str) -> None:
    requests = made(Lengths(100, 50, distribution, 0.3), 800, seed=1, salt="x")
    prompts = [request.prompt_tokens for request in requests]
    assert statistics.mean(prompts) == pytest.approx(100, rel=0.04)
    assert statistics.stdev(prompts) == pytest.approx(30, rel=0.1)
    assert min(request.output_tokens for request in requests) >= 1
    assert made(Lengths(200, 50), 2, seed=1, salt="x")[1].prompt_tokens == 200


def test_two_runs_differ_in_their_marks_alone() -> None:
    first, second = (made(Lengths(30, 5, "normal"), 4, seed=1, salt=salt) for salt in ("aa-", "bb-"))
    assert [one.text.split(" ", 1)[1] for one in first] == [one.text.split(" ", 1)[1] for one in second]
    assert not {one.text.split()[0] for one in first} & {one.text.split()[0] for one in second}
    assert len({one.text for one in first}) == 4


def test_prompts_of_a_data_set_are_the_turns_before_the_answer_behind_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    path.write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    rows = conversations(path)
    requests = from_rows(rows, Lengths(1, 9), 2, seed=1, salt="s-")
    assert [request.messages[0]["content"] for request in requests] == ["s-0 Hi", "s-1 Hi"]
    assert rows[0][0]["content"] == "Hi"
    path.write_text(json.dumps({"messages": turns[1:]}) + "\n", encoding="utf-8")
    with pytest.raises(DataError):
        conversations(path)


def test_poisson_arrivals_keep_their_rate_and_differ_from_constant_ones() -> None:
    poisson, constant = (opened(4.0, 2000, arrival, 1, seed=1).arrivals for arrival in ("poisson", "constant"))
    assert poisson[-1] == pytest.approx(500, rel=0.06)
    assert constant[-1] == pytest.approx(1999 / 4)
    gaps = [b - a for a, b in pairwise(poisson)]
    assert statistics.stdev(gaps) == pytest.approx(0.25, rel=0.1)


def test_the_meter_sees_memory_and_leaves_out_our_own_work() -> None:
    with bench_machine.Meter([os.getpid()], gpu=False) as meter:
        block = bytearray(80_000_000)
        sum(range(3_000_000))
    assert meter.usage.peak_memory_bytes is not None
    assert meter.usage.peak_memory_bytes > len(block)
    assert meter.usage.other_cpu_cores <= (os.cpu_count() or 1) + 0.5
    with bench_machine.Meter([], gpu=False) as elsewhere:
        pass
    assert elsewhere.usage.peak_memory_bytes is None


def test_energy_is_told_from_the_counters_and_over_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench_machine.Meter([], gpu=False).usage.energy_joules is None
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    counter.parent.mkdir()
    counter.write_text("9000000")
    (counter.parent / "max_energy_range_uj").write_text("10000000")
    monkeypatch.setattr(bench_machine, "RAPL", tmp_path)
    with bench_machine.Meter([], gpu=False) as meter:
        counter.write_text("2000000")
    assert meter.usage.energy_joules == pytest.approx(3.0)
    assert "intel-rapl:0" in bench_machine.system_card()["energy"]


def block(ttft: float, index: int) -> list[Record]:
    times = tuple(ttft + 0.1 * i for i in range(5))
    return [Record(index, 0.0, 0.0, times[0], times[-1], times, prompt_tokens=10, output_tokens=5)]


def test_blocks_that_one_side_did_not_finish_are_left_out_of_a_comparison() -> None:
    a = [block(0.5, i) for i in range(9)]
    b = [block(0.25, i) for i in range(8)] + [[Record(8, 0.0, 0.0, error="refused")]]
    found = {one.metric: one for one in compare("concurrency 1", a, b)}
    assert {one.blocks for one in found.values()} == {8}
    assert found["ttft_ms"].verdict == "B is better"
    assert found["ttft_ms"].percent == pytest.approx(-50)
    assert found["tpot_ms"].verdict == "cannot tell"
