"""From the times of single requests to latency, throughput and goodput, with the definition beside every number.

Two facts to know. TPOT and ITL mean three different things in three known tools, so numbers of two tools do not compare
unless their formulas do; `DEFINITIONS` holds ours. And a percentile is given only where enough requests carry it: p90
from 10, p95 from 20, p99 from 1000 (ten of them above it).

Not here: taking the times (engines/load_*.py), comparing two sides (scoring/signed_rank.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, stdev

from pydantic import Field

from modelwright.scoring.stats import wilson
from modelwright.types import Strict

ENOUGH = {90: 10, 95: 20, 99: 1000}
"""Requests from which a percentile is given."""
DEFINITIONS = {
    "ttft_ms": "time to first token: first non-empty token - sent, ms",
    "tpot_ms": "time per output token: (last token - first token) / (output tokens - 1), one value a request, ms",
    "icl_ms": "inter-chunk latency: gap between two chunks of one answer as they came, all requests together, ms",
    "e2e_ms": "end to end: last token - sent, ms",
    "queue_ms": "queue time: sent - scheduled, ms; sent is when the engine took the request up, for an endpoint when it went out "
    "(what waits in a server is in its TTFT)",
    "scheduled_e2e_ms": "end to end with waiting: last token - scheduled, ms; unlike e2e_ms it shows when a load cannot be kept up",
    "prefill_tokens_per_second": "prompt tokens / TTFT, one value a request; an endpoint's TTFT has its queue and the network in it",
    "decode_tokens_per_second": "(output tokens - 1) / (last token - first token) = 1000 / TPOT, one value a request",
    "prompt_tokens": "tokens of a prompt as the engine counted them",
    "output_tokens": "tokens of an answer as the engine counted them",
    "output_tokens_per_second": "output tokens of all finished requests / (last end - first scheduled), the run-down at the end included",
    "requests_per_second": "finished requests / (last end - first scheduled)",
    "error_rate": "failed requests / all requests; failed ones stay in the count and give no latency",
    "goodput": "requests a second that meet every part of the objective, waiting before they were sent included in TTFT and E2E",
}


@dataclass(frozen=True)
class Record:
    """One request. Times are seconds on one clock; `first` and `end` are NaN when it failed before its first token."""

    index: int
    scheduled: float
    sent: float
    first: float = math.nan
    end: float = math.nan
    chunks: tuple[float, ...] = field(default=())
    """When each non-empty chunk came."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    wanted_tokens: int = 0
    """Tokens asked for; 0 when the answer might end by itself."""
    cached_tokens: int | None = None
    """Prompt tokens taken from a prefix cache; None when the engine does not say."""
    finish: str = ""
    counted_by: str = "engine"
    """engine: the engine's own count. chunks: one token a chunk, as the server tells no usage."""
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


class Spread(Strict):
    """How one quantity is spread over the requests of a load."""

    definition: str
    n: int = Field(description="values: requests, or gaps between chunks")
    mean: float
    sd: float | None = Field(description="standard deviation; null for one value")
    min: float
    p50: float
    p90: float | None = Field(description="null below 10 values")
    p95: float | None = Field(description="null below 20 values")
    p99: float | None = Field(description="null below 1000 values")
    max: float


class Rate(Strict):
    """Something per second (or a share) over a whole load, and its value in each repeat."""

    definition: str
    value: float = Field(description="over all repeats: the mean of their values")
    repeats: list[float] = Field(description="one value a repeat")


class Goodput(Strict):
    definition: str
    objective: dict[str, float] = Field(description="ttft_ms, tpot_ms, e2e_ms: the most that a good request takes, ms")
    requests_per_second: float
    share: float = Field(description="good requests / all requests, failed ones included")
    low: float = Field(description="lower end of the share's 95% interval (Wilson)")
    high: float = Field(description="upper end of the share's 95% interval (Wilson)")


