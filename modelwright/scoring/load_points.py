"""One load of one side, summed up: every latency, the throughput and the errors of all its repeats.

`repeats[i]` are the records of repeat i, each with its own clock. What the machine saw meanwhile is handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from modelwright.scoring import latency
from modelwright.scoring.latency import Goodput, Knee, Objective, Rate, Record, Spread
from modelwright.types import Strict

Repeats = Sequence[Sequence[Record]]
SPREADS = (
    "ttft_ms",
    "tpot_ms",
    "icl_ms",
    "e2e_ms",
    "queue_ms",
    "scheduled_e2e_ms",
    "prefill_tokens_per_second",
    "decode_tokens_per_second",
    "prompt_tokens",
    "output_tokens",
)


class Machine(Strict):
    """What the machine saw during a load."""

    peak_memory_bytes: int | None = Field(description="resident memory of the engine's processes; null when it runs elsewhere")
    gpu_memory_bytes: int | None = Field(description="of all GPUs and all their users; null without an NVIDIA GPU")
    energy_joules: float | None = Field(description="of the whole machine, idle power included; null where it tells none")
    joules_per_output_token: float | None
    other_cpu_cores: float = Field(description="cores that other processes kept busy, mean")


class Point(Strict):
    """One load on one side."""

    side: str = Field(description="name of the model or endpoint")
    load: str
    kind: Literal["closed", "open"]
    concurrency: int = Field(description="requests at once: exactly in a closed load; in process, the slots of an open one")
    rate: float | None = Field(description="requests a second that were sent; null in a closed load")
    requests: int = Field(description="over all repeats, warm-up left out")
    errors: int
    error_rate: float = Field(description=latency.DEFINITIONS["error_rate"])
    error_kinds: dict[str, int] = Field(description="what failed and how often")
    seconds: float = Field(description="measured time of all repeats")
    ttft_ms: Spread | None
    tpot_ms: Spread | None
    icl_ms: Spread | None
    e2e_ms: Spread | None
    queue_ms: Spread | None
    scheduled_e2e_ms: Spread | None
    prefill_tokens_per_second: Spread | None
    decode_tokens_per_second: Spread | None
    prompt_tokens: Spread | None
    output_tokens: Spread | None
    output_tokens_per_second: Rate
    requests_per_second: Rate
    goodput: Goodput | None = Field(description="null without an objective")
    output_as_asked: bool | None = Field(description="every answer had the length asked for; null when none was enforced")
    counted_by: str = Field(description="engine: its own count of tokens; chunks: one token a chunk, as the server tells no usage")
    cached_tokens: int | None = Field(description="prompt tokens that came from a prefix cache; null when the engine does not say")
    machine: Machine


def point(
    side: str, load: str, repeats: Repeats, objective: Objective, machine: Machine, *, concurrency: int, rate: float | None, enforced: bool
) -> Point:
    every = [record for part in repeats for record in part]
    failed = Counter(record.error for record in every if record.error)
    done = [record for record in every if record.ok]
    spreads = {name: latency.spread(every, name) for name in SPREADS}
    told = [record.cached_tokens for record in done if record.cached_tokens is not None]
    return Point(
        side=side,
        load=load,
        kind="closed" if rate is None else "open",
        concurrency=concurrency,
        rate=rate,
        requests=len(every),
        errors=failed.total(),
        error_rate=failed.total() / len(every),
        error_kinds=dict(failed.most_common(5)),
        seconds=sum(map(latency.seconds_of, repeats)),
        output_tokens_per_second=latency.per_second(repeats, "output_tokens_per_second"),
        requests_per_second=latency.per_second(repeats, "requests_per_second"),
        goodput=latency.goodput(repeats, objective) if objective.as_dict() else None,
        output_as_asked=all(record.output_tokens == record.wanted_tokens for record in done) if enforced and done else None,
        counted_by="chunks" if any(record.counted_by == "chunks" for record in done) else "engine",
        cached_tokens=sum(told) if told else None,
        machine=machine,
        **spreads,
    )


def knee_of(points: Sequence[Point]) -> Knee | None:
    """Over the open loads of the first side where there are three, else over its closed ones."""
    own = [one for one in points if one.side == points[0].side and one.scheduled_e2e_ms]
    for kind in ("open", "closed"):
        loads = [
            (one.load, one.output_tokens_per_second.value, one.scheduled_e2e_ms.p50)
            for one in own
            if one.kind == kind and one.scheduled_e2e_ms
        ]
        if len(loads) >= 3:
            return latency.knee(loads)
    return None
