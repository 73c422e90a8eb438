"""What the loss will count, looked at before training starts.

Two facts to know. A run in which nothing is trained, or in which the stop token never is, looks healthy (its loss is
a number) and gives a useless model, so both are errors here. And rows that lose all their trained tokens to
`max_length` are dropped, and named by their line.

Not here: how the tokens to count are found (chat_template.py).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

from modelwright.engines.chat_template import Encoded
from modelwright.errors import TrainingFailed

IGNORED = -100
"""The label that torch's cross entropy leaves out."""


@dataclass(frozen=True)
class Example:
    """A row ready for the trainer, with the line it came from."""

    line: int
    input_ids: list[int]
    labels: list[int]
    truncated: bool = False

    @property
    def trained_tokens(self) -> int:
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class MaskReport:
    """What is trained and what is not."""

    rows: int
    """rows that are trained on"""
    tokens: int
    trained_tokens: int
    trained_share: float
    longest: int
    """tokens of the longest row"""
    truncated_rows: int
    rows_without_stop: int
    dropped_lines: list[int]
    """lines of which `max_length` left no trained token"""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def make_example(line: int, encoded: Encoded, max_length: int) -> Example:
    """Cut at `max_length` and turn the marks into labels. The first token is never predicted, so never counted."""
    ids, trained = encoded.input_ids[:max_length], encoded.trained[:max_length]
    labels = [token if keep and place else IGNORED for place, (token, keep) in enumerate(zip(ids, trained, strict=True))]
    return Example(line, ids, labels, truncated=len(encoded.input_ids) > max_length)


def trains_a_stop(example: Example, stops: Set[int]) -> bool:
    return any(label in stops for label in example.labels)


def check(examples: Sequence[Example], stops: Set[int], *, source: str, max_length: int) -> tuple[list[Example], MaskReport]:
    """The rows that train something, and the report. Raises TrainingFailed when training them would teach nothing."""
    kept = [example for example in examples if example.trained_tokens]
    longer = "" if not any(e.truncated for e in examples) else f"raise max_length above {max_length}, or shorten the rows"
    if not kept:
        fix = longer or "the rows need assistant messages"
        raise TrainingFailed(f"{source}: no token would be trained in any of {len(examples)} rows", fix=fix)
    without_stop = sum(not trains_a_stop(example, stops) for example in kept)
    if without_stop == len(kept):
        raise TrainingFailed(
            f"{source}: the stop token would not be trained in any row, so the model would never stop",
            fix=longer or "give the tokenizer an eos_token that the chat template writes after an answer",
        )
    tokens, trained = sum(len(e.input_ids) for e in kept), sum(e.trained_tokens for e in kept)
    dropped = [e.line for e in examples if not e.trained_tokens]
    return kept, MaskReport(
        len(kept),
        tokens,
        trained,
        round(trained / tokens, 4),
        max(len(e.input_ids) for e in kept),
        sum(e.truncated for e in kept),
        without_stop,
        dropped,
    )
