"""Rows to tokens, and tokens to batches.

Two facts to know. The order of all rows of all epochs is settled before the first step, from the seed alone, so a run
that goes on after a kill sees exactly the batches it would have seen. And rows of like length share a batch: on the
example data that halves the padding.

Not here: reading files (data/reader.py), packing rows into one sequence.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelwright.data.reader import Row, read
from modelwright.engines.chat_template import Encoded, encode_chat, encode_text
from modelwright.engines.loss_mask import IGNORED, Example, MaskReport, check, make_example
from modelwright.errors import DataError, ModelwrightError

Batches = list[list[int]]
"""row numbers of each step"""
TOKENS, LABELS = 8, 32
"""Multiples to which the length of a batch, and the tokens whose logits are computed, are filled up: the libraries keep compiled
kernels and memory for each shape, and without this a run over rows of 20 to 256 tokens grew at every step."""
GROUP = 50
"""batches among which rows are sorted by length; more saves no padding and mixes less"""


def load_rows(path: Path, sha256: str | None) -> list[Row]:
    """The rows of `path`, which must still be the file that was approved."""
    dataset = read(path)
    if sha256 and dataset.sha256 != sha256:
        raise DataError(f"{path} changed after the run was planned", fix="plan again")
    if dataset.format == "preference":
        raise DataError(f"{path} holds preference pairs, not answers to imitate", fix="use the tool align with method dpo")
    return dataset.rows


def encode_rows(
    rows: Sequence[Row], tokenizer: Any, stops: frozenset[int], path: Path, max_length: int
) -> tuple[list[Example], MaskReport]:
    """Tokens and labels of every row that trains something, and what the loss will count."""
    examples = [make_example(row.line, _encode(row, tokenizer, stops, path), max_length) for row in rows]
    return check(examples, stops, source=str(path), max_length=max_length)


def _encode(row: Row, tokenizer: Any, stops: frozenset[int], path: Path) -> Encoded:
    try:
        if "messages" in row.example:
            return encode_chat(tokenizer, row.example["messages"], stops)
        return encode_text(tokenizer, row.example["text"])
    except ModelwrightError as error:
        raise type(error)(f"{path}:{row.line}: {error.message}", fix=error.fix) from error


def make_batches(lengths: Sequence[int], *, batch_size: int, epochs: float, max_steps: int | None, seed: int) -> Batches:
    """All steps of the run. Each epoch holds every row once; the longest rows come first, so memory is tried at once."""
    order = random.Random(seed)
    per_epoch = math.ceil(len(lengths) / batch_size)
    steps = max_steps or max(1, round(epochs * per_epoch))
    batches: Batches = []
    while len(batches) < steps:
        batches += _one_epoch(lengths, per_epoch, order, longest_first=not batches)
    return batches[:steps]


def _one_epoch(lengths: Sequence[int], count: int, order: random.Random, *, longest_first: bool) -> Batches:
    rows = list(range(len(lengths)))
    order.shuffle(rows)
    chunk = math.ceil(len(rows) / count) * GROUP
    rows = [row for at in range(0, len(rows), chunk) for row in sorted(rows[at : at + chunk], key=lambda r: -lengths[r])]
    edges = [round(i * len(rows) / count) for i in range(count + 1)]
    batches = [rows[a:b] for a, b in pairwise(edges)]
    longest = max(range(count), key=lambda i: max(lengths[r] for r in batches[i]))
    first = [batches.pop(longest)] if longest_first else []
    order.shuffle(batches)
    return first + batches


def rounded(count: int, to: int) -> int:
    """The next multiple of `to`."""
    return -(-count // to) * to


def collate(examples: Sequence[dict[str, Any]], pad: int) -> dict[str, Any]:
    """Rows as padded tensors, as long as the longest of them and up to 7 tokens more."""
    import torch

    longest = rounded(max(len(e["input_ids"]) for e in examples), TOKENS)

    def padded(name: str, filler: int) -> Any:
        return torch.tensor([list(e[name]) + [filler] * (longest - len(e[name])) for e in examples])

    mask = torch.tensor([[1] * len(e["input_ids"]) + [0] * (longest - len(e["input_ids"])) for e in examples])
    return {"input_ids": padded("input_ids", pad), "attention_mask": mask, "labels": padded("labels", IGNORED)}
