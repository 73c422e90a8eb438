"""Function-calling cases of the Berkeley leaderboard through the project's own planner: its recall, draft and filling, no other way.

Each case brings its own functions; they become tools of a Planner of their own, in an empty workspace. A plan with one step is a
call; a plan with more calls too much; a question or "none of my tools does this" calls nothing, which is right for the
category irrelevance. Lines are {"id", "question": [[{"role", "content"}]], "function": [...], "ground_truth": [...] or null}.

Not here: the parallel categories (several calls in one answer), other languages than Python.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.agent.bench_planner.accepted import Call, CallScore, score_call
from modelwright.agent.bench_planner.schema_tools import Function, function_of
from modelwright.errors import DataError, ModelwrightError
from modelwright.graphs.planning.planner import Planner
from modelwright.models.base import ModelCall, PlanningModel
from modelwright.types import Json, Plan

CATEGORIES = ("simple_python", "multiple", "irrelevance")


@dataclass(frozen=True)
class Case:
    id: str
    category: str
    question: str
    functions: tuple[Json, ...]
    accepted: Sequence[Mapping[str, Any]] | None

    @property
    def types(self) -> dict[str, str]:
        """Argument -> type name, of the function that is expected."""
        names = [name for answer in self.accepted or () for name in answer]
        return {
            argument: str(part.get("type", "any"))
            for function in self.functions
            if function["name"] in names
            for argument, part in function["parameters"].get("properties", {}).items()
        }

    def score(self, call: Call | None) -> CallScore:
        return score_call(call, self.accepted, self.types)


@dataclass(frozen=True)
class Outcome:
    """One case, planned."""

    case: Case
    call: Call | None
    score: CallScore
    kind: str
    """plan, question, none, or error."""
    seconds: float
    tokens: int
    """Of the planning model, prompt and answer together."""
    said: str = ""
    """The question, the reason or the error, where there is no call."""

    def as_json(self) -> Json:
        call = {"name": self.call.name, "arguments": dict(self.call.args)} if self.call else None
        mine = {"id": self.case.id, "category": self.case.category, "kind": self.kind, "call": call, "right": self.score.right}
        return {**mine, "problem": self.score.problem, "seconds": round(self.seconds, 3), "tokens": self.tokens, "said": self.said}


def read_cases(path: Path, limit: int | None = None) -> list[Case]:
    """Of a file, or of the three category files in a folder; at most `limit` of each. Raises DataError with file and line."""
    files = [path / f"{category}.jsonl" for category in CATEGORIES] if path.is_dir() else [path]
    there = [file for file in files if file.is_file()]
    if not there:
        raise DataError(
            f"{path}: no function-calling cases", fix=f"name a .jsonl file, or a folder with {', '.join(f.name for f in files)}"
        )
    return [case for file in there for case in list(_of_file(file))[:limit]]


def _of_file(file: Path) -> Iterator[Case]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            yield _case(line, f"{file}:{number}", file.stem)


def _case(line: str, place: str, category: str) -> Case:
    try:
        found = json.loads(line)
        question = "\n".join(turn["content"] for turn in found["question"][0] if turn["role"] == "user")
        return Case(str(found["id"]), category, question, tuple(found["function"]), found["ground_truth"])
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{place}: not a function-calling case: {type(error).__name__}: {error}",
            fix='give {"id", "question": [[{"role", "content"}]], "function": [...], "ground_truth"} on one line',
        ) from None


def run(case: Case, model: PlanningModel | None) -> Outcome:
    """Plan one case. What the planner refuses is an outcome too."""
    functions = {f.tool.name: f for f in map(function_of, case.functions)}
    calls: list[ModelCall] = []
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        try:
            planner = Planner(model, {name: f.tool for name, f in functions.items()}, Path(folder), calls.append)
            plan = planner.plan(case.question)
            call, said = _call(plan, functions), plan.question or plan.reason or ""
            kind: str = plan.kind
        except ModelwrightError as error:
            call, kind, said = None, "error", f"{type(error).__name__}: {error.message}"
        seconds = time.perf_counter() - began
    tokens = sum(c.prompt_tokens + c.output_tokens for c in calls)
    score = CallScore(False, f"an error is no answer: {said:.80}") if kind == "error" else case.score(call)
    return Outcome(case, call, score, kind, seconds, tokens, said if call is None else "")


def _call(plan: Plan, functions: Mapping[str, Function]) -> Call | None:
    """The one call of a plan; one that calls more is a call of no function, which is never right."""
    if plan.kind != "plan":
        return None
    if len(plan.steps) != 1:
        return Call(" and ".join(step.tool for step in plan.steps), {})
    [step] = plan.steps
    return Call(functions[step.tool].name, functions[step.tool].plain(step.args))
