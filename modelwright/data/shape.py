"""What an engine would see of an example: its token sequences, and how long and by whom they are.

A chat or text row is one sequence; a preference row is two, prompt + chosen and prompt + rejected, and counts as long
as the longer one, since that is what has to fit.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from modelwright.data.formats import Example

Sequence = str | list[dict[str, str]]


def sequences(example: Example) -> list[Sequence]:
    if "text" in example:
        return [str(example["text"])]
    if "messages" in example:
        return [list(example["messages"])]
    return [[*example["prompt"], *example["chosen"]], [*example["prompt"], *example["rejected"]]]


def plain(sequence: Sequence) -> str:
    """The contents alone, one after the other."""
    return sequence if isinstance(sequence, str) else "\n".join(message["content"] for message in sequence)


def characters(example: Example) -> int:
    return max(len(plain(sequence)) for sequence in sequences(example))


def words(example: Example) -> int:
    return max(len(plain(sequence).split()) for sequence in sequences(example))


def roles(example: Example) -> Counter[str]:
    """How many turns each role has; a preference row's prompt is counted once."""
    lists: list[Any] = [value for value in example.values() if isinstance(value, list)]
    return Counter(message["role"] for messages in lists for message in messages)
