"""The requests of a benchmark: how long each is, and words that no prefix cache has seen.

Two facts to know. Every request begins with a mark that holds the run's salt, which is new for each run: benchmarks that
repeat a seed measured the cache of the run before, with a TTFT 49 times too good. And lengths and words depend on the
seed alone, so two sides that are compared read the same text behind their marks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

from modelwright.data import reader
from modelwright.engines.load_types import Request
from modelwright.errors import DataError

Json = dict[str, Any]
# One token each in the common byte-level vocabularies, with the space in front.
_WORDS = """
time year people way day man thing woman life child world school state family student group country problem hand part
place case week company system program question work government number night point home water room mother area money
story fact month lot right study book eye job word business issue side kind head house service friend father power hour
game line end member law car city community name president team minute idea body information back parent face level
office door health person art war history party result change morning reason research girl guy moment air teacher force
education
"""
WORDS = tuple(re.findall(r"\S+", _WORDS))


@dataclass(frozen=True)
class Lengths:
    """How many tokens prompts and answers have: `spread` is the standard deviation as a share of the mean."""

    prompt_tokens: int
    output_tokens: int
    distribution: str = "fixed"
    spread: float = 0.3

    def draw(self, mean: int, chance: random.Random) -> int:
        """At least 1, at most 4 times the mean."""
        if self.distribution == "fixed":
            return mean
        sd = mean * self.spread
        if self.distribution == "uniform":
            value = chance.uniform(mean - sd * sqrt(3), mean + sd * sqrt(3))
        elif self.distribution == "lognormal":
            variance = log(1 + self.spread**2)
            value = exp(chance.gauss(log(mean) - variance / 2, sqrt(variance)))
        else:
            value = chance.gauss(mean, sd)
        return max(1, min(4 * mean, round(value)))

    @property
    def longest(self) -> int:
        """Prompt and answer together, at most."""
        return (self.prompt_tokens + self.output_tokens) * (1 if self.distribution == "fixed" else 4)


def made(lengths: Lengths, count: int, *, seed: int, salt: str | None, first: int = 0) -> list[Request]:
    """`count` requests of random words. Without a salt every text is the same but for its length, to find it in a cache."""
    chance, requests = random.Random(seed), []
    for index in range(first, first + count):
        prompt, output = lengths.draw(lengths.prompt_tokens, chance), lengths.draw(lengths.output_tokens, chance)
        words = random.Random(f"{seed} {index}" if salt is not None else seed)
        text = " ".join(words.choice(WORDS) for _ in range(prompt))
        requests.append(Request(index, prompt, output, text=_mark(salt, index) + text))
    return requests


def from_rows(rows: Sequence[list[Json]], lengths: Lengths, count: int, *, seed: int, salt: str | None, first: int = 0) -> list[Request]:
    """`count` requests from conversations, in an order drawn with `seed`, over again when there are fewer."""
    chance, order = random.Random(seed), list(range(len(rows)))
    chance.shuffle(order)
    requests = []
    for index in range(first, first + count):
        messages = [dict(message) for message in rows[order[index % len(order)]]]
        messages[0]["content"] = _mark(salt, index) + str(messages[0]["content"])
        output = lengths.draw(lengths.output_tokens, chance)
        requests.append(Request(index, 0, output, messages=tuple(messages)))
    return requests


def _mark(salt: str | None, index: int) -> str:
    return f"{salt}{index:x} " if salt else ""


def conversations(path: Path) -> list[list[Json]]:
    """The prompts of a data set: every turn before the last assistant's. A text is a prompt as it is."""
    found = [_prompt(row.example) for row in reader.read(path).rows]
    if not all(found):
        raise DataError(f"{path} has rows without a prompt", fix="put a user message in front of every answer")
    if not found:
        raise DataError(f"{path} has no usable row", fix="see `modelwright call inspect_dataset`")
    return found


def _prompt(example: Json) -> list[Json]:
    if "text" in example:
        return [{"role": "user", "content": example["text"]}]
    if "chosen" in example:
        return list(example["prompt"])
    messages: list[Json] = example["messages"]
    return messages[:-1] if messages[-1]["role"] == "assistant" else messages
