"""What the load generators share: a request, a load, and the face of everything that can be put under load.

A closed load keeps a number of requests running, each the next as soon as one ends: it measures capacity. An open load
sends at moments fixed before the start, whether or not the engine keeps up: it measures latency. The two are not mixed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from modelwright.errors import BadRequest
from modelwright.scoring.latency import Record

Json = dict[str, Any]
clock = time.perf_counter
Ended = Callable[[], None]
"""Called when a request ended, well or not, from where it ran."""


def unheard() -> None:
    """Nobody counts the requests."""


@dataclass(frozen=True)
class Request:
    """One prompt to answer. `messages` from a data set, else `text` of about `prompt_tokens` tokens."""

    index: int
    prompt_tokens: int
    """Wanted; 0 with messages, whose length is as it is."""
    output_tokens: int
    text: str = ""
    messages: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Load:
    """`arrivals` are seconds after the start; without them the load is closed."""

    name: str
    concurrency: int
    """Requests that run at once: exactly so many in a closed load, at most so many in process in an open one."""
    arrivals: tuple[float, ...] = ()
    rate: float | None = None

    @property
    def is_open(self) -> bool:
        return bool(self.arrivals)


@dataclass(frozen=True)
class Options:
    """How every request of a run is answered."""

    enforce_output: bool
    """Go on behind an end of turn until output_tokens are written."""
    prefix_cache: bool
    timeout_seconds: float


def refuse_too_long(request: Request, prompt_tokens: int, context: int) -> None:
    """Raise BadRequest when a prompt and its answer do not fit `context` tokens."""
    if prompt_tokens + request.output_tokens > context:
        sizes = f"{prompt_tokens} tokens and an answer of {request.output_tokens} do not fit the model's context of {context}"
        raise BadRequest(f"request {request.index + 1}: {sizes}", fix="lower prompt_tokens or output_tokens, or shorten that row")


class Target(Protocol):
    """Something that answers requests under a load and writes down when."""

    name: str

    def run(self, requests: Sequence[Request], load: Load, ended: Ended = unheard) -> list[Record]:
        """One record a request, in the order of the requests. A failure of a request is written into its record."""

    def fresh(self) -> None:
        """Forget what earlier runs left behind: caches, and where in memory they lie."""

    def card(self) -> Json:
        """The settings that shape its speed."""

    def pids(self) -> list[int]:
        """The processes whose memory and processor time are the target's; none when it is on another machine."""

    def close(self) -> None: ...


def closed(concurrency: int) -> Load:
    return Load(f"concurrency {concurrency}", concurrency)


def opened(rate: float, requests: int, arrival: str, slots: int, seed: int) -> Load:
    """Constant gaps, or exponential ones (Poisson), the first request at 0."""
    random_gap = random.Random(seed)
    moments, at = [], 0.0
    for _ in range(requests):
        moments.append(at)
        at += 1 / rate if arrival == "constant" else random_gap.expovariate(rate)
    return Load(f"{rate:.3g} requests/s, {arrival}", slots, tuple(moments), rate)