@dataclass(frozen=True)
class Objective:
    """What a request must stay within, ms; None asks for nothing."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None

    def as_dict(self) -> dict[str, float]:
        parts = {"ttft_ms": self.ttft_ms, "tpot_ms": self.tpot_ms, "e2e_ms": self.e2e_ms}
        return {name: value for name, value in parts.items() if value is not None}

    def met_by(self, record: Record) -> bool:
        """Waiting before it was sent counts: otherwise an overloaded engine would look good."""
        if not record.ok:
            return False
        measured = {
            "ttft_ms": (record.first - record.scheduled) * 1000,
            "tpot_ms": tpot_ms(record) or 0.0,
            "e2e_ms": (record.end - record.scheduled) * 1000,
        }
        return all(measured[name] <= most for name, most in self.as_dict().items())


def tpot_ms(record: Record) -> float | None:
    """None for an answer of one token, which has no gap."""
    if record.output_tokens < 2:
        return None
    return (record.end - record.first) / (record.output_tokens - 1) * 1000


def values(records: Sequence[Record], name: str) -> list[float]:
    """The values of one quantity of DEFINITIONS over the finished requests."""
    done = [record for record in records if record.ok]
    if name == "icl_ms":
        return [(after - before) * 1000 for record in done for before, after in pairwise(record.chunks)]
    found = (_value(record, name) for record in done)
    return [value for value in found if value is not None]


def _value(record: Record, name: str) -> float | None:
    if name in ("prompt_tokens", "output_tokens"):
        return float(getattr(record, name))
    if name in ("tpot_ms", "decode_tokens_per_second"):
        gap = tpot_ms(record)
        return gap if name == "tpot_ms" or not gap else 1000 / gap
    if name == "prefill_tokens_per_second":
        read = record.prompt_tokens - (record.cached_tokens or 0)
        return read / (record.first - record.sent) if record.first > record.sent else None
    start, end = {
        "ttft_ms": (record.sent, record.first),
        "e2e_ms": (record.sent, record.end),
        "queue_ms": (record.scheduled, record.sent),
        "scheduled_e2e_ms": (record.scheduled, record.end),
    }[name]
    return (end - start) * 1000


def percentile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest of the sorted values (Hyndman and Fan's type 7, as NumPy does)."""
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def spread(records: Sequence[Record], name: str) -> Spread | None:
    """None when no request gave a value."""
    ordered = sorted(values(records, name))
    if not ordered:
        return None
    found = {p: percentile(ordered, p / 100) if len(ordered) >= least else None for p, least in ENOUGH.items()}
    return Spread(
        definition=DEFINITIONS[name],
        n=len(ordered),
        mean=fmean(ordered),
        sd=stdev(ordered) if len(ordered) > 1 else None,
        min=ordered[0],
        p50=percentile(ordered, 0.5),
        p90=found[90],
        p95=found[95],
        p99=found[99],
        max=ordered[-1],
    )


def seconds_of(records: Sequence[Record]) -> float:
    """From the first scheduled moment to the last end, over finished requests; never zero."""
    done = [record for record in records if record.ok]
    if not done:
        return 1e-9
    return max(max(record.end for record in done) - min(record.scheduled for record in records), 1e-9)


def per_second(repeats: Sequence[Sequence[Record]], name: str) -> Rate:
    """`output_tokens_per_second` or `requests_per_second`, each repeat by its own clock."""
    weight = (lambda record: record.output_tokens) if name.startswith("output") else (lambda record: 1)
    each = [sum(weight(record) for record in part if record.ok) / seconds_of(part) for part in repeats]
    return Rate(definition=DEFINITIONS[name], value=fmean(each), repeats=each)


def goodput(repeats: Sequence[Sequence[Record]], objective: Objective) -> Goodput:
    every = [record for part in repeats for record in part]
    good = sum(map(objective.met_by, every))
    rate = wilson(good, len(every))
    return Goodput(
        definition=DEFINITIONS["goodput"],
        objective=objective.as_dict(),
        requests_per_second=good / sum(map(seconds_of, repeats)),
        share=rate.mean,
        low=rate.low,
        high=rate.high,
    )


class Knee(Strict):
    """Where more load starts to cost more latency than it gives throughput."""

    load: str = Field(description="the load's name, as in points")
    output_tokens_per_second: float
    latency_ms: float = Field(description="median end-to-end latency with waiting there, ms")
    how: str


def knee(loads: Sequence[tuple[str, float, float]]) -> Knee | None:
    """Of (name, throughput, latency) the point farthest below the line from the least to the most throughput, both
    scaled to 0..1 (Satopää et al. 2011, "Finding a kneedle in a haystack"). None below three points, or when no point
    lies below that line, as then latency does not bend upwards within the measured loads."""
    ordered = sorted(loads, key=lambda one: (one[1], one[2]))
    if len(ordered) < 3:
        return None
    (_, x0, _), (_, x1, _) = ordered[0], ordered[-1]
    y0, y1 = (pick(one[2] for one in ordered) for pick in (min, max))
    if x1 <= x0 or y1 <= y0:
        return None
    below = [((x - x0) / (x1 - x0) - (y - y0) / (y1 - y0), name, x, y) for name, x, y in ordered]
    depth, name, x, y = max(below)
    if depth < 0.05 or name == ordered[-1][0]:
        return None
    how = f"farthest ({depth:.2f} of 1) below the line from the least to the most throughput, both scaled to 0..1 (Kneedle)"
    return Knee(load=name, output_tokens_per_second=x, latency_ms=y, how=how)
