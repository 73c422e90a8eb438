"""Mends a plan that does not check, at most twice, by rules: a value out of bounds, a listed value misspelt, one value where
a list is due, an argument under a near name. What no rule mends stays as it is, and plancheck says what is wrong.

A value that the user stated is never bent: what it should be instead is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from modelwright.contract import Tool
from modelwright.errors import PlanError
from modelwright.graphs import references
from modelwright.graphs.plancheck import check, example_of, replaced
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.questions import Answers
from modelwright.types import Json, Plan, Step

MOST_REPAIRS = 2
Note = Callable[[str, object], None]


def repaired(plan: Plan, tools: Mapping[str, Tool], answers: Answers, note: Note = lambda stage, value: None) -> Plan:
    """The plan, or a mended one. Raises OpenQuestion where only the user can say what a value should be."""
    for _ in range(MOST_REPAIRS):
        try:
            check(plan, tools)
            return plan
        except PlanError as error:
            mended = _mended(plan, error, tools, answers)
            if mended is None:
                return plan
            note("repair", {"step": error.step, "reason": error.message})
            plan = mended
    return plan


def _mended(plan: Plan, error: PlanError, tools: Mapping[str, Tool], answers: Answers) -> Plan | None:
    step = next((s for s in plan.steps if s.id == error.step), None)
    if step is None or step.tool not in tools:
        return None
    tool = tools[step.tool]
    changed = _without_stray_sources(step) or _by_validation(step, tool, answers) or _lacking(step, tool, answers)
    if changed is None:
        return None
    return plan.model_copy(update={"steps": [changed if s.id == step.id else s for s in plan.steps]})


def _without_stray_sources(step: Step) -> Step | None:
    kept = {k: v for k, v in step.sources.items() if k in step.args}
    return step.model_copy(update={"sources": kept}) if kept != step.sources else None


def _by_validation(step: Step, tool: Tool, answers: Answers) -> Step | None:
    """The first problem that pydantic names and a rule knows."""
    try:
        tool.args.model_validate(_stand_in(step.args, tool))
    except ValidationError as error:
        for problem in error.errors():
            name = str(problem["loc"][0]) if problem["loc"] else ""
            changed = _renamed(step, tool, name) if problem["type"] == "extra_forbidden" else _revalued(step, tool, name, problem, answers)
            if changed:
                return changed
    return None


def _lacking(step: Step, tool: Tool, answers: Answers) -> Step | None:
    """A tool that needs one of several things ("name a model, or give layers"), or one beside another ("regex needs a pattern"): the
    model, data set or text that is not given is asked for."""
    try:
        tool.args.model_validate(_stand_in(step.args, tool))
    except ValidationError as error:
        [problem, *_] = error.errors()
        lacking = [f for f in fields_of(tool.args).values() if f.name not in step.args and not f.is_list]
        named = [f for f in lacking if re.search(rf"\b{f.name}\b", problem["msg"])]
        free = next((f for f in named if f.role in ("model", "dataset") or f.inner == "string"), None)
        if free is not None and not problem["loc"]:
            reason = problem["msg"].removeprefix("Value error, ")
            question = f"{tool.name}: {reason}. Which {free.name.replace('_', ' ')} should it use?"
            found = (
                answers.path(question, free.role) if free.role else answers.text(question, lambda text: _fits(step, tool, free.name, text))
            )
            return _with(step, {free.name: found.value}, source="answer")
    return None


def _fits(step: Step, tool: Tool, name: str, value: str) -> bool:
    try:
        tool.args.model_validate(_stand_in({**step.args, name: value}, tool))
    except ValidationError as error:
        return all(problem["loc"][:1] != (name,) for problem in error.errors())
    return True


def _stand_in(args: Json, tool: Tool) -> Json:
    """The arguments with an example in place of each reference."""
    stand_in = args
    for path, _ in references.find(args):
        stand_in = replaced(stand_in, path, example_of(references.schema_at(tool.args_schema, path)))
    return stand_in


def _renamed(step: Step, tool: Tool, name: str) -> Step | None:
    near = [n for n in get_close_matches(name, list(tool.args.model_fields), n=1) if n not in step.args]
    return _with(step, {near[0]: step.args[name]}, without=name, source=step.sources.get(name, "repair")) if near else None


def _revalued(step: Step, tool: Tool, name: str, problem: Any, answers: Answers) -> Step | None:
    field = fields_of(tool.args).get(name)
    if field is None or name not in step.args:
        return None
    value = step.args[name]
    if problem["type"] == "list_type" and field.is_list:
        return _with(step, {name: [value]}, source=step.sources.get(name, "repair"))
    if problem["type"] == "literal_error" and isinstance(value, str):
        near = [a for a in field.allowed if a.lower() == value.lower()] or get_close_matches(value.lower(), field.allowed, n=1)
        return _settled(step, field, near[0], answers) if near else None
    bound = next((problem.get("ctx", {}).get(key) for key in ("le", "ge") if key in problem.get("ctx", {})), None)
    return _settled(step, field, bound, answers) if bound is not None and not field.is_list else None


def _settled(step: Step, field: FieldSpec, value: Any, answers: Answers) -> Step:
    """The nearest value that the argument may have; where the user stated another, by asking."""
    if step.sources.get(field.name, "").startswith(("request", "answer")):
        question = f"{step.tool} cannot take {step.args[field.name]} as {field.name}. Which value should it use?"
        if isinstance(value, str):
            value = answers.choose(question, [value, *(a for a in field.allowed if a != value)]).value
        else:
            value = answers.ask(question, [f"{value:g}"], lambda text: next(iter(find_numbers(text)), None)).value
        return _with(step, {field.name: value}, source="answer")
    return _with(step, {field.name: value}, source="repair")


def _with(step: Step, changes: Json, *, source: str, without: str = "") -> Step:
    args = {k: v for k, v in {**step.args, **changes}.items() if k != without}
    sources = {k: v for k, v in {**step.sources, **dict.fromkeys(changes, source)}.items() if k != without}
    return step.model_copy(update={"args": args, "sources": sources})
