"""A GGUF file as planning model, in a warm child process of its own (engines/complete.py).

To draft, it goes through the automaton of compact.py: the child is asked only where more than one text may come next.
With the adapter that was made for it (adapter.py) it knows the project's tools by heart and is shown the cards of others
only. To choose, it scores the text, not the answer: log p(text | examples of the choice), the noisy channel of Min et al.
2022 (arXiv 2108.04106). Measured with SmolLM2-135M, without the adapter, on 24 requests in other words than the examples:
21 right, against 4 by the likelihood of the answer, 8 with that calibrated by a content-free text, and 12 with one-line
descriptions in place of examples. The child starts at the first question.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.canonical import sha256_of
from modelwright.engines.warm_child import WarmChild
from modelwright.errors import ToolFailed
from modelwright.models import compact
from modelwright.models.adapter import Adapter
from modelwright.models.base import Choice, Draft, DraftQuestion, Exchange
from modelwright.types import Json


@dataclass
class Picks:
    """What the decisions of one draft were and cost."""

    forced: str = ""
    """Text that is written already and not yet read."""
    scores: list[float] = field(default_factory=list)
    alternatives: tuple[tuple[str, float], ...] = ()
    tokens: int = 0
    first: float = 0.0

    def add(self, options: list[str], reply: Json, started: float) -> None:
        if not self.scores:
            self.first = time.monotonic() - started
            ranked = sorted(zip(options, reply["scores"], strict=True), key=lambda pair: -pair[1])
            self.alternatives = tuple((text, round(score, 4)) for text, score in ranked)
        self.scores.append(reply["scores"][reply["index"]])
        self.tokens += reply["tokens"]
        self.forced = ""


def llama_installed() -> bool:
    return importlib.util.find_spec("llama_cpp") is not None


class BuiltinModel:
    def __init__(
        self, path: str, *, name: str = "builtin", threads: int = 1, adapter: Adapter | None = None, folder: Path | None = None
    ) -> None:
        """`folder` is where prefixes are kept for the next process."""
        self.name = name
        self.tuned_tools: frozenset[str] = adapter.tools if adapter else frozenset()
        """Tools that it knows by heart: a question may hold the cards of all of them at no cost."""
        files = [str(adapter.file) if adapter else "", str(folder or "")]
        command = [sys.executable, "-m", "modelwright.engines.complete", path, str(threads), *files]
        self._child = WarmChild(command, what="the planning model")

    @property
    def pid(self) -> int | None:
        """Of the child, None while there is none."""
        return self._child.pid

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        started = time.monotonic()
        prefixes = [_prefix(choice, examples.get(choice, ())) for choice in choices]
        reply = self._child.ask({"text": f"{prompt}\n", "prefixes": prefixes})
        scores = dict(zip(choices, reply["scores"], strict=True))
        best = max(choices, key=lambda choice: scores[choice])
        return Choice(best, scores, reply["prompt_tokens"], 0, time.monotonic() - started)

    def rank(self, lead: str, texts: Sequence[str]) -> Choice:
        """Without the adapter. The lead is read once, each text in one batch."""
        started = time.monotonic()
        replies = {text: self._child.ask({"text": f" {text}\n", "prefixes": [lead]}) for text in texts}
        scores = {text: reply["scores"][0] for text, reply in replies.items()}
        tokens = sum(reply["prompt_tokens"] for reply in replies.values())
        return Choice(max(scores, key=lambda text: scores[text]), scores, tokens, 0, time.monotonic() - started)

    def draft(self, question: DraftQuestion) -> Draft:
        try:
            return self._drafted(question)
        except ToolFailed:  # a child that was started anew between two picks knows of no answer
            return self._drafted(question)

    def _drafted(self, question: DraftQuestion) -> Draft:
        started = time.monotonic()
        asked = {"system": compact.system_text(self.tuned_tools), "user": compact.user_text(question, self.tuned_tools)}
        opened = self._child.ask(asked)
        writer, picks = compact.Writer(question), Picks()
        while not writer.done:
            self._write(writer, picks, started)
        return Draft(
            writer.kind,
            tuple(writer.steps),
            score=sum(picks.scores) / len(picks.scores) if picks.scores else 0.0,
            alternatives=picks.alternatives,
            prompt_tokens=opened["prompt_tokens"],
            output_tokens=picks.tokens,
            seconds=time.monotonic() - started,
            ttft_seconds=picks.first,
            exchanges=(self._exchange(asked, opened, picks, started),),
        )

    def _exchange(self, asked: Json, opened: Json, picks: Picks, started: float) -> Exchange:
        return Exchange(
            self.name,
            prompt_sha256=sha256_of(asked),
            prompt_version=f"compact {compact.VERSION}",
            prompt_tokens=opened["prompt_tokens"],
            output_tokens=picks.tokens,
            seconds=time.monotonic() - started,
            ttft_seconds=picks.first,
        )

    def _write(self, writer: compact.Writer, picks: Picks, started: float) -> None:
        """One decision of the automaton."""
        options = writer.options()
        if len(options) == 1:
            picks.forced += options[0]
            writer.take(options[0])
            return
        question: Json = {"pick": options, "forced": picks.forced}
        if any(a and a != b and b.startswith(a) for a in options for b in options):
            question["follow"] = [writer.follow(option) for option in options]
        reply = self._child.ask(question)
        picks.add(options, reply, started)
        writer.take(options[reply["index"]])

    def close(self) -> None:
        self._child.close()


def _prefix(choice: str, examples: Sequence[str]) -> str:
    return f"People who want to {choice} write:\n" + "".join(f"- {example}\n" for example in examples) + "- "
