"""Several quantized models beside their original, window by window: KL divergence, NLL, same top token, speed.

Two facts to know. The original's logits of a window are used and thrown away before the next, so nothing as large as a
logits file (11 GB for the usual text) is written. And as many models are open at once as half of the free memory holds;
for the others the original reads the windows again.

Sources: llama.cpp's tools/perplexity (second half of each window scored, KL(original || quantized) in nats).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from modelwright.engines.child import Job
from modelwright.engines.quality_sides import PROMPT, WRITTEN, Logits, Side
from modelwright.errors import BadRequest

ROWS = 64
"""Rows in float64 at once: 25 MB for a vocabulary of 49,152."""
SPEED_ROUNDS = 5
Window = tuple[list[int], int]
"""Tokens, and the place of the first that is scored."""


@dataclass(frozen=True)
class Opener:
    name: str
    bytes: int
    """What it will take in memory, about."""
    open: Callable[[], Side]


@dataclass
class Tally:
    """One model's numbers, one entry a window. KL and top tokens against the original; of the original itself 0 and all."""

    name: str
    bytes: int = 0
    bits_per_weight: float = 0.0
    nll: list[float] = field(default_factory=list)
    """Sum over the scored tokens of the window, nats."""
    tokens: list[int] = field(default_factory=list)
    kl: list[np.ndarray[Any, np.dtype[np.float64]]] = field(default_factory=list)
    """Of each scored token, nats."""
    same: list[int] = field(default_factory=list)
    """Scored tokens where both put the same token first."""
    read_seconds: list[float] = field(default_factory=list)
    write_seconds: list[float] = field(default_factory=list)

    @property
    def kl_means(self) -> list[float]:
        return [float(values.mean()) for values in self.kl]

    @property
    def same_rates(self) -> list[float]:
        return [same / count for same, count in zip(self.same, self.tokens, strict=True)]

    @property
    def write_speeds(self) -> list[float]:
        return [WRITTEN / seconds for seconds in self.write_seconds]


@dataclass(frozen=True)
class Compared:
    """One window of one model against the original."""

    nll: float
    kl: np.ndarray[Any, np.dtype[np.float64]]
    same: int


def compare_rows(expected: Logits, got: Logits, chosen: Sequence[int]) -> Compared:
    """`expected` and `got` are [tokens, vocabulary]; `chosen` are the tokens that really came."""
    nll, kl, same = 0.0, [], 0
    for start in range(0, len(chosen), ROWS):
        p, q = _log_softmax(expected[start : start + ROWS]), _log_softmax(got[start : start + ROWS])
        nll -= math.fsum(q[np.arange(len(q)), chosen[start : start + ROWS]])
        kl.append((np.exp(p) * (p - q)).sum(axis=1).clip(min=0.0))
        same += int((p.argmax(axis=1) == q.argmax(axis=1)).sum())
    return Compared(nll, np.concatenate(kl), same)


def _log_softmax(logits: Logits) -> np.ndarray[Any, np.dtype[np.float64]]:
    shifted: np.ndarray[Any, np.dtype[np.float64]] = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def measure(original: Side, openers: Sequence[Opener], windows: Sequence[Window], job: Job) -> list[Tally]:
    """The original's tally, then one for each opener, in order."""
    found = [Tally(original.name, original.bytes, original.bits_per_weight)]
    for number, group in enumerate(groups(openers, psutil.virtual_memory().available // 2)):
        sides: list[Side] = []
        try:
            for opener in group:
                job.progress(f"open {opener.name}")
                sides.append(opener.open())
                _refuse_other_vocabulary(original, sides[-1])
            tallies = [Tally(side.name, side.bytes, side.bits_per_weight) for side in sides]
            read_windows(original, sides, windows, [found[0] if number == 0 else Tally("again"), *tallies], job)
            _speeds([original, *sides], [found[0], *tallies], windows[0][0][:PROMPT])
            found += tallies
        finally:
            for side in sides:
                side.close()
    return found


def groups(openers: Sequence[Opener], room: int) -> Iterator[list[Opener]]:
    """In order, each as many as `room` bytes hold and at least one."""
    group: list[Opener] = []
    for opener in openers:
        if group and sum(one.bytes for one in group) + opener.bytes > room:
            yield group
            group = []
        group.append(opener)
    yield group


def _refuse_other_vocabulary(original: Side, side: Side) -> None:
    if side.vocabulary != original.vocabulary:
        raise BadRequest(
            f"{side.name} has {side.vocabulary} tokens in its vocabulary and {original.name} {original.vocabulary}",
            fix="name quantized versions of the first model only",
        )


def read_windows(original: Side, sides: Sequence[Side], windows: Sequence[Window], tallies: Sequence[Tally], job: Job) -> None:
    """Every window through the original and each side; the first tally is the original's."""
    began = time.monotonic()
    for step, (tokens, first) in enumerate(windows, 1):
        expected = _timed(original, tokens, first, tallies[0])
        _add(tallies[0], compare_rows(expected, expected, tokens[first:]), len(tokens) - first)
        for side, tally in zip(sides, tallies[1:], strict=True):
            _add(tally, compare_rows(expected, _timed(side, tokens, first, tally), tokens[first:]), len(tokens) - first)
        seconds = time.monotonic() - began
        job.progress(
            f"measured window {step} of {len(windows)}", step=step, steps=len(windows), eta_seconds=seconds / step * (len(windows) - step)
        )


def _timed(side: Side, tokens: list[int], first: int, tally: Tally) -> Logits:
    began = time.perf_counter()
    logits = side.logits(tokens, first)
    tally.read_seconds.append(time.perf_counter() - began)
    return logits


def _add(tally: Tally, window: Compared, tokens: int) -> None:
    tally.nll.append(window.nll)
    tally.tokens.append(tokens)
    tally.kl.append(window.kl)
    tally.same.append(window.same)


def _speeds(sides: Sequence[Side], tallies: Sequence[Tally], prompt: list[int]) -> None:
    """In turn, so that what else runs here hits all of them; the first round warms up."""
    for turn in range(SPEED_ROUNDS + 1):
        for side, tally in zip(sides, tallies, strict=True):
            seconds = side.write(prompt)
            if turn:
                tally.write_seconds.append(seconds)
