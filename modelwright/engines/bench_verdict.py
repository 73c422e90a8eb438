"""What the numbers of a benchmark allow to be said: the differences between two sides, and what spoils them.

A block is one repeat of one load on both sides; its value is the median over its requests (for throughput, the block's
own). Only blocks where both sides finished something are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from modelwright.engines.bench_machine import QUIET
from modelwright.scoring import latency
from modelwright.scoring.latency import DEFINITIONS, Record
from modelwright.scoring.load_points import Point
from modelwright.scoring.signed_rank import FEWEST_BLOCKS, Difference, difference

Json = dict[str, Any]
Blocks = Sequence[Sequence[Record]]
COMPARED = {"output_tokens_per_second": True, "ttft_ms": False, "tpot_ms": False, "scheduled_e2e_ms": False}
"""What is compared, and whether more of it is better. The first decides in a closed load, the last in an open one."""
LATE_MS = 50.0


def compare(load: str, a: Blocks, b: Blocks) -> list[Difference]:
    """One difference for each quantity that both sides have in at least one block."""
    found = []
    for name, more_is_better in COMPARED.items():
        pairs = [(_block(x, name), _block(y, name)) for x, y in zip(a, b, strict=True)]
        whole = [(x, y) for x, y in pairs if x and y]
        if whole:
            first, second = zip(*whole, strict=True)
            about = f"{load}: {DEFINITIONS[name]}"
            found.append(difference(name, about, first, second, more_is_better=more_is_better))
    return found


def _block(records: Sequence[Record], name: str) -> float | None:
    if name == "output_tokens_per_second":
        return latency.per_second([records], name).value if any(record.ok for record in records) else None
    values = latency.values(records, name)
    return median(values) if values else None


def notes(points: Sequence[Point], workload: Json, system: Json) -> list[str]:
    """What a reader must know beside the numbers."""
    return [note for one in points for note in _of_point(one)] + list(_of_all(points, workload))


def _of_point(one: Point) -> Iterable[str]:
    place = f"{one.side}, {one.load}"
    if one.errors:
        kind, count = next(iter(one.error_kinds.items()))
        yield f"{place}: {one.errors} of {one.requests} requests failed ({count} x {kind})"
    if one.output_as_asked is False and one.output_tokens:
        asked = f"{one.output_tokens.min:g} to {one.output_tokens.max:g} tokens"
        yield f"{place}: the output length could not be enforced, answers have {asked}: compare TPOT, not throughput"
    if one.machine.other_cpu_cores > QUIET:
        yield f"{place}: other processes used {one.machine.other_cpu_cores:.1f} cores, so the engine is faster than this on a quiet machine"
    if one.counted_by == "chunks":
        yield f"{place}: the server tells no usage, tokens are counted as chunks"
    if one.rate is not None and one.queue_ms and (one.queue_ms.p95 or one.queue_ms.max) > LATE_MS:
        waited = one.queue_ms.p95 or one.queue_ms.max
        yield f"{place}: requests waited up to {waited:.0f} ms before they were sent: the load is more than is kept up with"


def _of_all(points: Sequence[Point], workload: Json) -> Iterable[str]:
    most = max(one.requests for one in points)
    if most < 1000:
        yield f"p99 is left out: it needs 1000 requests a load, there are {most}"
    if len(workload["sides"]) > 1 and workload["repeats"] < FEWEST_BLOCKS:
        yield f"{workload['repeats']} blocks name no winner at 99%: give repeats={FEWEST_BLOCKS} or more"
    if workload["sides"][0]["engine"] == "endpoint":
        yield "an endpoint's TTFT holds its own queue and the network"
