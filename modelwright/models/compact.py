"""The short language of drafts: what a small model reads, and the little that it may write.

    reads    fine-tune [M1 builtin] on [D1 train] for [N1 three] epochs, then make a [Q1 q4]
    writes   finetune model=M1 dataset=D1 epochs=N1
             quantize types=Q1

One line a step; `none` where no tool does it; `ask finetune` where the tool is clear and something that it needs is not
said. `Writer` is the automaton: at each place the texts that may come next, so a tool, a field or a value that the
question does not hold cannot be written. Results of earlier steps are not written: wiring them is the planner's work.

Not here: running a model (builtin.py, engines/complete.py), finding the values (graphs/planning).
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Literal

from modelwright.models.base import Card, Draft, DraftQuestion, DraftStep, FieldCard

VERSION = 1
"""Of the language. An adapter is used with the version that it was trained on."""
END = ""
"""Stands for the end of the answer, whatever token a model ends its turn with."""
MOST_STEPS = 8
SHORTEST_SYSTEM = "plan"
"""For a tuned model, which knows the language: 6 tokens with the template around them."""
EXPLAINED_SYSTEM = """Turn the request into tool calls, one a line: tool field=value field=value
Values are the marks in square brackets (D1, M1, N1 ...) or words of the request.
Write none when no tool does what is asked, and ask TOOL when something that the tool needs is missing.
make [M1 tiny.gguf] smaller with [Q1 q4] and [Q2 q8] -> quantize model=M1 types=Q1,Q2"""
NAMES = frozenset("MDFPO")
"""Letters of the tags of paths and models. Of their names the first word is shown ("[D1 eval]"): it may say what the file
is for, and the rest is a quarter of the tokens of a request."""
LONGEST_WORD = 10

_MARK = re.compile(r"\[([A-Z]\d+) ([^\[\]]*)\]")
_WORD = re.compile(r"[^\W_]+")


# what the model reads -------------------------------------------------------------------------------------------


def system_text(known: Set[str]) -> str:
    return SHORTEST_SYSTEM if known else EXPLAINED_SYSTEM


def user_text(question: DraftQuestion, known: Set[str] = frozenset()) -> str:
    """Cards of the tools that are not in `known`, a line each, then the request."""
    cards = [card_line(card) for card in question.cards if card.tool not in known]
    request = " ".join(_MARK.sub(_short, question.masked).split())
    return "\n".join([*cards, request])


def card_line(card: Card) -> str:
    fields = ", ".join(f.name for f in card.fields)
    summary = card.summary.split(".")[0].strip()
    return f"{card.tool}: {summary} ({fields})" if fields else f"{card.tool}: {summary}"


def _short(match: re.Match[str]) -> str:
    """A path or a model by the first word of its name."""
    tag, text = match.groups()
    if tag[0] in NAMES:
        word = _WORD.search(text.rstrip("/").rsplit("/", 1)[-1])
        text = word.group()[:LONGEST_WORD] if word else "?"
    return f"[{tag} {text}]"


# what it may write ----------------------------------------------------------------------------------------------


@dataclass
class Writer:
    """The automaton over one question. `options` are the texts that may come next, `take` writes one of them."""

    question: DraftQuestion
    text: str = ""
    kind: Literal["plan", "question", "none"] = "plan"
    steps: list[DraftStep] = field(default_factory=list)
    done: bool = False
    _field: FieldCard | None = None
    """The field whose value comes next, or has just come."""
    _state: Literal["start", "ask", "step", "value", "after_value", "end"] = "start"

    def options(self) -> list[str]:
        """In a fixed order; empty when it is done. One alone needs no model."""
        if self.done:
            return []
        if self._state == "start":
            return ["none", "ask", *self._tools()]
        if self._state == "ask":
            return [*(f" {tool}" for tool in self._tools()), END]
        if self._state == "step" and self.text.endswith("\n"):
            return self._tools()
        if self._state == "value":
            assert self._field
            return self._values(self._field)
        return self._continuations()

    def take(self, option: str) -> None:
        """Raises ValueError for what is not an option."""
        if option not in self.options():
            raise ValueError(f"{option!r} cannot come after {self.text!r}")
        self.text += option
        if option == END:
            self.done = True
        elif self._state == "start" and option in ("none", "ask"):
            self.kind, self._state = ("none", "end") if option == "none" else ("question", "ask")
        elif self._state == "ask":
            self.steps, self._state = [DraftStep(option.strip())], "end"
        elif self._state == "value":
            assert self._field
            self.steps[-1].fields.setdefault(self._field.name, []).append(option)
            self._state = "after_value"
        elif option == "\n":
            self._state = "step"
        elif option == ",":
            self._state = "value"
        elif option.endswith("="):
            self._field, self._state = self._card().fields[self._names().index(option[1:-1])], "value"
        else:
            self.steps.append(DraftStep(option))
            self._state = "step"

    def follow(self, option: str) -> list[str]:
        """What may come after `option`."""
        ahead = Writer(
            self.question,
            self.text,
            self.kind,
            [DraftStep(s.tool, dict(s.fields)) for s in self.steps],
            self.done,
            self._field,
            self._state,
        )
        for step in ahead.steps:
            step.fields.update({name: list(values) for name, values in step.fields.items()})
        ahead.take(option)
        return ahead.options()

    def _tools(self) -> list[str]:
        return [card.tool for card in self.question.cards]

    def _card(self) -> Card:
        return next(card for card in self.question.cards if card.tool == self.steps[-1].tool)

    def _names(self) -> list[str]:
        return [f.name for f in self._card().fields]

    def _continuations(self) -> list[str]:
        """After a tool or a value: another value of a list, another field, another step, or the end."""
        if self._state == "end":
            return [END]
        found = []
        if self._state == "after_value" and self._field and self._field.many and self._values(self._field):
            found.append(",")
        done = self.steps[-1].fields
        found += [f" {f.name}=" for f in self._card().fields if f.name not in done and self._values(f)]
        return [*found, *(["\n"] if len(self.steps) < MOST_STEPS else []), END]

    def _values(self, field: FieldCard) -> list[str]:
        """Tags that fit and that this step has not taken yet, then literal choices."""
        taken = {value for values in self.steps[-1].fields.values() for value in values}
        tags = [slot.tag for slot in self.question.slots if slot.kind in field.kinds and slot.tag not in taken]
        mine = self.steps[-1].fields.get(field.name, [])
        return [*tags, *(choice for choice in field.choices if choice not in mine)]


def parse(text: str, question: DraftQuestion) -> Draft:
    """The draft that `text` writes. Raises ValueError when it is not in the language of the question."""
    writer, rest = Writer(question), text
    while not writer.done:
        fitting = [option for option in writer.options() if option and rest.startswith(option)]
        ending = not rest and END in writer.options()
        if not fitting and not ending:
            raise ValueError(f"{rest[:40]!r} cannot come after {writer.text!r}")
        chosen = END if ending else max(fitting, key=len)
        writer.take(chosen)
        rest = rest[len(chosen) :]
    return Draft(writer.kind, tuple(writer.steps))


def written(draft: Draft) -> str:
    """A draft as a model writes it."""
    if draft.kind == "none":
        return "none"
    if draft.kind == "question":
        return f"ask {draft.steps[0].tool}" if draft.steps else "ask"
    return "\n".join(" ".join([s.tool, *(f"{name}={','.join(values)}" for name, values in s.fields.items())]) for s in draft.steps)
