"""Latency from hand-made times: the definitions by numbers, percentiles beside NumPy's, failures, goodput, the knee."""

from __future__ import annotations

import random

import numpy as np
import pytest

from modelwright.scoring import latency
from modelwright.scoring.latency import Objective, Record
from modelwright.scoring.load_points import Machine, knee_of, point

QUIET = Machine(peak_memory_bytes=None, gpu_memory_bytes=None, energy_joules=None, joules_per_output_token=None, other_cpu_cores=0.0)


def request(index: int = 0, *, scheduled: float = 0.0, waited: float = 0.0, ttft: float = 0.5, gap: float = 0.1, tokens: int = 5) -> Record:
    sent = scheduled + waited
    chunks = tuple(sent + ttft + gap * i for i in range(tokens))
    return Record(index, scheduled, sent, chunks[0], chunks[-1], chunks, prompt_tokens=100, output_tokens=tokens, wanted_tokens=tokens)


def test_every_quantity_is_what_its_definition_says() -> None:
    one = [request(waited=2.0)]
    wanted = {
        "ttft_ms": 500,
        "tpot_ms": 100,
        "icl_ms": 100,
        "e2e_ms": 900,
        "queue_ms": 2000,
        "scheduled_e2e_ms": 2900,
        "prefill_tokens_per_second": 200,
        "decode_tokens_per_second": 10,
        "prompt_tokens": 100,
        "output_tokens": 5,
    }
    for name, value in wanted.items():
        assert latency.values(one, name) == pytest.approx([value] * (4 if name == "icl_ms" else 1)), name
        assert latency.DEFINITIONS[name]
    assert latency.per_second([one], "output_tokens_per_second").value == pytest.approx(5 / 2.9)


def test_several_tokens_in_one_chunk_count_for_tpot_and_not_for_icl() -> None:
    burst = Record(0, 0, 0, 1.0, 2.0, (1.0, 2.0), prompt_tokens=10, output_tokens=5)
    assert latency.values([burst], "tpot_ms") == [250]
    assert latency.values([burst], "icl_ms") == [1000]


def test_an_answer_of_one_token_has_no_tpot() -> None:
    assert latency.spread([request(tokens=1)], "tpot_ms") is None


def test_percentiles_are_numpys_and_given_only_where_enough_requests_carry_them() -> None:
    chance = random.Random(1)
    records = [request(ttft=chance.expovariate(2)) for _ in range(1000)]
    whole = latency.spread(records, "ttft_ms")
    assert whole is not None
    times = latency.values(records, "ttft_ms")
    assert [whole.p50, whole.p90, whole.p95, whole.p99] == pytest.approx(list(np.percentile(times, [50, 90, 95, 99])))
    fewer = latency.spread(records[:999], "ttft_ms")
    assert fewer is not None
    assert fewer.p99 is None
    assert fewer.p95 is not None
    few = latency.spread(records[:9], "ttft_ms")
    assert few is not None
    assert (few.p90, few.p95, few.p99) == (None, None, None)


def test_failed_requests_are_counted_and_give_no_latency() -> None:
    failed = Record(1, 0.0, 0.0, error="the server answers 500: busy")
    made = point("m", "concurrency 1", [[request(), failed]], Objective(ttft_ms=600), QUIET, concurrency=1, rate=None, enforced=True)
    assert (made.requests, made.errors, made.error_rate) == (2, 1, 0.5)
    assert made.error_kinds == {"the server answers 500: busy": 1}
    assert made.ttft_ms is not None
    assert made.ttft_ms.n == 1
    assert made.goodput is not None
    assert made.goodput.share == 0.5
    assert made.goodput.low < 0.5 < made.goodput.high


def test_a_load_where_everything_failed_still_has_its_numbers() -> None:
    failed = [Record(i, 0.0, 0.0, error="refused") for i in range(3)]
    made = point("m", "concurrency 1", [failed], Objective(), QUIET, concurrency=1, rate=None, enforced=True)
    assert made.error_rate == 1
    assert made.ttft_ms is None
    assert made.output_tokens_per_second.value == 0
    assert made.output_as_asked is None


def test_goodput_counts_the_waiting_before_a_request_was_sent() -> None:
    objective = Objective(ttft_ms=600, tpot_ms=150, e2e_ms=1000)
    assert objective.met_by(request())
    assert not objective.met_by(request(waited=0.2))
    assert not objective.met_by(request(gap=0.2))
    assert Objective().met_by(request(waited=100))


def test_throughput_goes_by_each_repeats_own_clock() -> None:
    slow, fast = [request(0), request(1, scheduled=10)], [request(0), request(1, scheduled=1)]
    rate = latency.per_second([slow, fast], "requests_per_second")
    assert rate.repeats == pytest.approx([2 / 10.9, 2 / 1.9])
    assert rate.value == pytest.approx(np.mean(rate.repeats))


def test_the_knee_is_where_latency_starts_to_climb() -> None:
    found = latency.knee([("a", 10, 100), ("b", 50, 110), ("c", 90, 130), ("d", 95, 800), ("e", 96, 2000)])
    assert found is not None
    assert found.load == "c"


def test_there_is_no_knee_on_a_straight_line_or_below_three_loads() -> None:
    assert latency.knee([("a", 10, 100), ("b", 20, 200), ("c", 30, 300)]) is None
    assert latency.knee([("a", 10, 100), ("b", 20, 200)]) is None
    assert latency.knee([("a", 10, 100), ("b", 10, 200), ("c", 10, 300)]) is None


def test_the_knee_is_looked_for_among_loads_of_one_kind() -> None:
    def made(load: str, ttft: float, rate: float | None) -> object:
        return point("m", load, [[request(ttft=ttft)]], Objective(), QUIET, concurrency=1, rate=rate, enforced=True)

    points = [made("concurrency 1", 0.1, None), made("2", 0.2, 1.0), made("3", 9.0, 2.0)]
    assert knee_of(points) is None  # type: ignore[arg-type]
