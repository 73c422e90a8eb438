"""What is too near a held-out request to be trained on: eight words in a row, or most runs of three words in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LONG_RUN, SHORT_RUN, MOST_ALIKE = 8, 3, 0.6
_WORD = re.compile(r"\w+")


class HeldOut:
    """Held-out requests, indexed by their runs of words."""

    def __init__(self, requests: Iterable[str]) -> None:
        self._long: set[tuple[str, ...]] = set()
        self._short: dict[tuple[str, ...], list[int]] = {}
        self._sizes: list[int] = []
        for number, request in enumerate(requests):
            words = _words(request)
            self._long |= runs(words, LONG_RUN)
            short = runs(words, SHORT_RUN)
            self._sizes.append(len(short))
            for run in short:
                self._short.setdefault(run, []).append(number)

    def near(self, request: str) -> bool:
        words = _words(request)
        if not self._long.isdisjoint(runs(words, LONG_RUN)):
            return True
        mine = runs(words, SHORT_RUN)
        common = Counter(number for run in mine for number in self._short.get(run, ()))
        return any(count / (len(mine) + self._sizes[number] - count) > MOST_ALIKE for number, count in common.items())


def runs(words: list[str], length: int) -> set[tuple[str, ...]]:
    """A text that is shorter is one run by itself, for runs of three words."""
    if len(words) < length:
        return {tuple(words)} if words and length == SHORT_RUN else set()
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
