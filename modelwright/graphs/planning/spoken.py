"""What the words of a request stand for that earlier turns of a conversation explain ("it", "the adapter", "both"), as candidates.

Each keeps the source that the conversation gives ("session: run … step … model") instead of a place in the request. Things
without a label are not spoken of and make no candidate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from modelwright.graphs.planning.candidate import Candidate
from modelwright.types import Thing


def with_things(found: Sequence[Candidate], request: str, things: Sequence[Thing]) -> list[Candidate]:
    """`found` and the things that the request speaks of, in order. What is written out wins over what is only meant."""
    named = [c for c in found if c.kind != "number"]
    meant = [c for c in _meant(request, things) if not any(c.start < n.end and n.start < c.end for n in named)]
    return sorted([*found, *meant], key=lambda c: (c.start, c.end))


def _meant(request: str, things: Sequence[Thing]) -> Iterator[Candidate]:
    """A candidate at every place of each label; things that share one stand side by side in it, as every candidate is a token."""
    by_label: dict[str, list[Thing]] = {}
    for thing in things:
        by_label.setdefault(thing.label.lower(), []).append(thing)
    for label, meant in by_label.items():
        for match in re.finditer(rf"(?<![\w/.-]){re.escape(label)}(?![\w/]|[.-]\w)", request, re.IGNORECASE) if label else ():
            yield from _side_by_side(match, meant)


def _side_by_side(match: re.Match[str], meant: Sequence[Thing]) -> Iterator[Candidate]:
    """Each thing gets its own part of the word: "both" of two models is "bo" and "th"."""
    start, size = match.start(), max(1, len(match.group()) // len(meant))
    for number, thing in enumerate(meant):
        begins = start + number * size
        ends = match.end() if number == len(meant) - 1 else begins + size
        yield Candidate(thing.kind, thing.value, begins, ends, match.group(), source=thing.source)
