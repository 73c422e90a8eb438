"""Answers written down and replayed: `record = "calls.jsonl"` in the settings, then `--model recorded:calls.jsonl`.

One JSON object a line: {"key", "purpose", "model", "prompt_version", "answer"}. The key is the sha256 of everything that the
model was shown, so a replay gives the recorded answer to the same question and nothing to any other: changed tools,
prompts or requests are a clear miss. A replay takes no model, no time and no tokens. Requests stand in the file only as their
hash, answers as they are (tags, not values).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.canonical import canonical_json, sha256_of
from modelwright.errors import ConfigError, EngineMissing
from modelwright.files import clear_os_errors
from modelwright.models.base import Choice, Draft, DraftQuestion, DraftStep, KnowsTools, PlanningModel, Ranks
from modelwright.models.jsonplan import PROMPT_VERSION
from modelwright.types import Json


def choice_key(prompt: str, choices: Sequence[str], purpose: str, examples: Mapping[str, Sequence[str]]) -> str:
    return sha256_of(["choose", purpose, prompt, list(choices), {name: list(said) for name, said in examples.items()}])


def draft_key(question: DraftQuestion) -> str:
    return sha256_of(["draft", dataclasses.asdict(question)])


def rank_key(lead: str, texts: Sequence[str]) -> str:
    return sha256_of(["rank", lead, list(texts)])


class Recorder:
    """Passes every question on to `model` and adds the answer to a file. It can do what `model` can."""

    tuned_tools: frozenset[str]
    rank: Callable[[str, Sequence[str]], Choice]

    def __init__(self, model: PlanningModel, path: Path) -> None:
        self.name = model.name
        self._model, self._path = model, path
        if isinstance(model, KnowsTools):
            self.tuned_tools = model.tuned_tools
        if isinstance(model, Ranks):
            self.rank = self._rank

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        answer = self._model.choose(prompt, choices, purpose=purpose, examples=examples)
        self._write(choice_key(prompt, choices, purpose, examples), purpose, {"text": answer.text, "scores": answer.scores})
        return answer

    def draft(self, question: DraftQuestion) -> Draft:
        answer = self._model.draft(question)
        steps = [dataclasses.asdict(step) for step in answer.steps]
        told: Json = {"kind": answer.kind, "steps": steps, "score": answer.score, "alternatives": answer.alternatives}
        if isinstance(self._model, KnowsTools):
            told["tuned_tools"] = sorted(self._model.tuned_tools)
        self._write(draft_key(question), "draft", told)
        return answer

    def _rank(self, lead: str, texts: Sequence[str]) -> Choice:
        assert isinstance(self._model, Ranks)
        answer = self._model.rank(lead, texts)
        self._write(rank_key(lead, texts), "rank", {"text": answer.text, "scores": answer.scores})
        return answer

    def close(self) -> None:
        self._model.close()

    def begin_request(self) -> None:
        begin = getattr(self._model, "begin_request", None)
        if begin:
            begin()

    def _write(self, key: str, purpose: str, answer: Json) -> None:
        line = {"key": key, "purpose": purpose, "model": self.name, "prompt_version": PROMPT_VERSION, "answer": answer}
        with clear_os_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(canonical_json(line) + "\n")


class RecordedModel:
    """Answers from a file that a Recorder wrote; the last line for a key counts. It can do what the recorded model could."""

    tuned_tools: frozenset[str]
    rank: Callable[[str, Sequence[str]], Choice]

    def __init__(self, answers: Mapping[str, Json], name: str = "recorded", *, ranks: bool = False) -> None:
        self.name = name
        self._answers = dict(answers)
        known = [answer["tuned_tools"] for answer in self._answers.values() if "tuned_tools" in answer]
        if known:
            self.tuned_tools = frozenset(known[-1])
        if ranks:
            self.rank = self._rank

    @classmethod
    def read(cls, path: Path) -> RecordedModel:
        """Raises ConfigError naming file and line."""
        answers, ranks = dict[str, Json](), False
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: not readable as a recording: {error}", fix="record one with the setting `record`") from None
        for number, line in enumerate(lines, 1):
            if line.strip():
                entry = _entry(line, f"{path}:{number}")
                answers[entry["key"]] = entry["answer"]
                ranks = ranks or entry.get("purpose") == "rank"
        return cls(answers, name=f"recorded:{path.name}", ranks=ranks)

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        answer = self._found(choice_key(prompt, choices, purpose, examples), purpose)
        return Choice(answer["text"], dict(answer["scores"]))

    def _rank(self, lead: str, texts: Sequence[str]) -> Choice:
        answer = self._found(rank_key(lead, texts), "rank")
        return Choice(answer["text"], dict(answer["scores"]))

    def draft(self, question: DraftQuestion) -> Draft:
        answer = self._found(draft_key(question), "draft")
        steps = tuple(DraftStep(**step) for step in answer["steps"])
        alternatives = tuple((text, score) for text, score in answer["alternatives"])
        return Draft(answer["kind"], steps, answer["score"], alternatives)

    def close(self) -> None:
        pass

    def _found(self, key: str, purpose: str) -> Json:
        if key not in self._answers:
            raise EngineMissing(
                f"{self.name} has no answer for this {purpose} ({key[:12]}, {len(self._answers)} are recorded): "
                "it was made for another request, other tools or other prompts",
                fix="record it again with the setting `record`",
            )
        return self._answers[key]


def _entry(line: str, where: str) -> Json:
    try:
        entry: Any = json.loads(line)
        answer = entry["answer"]
        known = isinstance(entry["key"], str) and (
            {"text", "scores"} <= set(answer) or {"kind", "steps", "score", "alternatives"} <= set(answer)
        )
    except (ValueError, LookupError, TypeError):
        known = False
    if not known:
        raise ConfigError(f"{where}: not a recorded answer", fix="delete the line, or record it again")
    return dict(entry)
