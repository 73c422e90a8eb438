"""A model folder (or an adapter on its base) as planning model, in transformers, in a warm child (engines/complete_hf.py).

It never writes freely. To draft, it goes through the automaton of compact.py: where more than one text may come next, the
child gives each its log-probability and the likeliest is taken. To choose, each choice is scored as the answer. Nearly all the
time goes into reading the prompt, once.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelwright.engines.warm_child import WarmChild
from modelwright.modelrefs import Model
from modelwright.models import compact, jsonplan
from modelwright.models.base import Choice, Draft, DraftQuestion
from modelwright.models.chat import Messages
from modelwright.types import Json

Way = tuple[str, bool]
"""A text that may come next, and whether the answer ends with it."""


@dataclass
class _Taken:
    """What the decisions of one answer were and cost."""

    scores: list[float] = field(default_factory=list)
    alternatives: tuple[tuple[str, float], ...] = ()
    prompt_tokens: int = 0
    output_tokens: int = 0
    first: float = 0.0


class TransformersModel:
    def __init__(self, model: Model, *, cache: str, threads: int = 1) -> None:
        self.name = model.name
        command = [sys.executable, "-m", "modelwright.engines.complete_hf", json.dumps(dataclasses.asdict(model)), cache, str(threads)]
        self._child = WarmChild(command, what=f"the planning model {self.name}")

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        started = time.monotonic()
        messages = jsonplan.choice_messages(prompt, choices, examples)
        ways = [[(json.dumps(choice, ensure_ascii=False) + "}", True)] for choice in choices]
        scores, reply = self._scores(messages, '{"choice": ', ways, exact=True)
        best = max(range(len(choices)), key=scores.__getitem__)
        seconds = time.monotonic() - started
        return Choice(
            choices[best], dict(zip(choices, scores, strict=True)), reply["prompt_tokens"], reply["output_tokens"], seconds, seconds
        )

    def draft(self, question: DraftQuestion) -> Draft:
        started, taken, writer = time.monotonic(), _Taken(), compact.Writer(question)
        messages: Messages = [
            {"role": "system", "content": compact.system_text(frozenset())},
            {"role": "user", "content": compact.user_text(question)},
        ]
        while not writer.done:
            options = _options(writer)
            writer.take(options[0] if len(options) == 1 else self._pick(messages, writer, options, taken, started))
        return Draft(
            writer.kind,
            tuple(writer.steps),
            score=sum(taken.scores) / len(taken.scores) if taken.scores else 0.0,
            alternatives=taken.alternatives,
            prompt_tokens=taken.prompt_tokens,
            output_tokens=taken.output_tokens,
            seconds=time.monotonic() - started,
            ttft_seconds=taken.first,
        )

    def close(self) -> None:
        self._child.close()

    def _pick(self, messages: Messages, writer: compact.Writer, options: list[str], taken: _Taken, started: float) -> str:
        """One decision of the automaton."""
        ways = [_ways(writer, option, options) for option in options]
        scores, reply = self._scores(messages, writer.text, ways, exact=False)
        best = max(range(len(options)), key=scores.__getitem__)
        if not taken.scores:
            taken.first = time.monotonic() - started
            ranked = sorted(zip(options, scores, strict=True), key=lambda pair: -pair[1])
            taken.alternatives = tuple((text, round(score, 4)) for text, score in ranked)
            taken.prompt_tokens = reply["prompt_tokens"]
        taken.scores.append(scores[best])
        taken.output_tokens += reply["output_tokens"]
        return options[best]

    def _scores(self, messages: Messages, answer: str, options: list[list[Way]], *, exact: bool) -> tuple[list[float], Json]:
        """log p of each option among them; an option that can go on in several ways has them all."""
        ways = [way for option in options for way in option]
        reply = self._child.ask({"messages": messages, "answer": answer, "options": ways, "exact": exact})
        left = iter(reply["scores"])
        sums = [_log_sum([next(left) for _ in option]) for option in options]
        whole = _log_sum(sums)
        return [score - whole for score in sums], reply


def _options(writer: compact.Writer) -> list[str]:
    """What may come next. A step without any value is not followed by another: an untuned model repeats it to the end."""
    options = writer.options()
    bare = bool(writer.steps) and not writer.steps[-1].fields and len(options) > 1
    return [option for option in options if option != "\n"] if bare else options


def _ways(writer: compact.Writer, option: str, options: list[str]) -> list[Way]:
    """The texts that an option stands for. One that another begins with is told apart by what follows it."""
    if option == compact.END:
        return [("", True)]
    if any(other != option and other.startswith(option) for other in options):
        return [(option + (after if after != compact.END else ""), after == compact.END) for after in writer.follow(option)]
    return [(option, False)]


def _log_sum(scores: Sequence[float]) -> float:
    highest = max(scores)
    return highest + math.log(sum(math.exp(score - highest) for score in scores))
