"""A planning model made of a chat model: asks for JSON, checks it, and asks again with what was wrong, at most twice.

After that it is a CallFailed, and the gateway asks the next model. Every try is kept: its tokens and cost count.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from modelwright.models import jsonplan
from modelwright.models.base import Choice, Draft, DraftQuestion, Exchange
from modelwright.models.chat import ChatModel, Messages, Reply
from modelwright.models.failures import CallFailed
from modelwright.models.jsonplan import NotADraft, Problem
from modelwright.types import Json

MOST_REPAIRS = 2
CHOICE_TOKENS = 96

Read = TypeVar("Read")


class ChatPlanner:
    def __init__(self, chat: ChatModel, *, max_tokens: int = 800) -> None:
        self._chat, self._max_tokens = chat, max_tokens

    @property
    def name(self) -> str:
        return self._chat.name

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        """Without scores: servers do not give comparable ones."""
        started = time.monotonic()
        messages, schema = jsonplan.choice_messages(prompt, choices, examples), jsonplan.choice_schema(choices)
        text, log = self._asked(messages, schema, min(CHOICE_TOKENS, self._max_tokens), lambda said: jsonplan.read_choice(said, choices))
        return dataclasses.replace(Choice(text), seconds=time.monotonic() - started, **log.totals())

    def draft(self, question: DraftQuestion) -> Draft:
        started = time.monotonic()
        messages, schema = jsonplan.draft_messages(question), jsonplan.draft_schema(question)
        draft, log = self._asked(messages, schema, self._max_tokens, lambda said: jsonplan.read_draft(said, question))
        return dataclasses.replace(draft, seconds=time.monotonic() - started, **log.totals())

    def close(self) -> None:
        self._chat.close()

    def _asked(self, messages: Messages, schema: Json, max_tokens: int, read: Callable[[str], Read]) -> tuple[Read, _Log]:
        """What `read` makes of the answer, after at most two repairs. Raises CallFailed with all exchanges."""
        log, asked = _Log(), messages
        for repairs_left in range(MOST_REPAIRS, -1, -1):
            try:
                reply = self._chat.complete(asked, schema, max_tokens=max_tokens)
            except CallFailed as failure:
                failure.exchanges = (*log.exchanges, *failure.exchanges)
                raise
            log.add(reply)
            try:
                return read(reply.text), log
            except NotADraft as wrong:
                problems = _with_cut(wrong.problems, reply, max_tokens)
                log.refuse_last(problems)
                if not repairs_left:
                    raise self._never_right(problems, log) from None
                asked = jsonplan.repair_messages(messages, reply.text, problems)
        raise AssertionError("unreachable")

    def _never_right(self, problems: Sequence[Problem], log: _Log) -> CallFailed:
        told = "; ".join(map(str, problems))
        failure = CallFailed(f"{self.name} gave no answer that checks in {MOST_REPAIRS + 1} tries: {told}", fix="use another model")
        failure.exchanges = tuple(log.exchanges)
        return failure


class _Log:
    """The exchanges behind one answer."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._replies: list[Reply] = []

    def add(self, reply: Reply) -> None:
        self._replies.append(reply)
        self.exchanges += reply.exchanges

    def refuse_last(self, problems: Sequence[Problem]) -> None:
        """The last answer came, and was not taken."""
        if self.exchanges:
            self.exchanges[-1] = dataclasses.replace(self.exchanges[-1], error="does not check: " + "; ".join(map(str, problems)))

    def totals(self) -> Json:
        return {
            "prompt_tokens": sum(reply.prompt_tokens for reply in self._replies),
            "output_tokens": sum(reply.output_tokens for reply in self._replies),
            "ttft_seconds": self._replies[-1].ttft_seconds,
            "exchanges": tuple(self.exchanges),
        }


def _with_cut(problems: Sequence[Problem], reply: Reply, max_tokens: int) -> tuple[Problem, ...]:
    cut = (Problem("", f"the answer was cut at {max_tokens} tokens, write less"),) if reply.cut else ()
    return (*cut, *problems)
