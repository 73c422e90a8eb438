"""The seam between the planner and what it thinks with: `choose` one of some texts, or `draft` the steps of a plan.

To choose, a model is given a text, the choices, and for each choice a few examples of what people write who mean it.
To draft, it is given a request whose values were found by code and have tags, and the cards of the tools: it can name
tools, their fields, tags and literal choices, and nothing else. So a model can make a plan better or worse, never
malformed, and never invent a value. How a model is asked (text, grammar, JSON schema) is its own affair.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from modelwright.types import Json


def new_call_id() -> str:
    """Of one exchange. Always ours: servers repeat theirs (`call_0`), and a repeated id ends other programs."""
    return f"call-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Exchange:
    """One try to get an answer from a model, as it went."""

    model: str
    id: str = field(default_factory=new_call_id)
    prompt_sha256: str = ""
    """Of what was sent, to the letter."""
    prompt_version: str = ""
    """Of the wording around the request: it changes when the program's prompts do."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    tokens_estimated: bool = False
    """The server told no usage: the prompt is taken as bytes / 4, the answer as its chunks."""
    seconds: float = 0.0
    ttft_seconds: float = 0.0
    cost: float | None = 0.0
    """US dollars; None where the price is unknown."""
    waited_seconds: float = 0.0
    """Before it, as a rate limit or a backoff asked."""
    error: str = ""
    """Why there is no answer, or why it was not taken."""


@dataclass(frozen=True)
class Choice:
    """What a model answered, and what that took."""

    text: str
    """One of the choices, to the letter."""
    scores: dict[str, float] = field(default_factory=dict)
    """Log-probability in nats of each choice, where the model gives one; only differences mean something."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    ttft_seconds: float = 0.0
    exchanges: tuple[Exchange, ...] = ()
    """Every try, of all models that were asked; empty where the model keeps none."""


@dataclass(frozen=True)
class Slot:
    """One value that code found in the request."""

    tag: str
    """Its name in the masked request: D1, M1, N2 …"""
    kind: str
    """The candidate's kind: dataset, model, number, quant …"""
    text: str
    """As written in the request."""
    value: str | int | float
    """As an argument takes it: 3 for "three", "Q4_K_M" for "q4km"."""


@dataclass(frozen=True)
class FieldCard:
    """One argument of a tool."""

    name: str
    kinds: tuple[str, ...] = ()
    """Kinds of slots that it may take."""
    choices: tuple[str, ...] = ()
    """Literal values, of those that the request names."""
    required: bool = False
    many: bool = False
    """Whether it takes several values."""
    description: str = ""


@dataclass(frozen=True)
class Card:
    """One tool, as a model sees it."""

    tool: str
    summary: str
    fields: tuple[FieldCard, ...] = ()


@dataclass(frozen=True)
class DraftQuestion:
    """A request, and everything that a draft of its plan may be made of."""

    request: str
    """The raw text."""
    masked: str
    """The request with every slot as its tag and its text: "fine-tune [M1 builtin] for [N1 three] epochs"."""
    slots: tuple[Slot, ...]
    cards: tuple[Card, ...]
    """The tools that were recalled, best first, at most 8."""
    memories: str = ""
    """What is remembered about it, fenced as data (memory/recall.py); shown to a model that reads text, never in the system role."""


@dataclass(frozen=True)
class DraftStep:
    tool: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    """Field -> tags of slots, or literal choices."""


@dataclass(frozen=True)
class Draft:
    """What a model drafted, and what that took."""

    kind: Literal["plan", "question", "none"]
    """question: the tool is clear, something that it needs is not said. none: no tool does it."""
    steps: tuple[DraftStep, ...] = ()
    score: float = 0.0
    """Mean log-probability in nats of what was free to choose; 0 where the model gives none."""
    alternatives: tuple[tuple[str, float], ...] = ()
    """The first choice (none, ask, or a tool) with the log-probability of each, the likeliest first."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    ttft_seconds: float = 0.0
    """From the question to the first token of the answer."""
    exchanges: tuple[Exchange, ...] = ()
    """Every try, of all models that were asked; empty where the model keeps none."""


@dataclass(frozen=True)
class ModelCall:
    """One call as the trace tells it."""

    model: str
    purpose: str
    prompt_sha256: str
    """Of the text and the choices."""
    candidates: dict[str, float]
    """Every choice with its score; 0 where the model gives none."""
    choice: str
    prompt_tokens: int
    output_tokens: int
    seconds: float
    ttft_seconds: float = 0.0
    exchanges: tuple[Exchange, ...] = ()
    id: str = field(default_factory=new_call_id)

    @classmethod
    def of(
        cls, model: str, purpose: str, prompt_sha256: str, candidates: dict[str, float], choice: str, answer: Choice | Draft
    ) -> ModelCall:
        """The call that gave `answer`."""
        took = answer.prompt_tokens, answer.output_tokens, answer.seconds, answer.ttft_seconds, answer.exchanges
        return cls(model, purpose, prompt_sha256, candidates, choice, *took)

    @property
    def answered_by(self) -> str:
        """The model that gave the answer: after a fallback not the one that was asked first."""
        return next((e.model for e in reversed(self.exchanges) if not e.error), self.model)

    @property
    def cost(self) -> float | None:
        """US dollars over all tries; None when one of their prices is unknown."""
        costs = [e.cost for e in self.exchanges]
        return None if None in costs else sum(cost or 0.0 for cost in costs)

    @property
    def tokens_per_second(self) -> float | None:
        """Of the answer after its first token, (n - 1) / (seconds - time to first token); None below two tokens."""
        last = next((e for e in reversed(self.exchanges) if not e.error), None)
        tokens, seconds, first = (
            (last.output_tokens, last.seconds, last.ttft_seconds) if last else (self.output_tokens, self.seconds, self.ttft_seconds)
        )
        return (tokens - 1) / (seconds - first) if tokens > 1 and seconds > first > 0 else None


OnModelCall = Callable[[ModelCall], None]


class PlanningModel(Protocol):
    @property
    def name(self) -> str:
        """As traces tell it."""

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        """The choice that fits `prompt`. Raises EngineMissing when the model cannot be reached."""

    def draft(self, question: DraftQuestion) -> Draft:
        """The steps that the request asks for. Raises EngineMissing when the model cannot be reached, or does not draft."""

    def close(self) -> None:
        """Free what it holds; it may be used again and then starts anew."""


@runtime_checkable
class WholePlans(Protocol):
    """A model that can also give whole plans. None means: plan this one yourself."""

    def whole_plan(self, request: str, answers: Sequence[str]) -> Json | None:
        """A plan as JSON, without ids where they simply count."""

    def whole_replan(self, request: str, failed_step: str, error: Json) -> Json | None:
        """What to do instead after a step failed."""


@runtime_checkable
class Ranks(Protocol):
    """A model that can say how likely texts are after another."""

    def rank(self, lead: str, texts: Sequence[str]) -> Choice:
        """The likeliest, with log p(text | lead) of each in nats as its scores."""


@runtime_checkable
class KnowsTools(Protocol):
    """A model that was tuned on tools. Their cards cost it nothing, so a question may hold all of them beside the recalled ones."""

    tuned_tools: frozenset[str]
