"""A planning model that answers from a file: for your own tests, and for ours.

    choices = ["quantize", "none of these"]      # answers to `choose`, in order

    [[plan]]
    request = "make it small"                    # the whole request, or: matches = "regular expression"
    answers = 0                                  # optional: only when that many questions were answered
    kind = "plan"                                # or "question" (question, choices) or "none" (reason)
    steps = [{ tool = "quantize", args = { model = "builtin", types = ["Q8_0"] } }]

    [[replan]]
    step = "s1"                                  # optional: the step that failed
    error = "JobLimit"                           # optional: the error's type
    steps = [...]

TOML or JSON. A plan or replan entry may be used any number of times; `choices` run out and then say so.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from modelwright.errors import ConfigError, EngineMissing
from modelwright.models.base import Choice, Draft, DraftQuestion
from modelwright.types import Json, Strict


class PlanEntry(Strict):
    """A plan for a request."""

    request: str | None = None
    matches: str | None = None
    answers: int | None = None
    kind: str = "plan"
    steps: list[Json] = Field(default_factory=list)
    question: str | None = None
    choices: list[str] = Field(default_factory=list)
    reason: str | None = None

    @model_validator(mode="after")
    def names_one_request(self) -> PlanEntry:
        if (self.request is None) == (self.matches is None):
            raise ValueError("give either request or matches")
        return self

    def fits(self, request: str, answers: int) -> bool:
        same = self.request == request if self.matches is None else re.search(self.matches, request) is not None
        return same and self.answers in (None, answers)


class ReplanEntry(Strict):
    """A plan for what failed."""

    step: str | None = None
    error: str | None = None
    matches: str | None = None
    kind: str = "plan"
    steps: list[Json] = Field(default_factory=list)
    reason: str | None = None

    def fits(self, request: str, step: str, error: str) -> bool:
        return (
            self.step in (None, step) and self.error in (None, error) and (self.matches is None or bool(re.search(self.matches, request)))
        )


class Script(Strict):
    """The whole file."""

    choices: list[str] = Field(default_factory=list)
    plan: list[PlanEntry] = Field(default_factory=list)
    replan: list[ReplanEntry] = Field(default_factory=list)


class ScriptedModel:
    """Answers from a Script; never starts anything."""

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self.name = name
        self._script = script
        self._used = 0

    @classmethod
    def read(cls, path: Path) -> ScriptedModel:
        return cls(_validated(_parsed(path), str(path)), name=f"scripted:{path.name}")

    @classmethod
    def of(cls, **script: Any) -> ScriptedModel:
        """From Python values: `ScriptedModel.of(choices=["quantize"])`."""
        return cls(_validated(script, "script"))

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        if self._used >= len(self._script.choices):
            raise EngineMissing(
                f"{self.name} has no answer left for {purpose} ({self._used} used)", fix=f"add one of: {', '.join(choices)}"
            )
        answer = self._script.choices[self._used]
        self._used += 1
        if answer not in choices:
            raise EngineMissing(
                f"{self.name} answers {answer!r} to {purpose}, which is not a choice", fix=f"use one of: {', '.join(choices)}"
            )
        return Choice(answer)

    def draft(self, question: DraftQuestion) -> Draft:
        raise EngineMissing(f"{self.name} drafts nothing", fix="add a [[plan]] entry for the request")

    def whole_plan(self, request: str, answers: Sequence[str]) -> Json | None:
        entry = next((e for e in self._script.plan if e.fits(request, len(answers))), None)
        return entry.model_dump(exclude={"request", "matches", "answers"}) if entry else None

    def whole_replan(self, request: str, failed_step: str, error: Json) -> Json | None:
        entry = next((e for e in self._script.replan if e.fits(request, failed_step, str(error.get("type")))), None)
        return entry.model_dump(exclude={"step", "error", "matches"}) if entry else None

    def close(self) -> None:
        pass


def _parsed(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", fix="give scripted:FILE with a TOML or JSON file") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not readable as a script: {error}") from None


def _validated(values: Any, where: str) -> Script:
    try:
        script = Script.model_validate(values)
        for pattern in [*(entry.matches for entry in script.plan), *(entry.matches for entry in script.replan)]:
            re.compile(pattern or "")
        return script
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except re.error as error:
        raise ConfigError(f"{where}: {error.pattern!r} is not a regular expression: {error}") from None
