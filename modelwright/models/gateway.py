"""What stands in front of models: patience with each of them, a budget, prices, and the next one when one gives up.

`Metered` is one chat model with retries that know rate limits; every try is an Exchange with an id of ours, tokens, cost and
the wait before it. `Gateway` is a planning model over several: the first that answers counts. A model whose budget is
spent is passed over too, so that a free one can still answer.

Not here: limits of a whole run, which the graph keeps.
"""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from modelwright.canonical import sha256_of
from modelwright.config import GatewaySettings
from modelwright.errors import BudgetSpent, EngineMissing, ModelwrightError
from modelwright.models.base import Choice, Draft, DraftQuestion, Exchange, KnowsTools, PlanningModel, Ranks
from modelwright.models.chat import ChatModel, Messages, Reply
from modelwright.models.failures import CallFailed
from modelwright.models.prices import Price
from modelwright.models.rate_limits import wait_before_next
from modelwright.models.spending import Worst
from modelwright.types import Json

BYTES_A_TOKEN, BYTES_A_TOKEN_AT_LEAST = 4, 2
"""Of a prompt that nobody has counted: English, and the worst case that a budget reckons with."""

Answer = TypeVar("Answer", Choice, Draft)


class Books(Protocol):
    """Where calls are written down; models/spending.py."""

    def begin_request(self, request: str) -> None: ...
    def reserve(self, call: Exchange, worst: Worst) -> None: ...
    def settle(self, call: Exchange) -> None: ...


