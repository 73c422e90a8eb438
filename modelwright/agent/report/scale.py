"""A linear scale and its round tick marks. Not here: logarithmic scales."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Scale:
    """Maps values from `first` to `last` onto pixels from `start` to `end`; equal ends give a scale one wide."""

    first: float
    last: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = (self.last - self.first) or 1.0
        return self.start + (value - self.first) / width * (self.end - self.start)


def ticks(first: float, last: float, about: int = 4) -> list[float]:
    """Round values inside [first, last], about so many: steps of 1, 2 or 5 times a power of ten. One when the ends are as good as equal."""
    if last - first <= 1e-9 * max(1e-9, abs(first), abs(last)):
        return [first]
    raw = (last - first) / about
    power = 10.0 ** floor(log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    return [round(i * step, 12) for i in range(ceil(first / step - 1e-9), floor(last / step + 1e-9) + 1)]