class Metered:
    """A ChatModel with retries, a price and a budget."""

    def __init__(
        self,
        chat: ChatModel,
        price: Price | None,
        settings: GatewaySettings,
        spending: Books,
        *,
        prompt_version: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._chat, self._price, self._settings, self._spending = chat, price, settings, spending
        self._prompt_version, self._sleep = prompt_version, sleep

    @property
    def name(self) -> str:
        return self._chat.name

    def complete(self, messages: Messages, schema: Json, *, max_tokens: int) -> Reply:
        """An answer. Raises CallFailed with all its tries, BudgetSpent before a try that may take more than is left."""
        tries: list[Exchange] = []
        waited = 0.0
        while True:
            call = self._opened(messages, schema, waited)
            self._spending.reserve(call, self._worst(messages, schema, max_tokens))
            try:
                reply = self._ask(call, messages, schema, max_tokens, tries)
            except CallFailed as failure:
                failure.exchanges = tuple(tries)
                settings = self._settings
                wait = wait_before_next(failure, len(tries), retries=settings.retries, longest=settings.longest_wait_seconds)
                if wait is None:
                    raise
                waited = wait
                self._sleep(wait)
            else:
                return dataclasses.replace(reply, exchanges=tuple(tries))

    def close(self) -> None:
        self._chat.close()

    def _opened(self, messages: Messages, schema: Json, waited: float) -> Exchange:
        prompt = sha256_of([messages, schema])
        return Exchange(self.name, prompt_sha256=prompt, prompt_version=self._prompt_version, waited_seconds=waited, cost=None)

    def _ask(self, call: Exchange, messages: Messages, schema: Json, max_tokens: int, tries: list[Exchange]) -> Reply:
        """One try, settled however it ends."""
        started = time.monotonic()
        ended = dataclasses.replace(call, error="stopped")
        try:
            reply = self._chat.complete(messages, schema, max_tokens=max_tokens)
            took = (reply.prompt_tokens, reply.output_tokens)
            ended = dataclasses.replace(
                call,
                prompt_tokens=took[0],
                output_tokens=took[1],
                tokens_estimated=reply.tokens_estimated,
                seconds=reply.seconds,
                ttft_seconds=reply.ttft_seconds,
                cost=self._price.cost(*took) if self._price else None,
            )
            return reply
        except ModelwrightError as error:
            ended = self._lost(call, messages, schema, error, time.monotonic() - started)
            raise
        finally:
            tries.append(ended)
            self._spending.settle(ended)

    def _lost(self, call: Exchange, messages: Messages, schema: Json, error: ModelwrightError, seconds: float) -> Exchange:
        """A try without an answer. One that was cut off had its prompt read, and a hosted server asks for that."""
        read = len(json.dumps([messages, schema]).encode()) // BYTES_A_TOKEN if getattr(error, "read", False) else 0
        cost = self._price.cost(read, 0) if self._price else None
        return dataclasses.replace(call, prompt_tokens=read, tokens_estimated=read > 0, seconds=seconds, cost=cost, error=error.message)

    def _worst(self, messages: Messages, schema: Json, max_tokens: int) -> Worst:
        prompt = len(json.dumps([messages, schema]).encode()) // BYTES_A_TOKEN_AT_LEAST
        return Worst(prompt + max_tokens, self._price.cost(prompt, max_tokens) if self._price else None)


class Gateway:
    """A planning model over several: they are asked in order, the first that answers counts. What only some can do (`Ranks`,
    `KnowsTools`) it can do where the first can."""

    tuned_tools: frozenset[str]
    rank: Callable[[str, Sequence[str]], Choice]

    def __init__(self, models: Sequence[PlanningModel], spending: Books) -> None:
        self._models, self._spending = list(models), spending
        first = self._models[0]
        self.name = first.name
        if isinstance(first, KnowsTools):
            self.tuned_tools = first.tuned_tools
        if isinstance(first, Ranks):
            self.rank = first.rank
        self.begin_request()

    def begin_request(self) -> None:
        """A new request of the user: its budget starts at zero."""
        self._spending.begin_request(uuid.uuid4().hex[:12])

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        return self._first(lambda model: model.choose(prompt, choices, purpose=purpose, examples=examples))

    def draft(self, question: DraftQuestion) -> Draft:
        return self._first(lambda model: model.draft(question))

    def close(self) -> None:
        for model in self._models:
            model.close()

    def _first(self, ask: Callable[[PlanningModel], Answer]) -> Answer:
        """Raises what the only model raised, BudgetSpent when a budget kept one back, else EngineMissing with all reasons."""
        started, tries, failures = time.monotonic(), list[Exchange](), list[ModelwrightError]()
        for model in self._models:
            before = time.monotonic()
            try:
                answer = ask(model)
            except (EngineMissing, BudgetSpent) as failure:
                failures.append(failure)
                tries += getattr(failure, "exchanges", ()) or [_failed(model, failure, time.monotonic() - before)]
            else:
                tries += answer.exchanges or [_answered(model, answer)]
                return _with_tries(answer, tries, time.monotonic() - started)
        raise _given_up(failures, tries)


def _failed(model: PlanningModel, failure: ModelwrightError, seconds: float) -> Exchange:
    return Exchange(model.name, seconds=seconds, error=failure.message)


def _answered(model: PlanningModel, answer: Choice | Draft) -> Exchange:
    """Of a model in a process of ours, which keeps no exchanges and costs nothing."""
    took = {name: getattr(answer, name) for name in ("prompt_tokens", "output_tokens", "seconds", "ttft_seconds")}
    return Exchange(model.name, **took)


def _with_tries(answer: Answer, tries: Sequence[Exchange], seconds: float) -> Answer:
    """The answer with what all models together took; the time to the first token is that of the last."""
    return dataclasses.replace(
        answer,
        prompt_tokens=sum(t.prompt_tokens for t in tries),
        output_tokens=sum(t.output_tokens for t in tries),
        seconds=seconds,
        exchanges=tuple(tries),
    )


def _given_up(failures: Sequence[ModelwrightError], tries: Sequence[Exchange]) -> ModelwrightError:
    if len(failures) == 1:
        return failures[0]
    spent = next((failure for failure in failures if isinstance(failure, BudgetSpent)), None)
    if spent:
        return spent
    reasons = "; ".join(failure.message for failure in failures)
    error = CallFailed(f"none of {len(failures)} models answers: {reasons}", fix=failures[0].fix or "see `modelwright models`")
    error.exchanges = tuple(tries)
    return error
