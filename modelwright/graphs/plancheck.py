"""Checks a plan before anything runs: tools exist, arguments validate, references fit, ids are in order; then hashes it.

What it does not do: look at the disk, ask policy, or estimate. Every PlanError names step, field and reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from modelwright.canonical import sha256_of
from modelwright.contract import Tool
from modelwright.errors import BadRequest, PlanError
from modelwright.graphs import references
from modelwright.types import Json, Plan, Step

DEEPEST = 50


def check(plan: Plan, tools: Mapping[str, Tool]) -> Plan:
    """The plan with its hash. Raises PlanError for the first thing that is wrong."""
    if plan.kind != "plan":
        return plan
    if not plan.steps:
        raise PlanError("the plan has no steps")
    earlier: dict[str, Tool] = {}
    for step in plan.steps:
        if step.id in earlier:
            raise PlanError("two steps have this id", step=step.id)
        tool = _tool_of(step, tools)
        _check_step(step, tool, earlier)
        earlier[step.id] = tool
    return plan.model_copy(update={"hash": plan_hash(plan)})


def plan_hash(plan: Plan) -> str:
    """sha256 over what will run and be expected. Estimates, sources and wording do not count."""
    return sha256_of([[s.id, s.tool, s.args, s.expect] for s in plan.steps])


def read_plan(value: Any) -> Plan:
    """A plan from JSON that a person may have edited."""
    refuse_unwritable(value)
    try:
        return Plan.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PlanError(f"{place}: {first['msg']}", fix="see docs/plans.md") from None


def refuse_unwritable(value: Any, step: str = "") -> None:
    """Raise PlanError for what cannot be written down as JSON in UTF-8: NaN, infinity, lone surrogates, bottomless nesting."""
    open_values = [(value, 0)]
    while open_values:
        here, depth = open_values.pop()
        if depth > DEEPEST:
            raise PlanError(f"nested more than {DEEPEST} levels deep", step=step, fix="see docs/plans.md")
        if isinstance(here, dict):
            open_values += [(part, depth + 1) for pair in here.items() for part in pair]
        elif isinstance(here, list):
            open_values += [(part, depth + 1) for part in here]
        elif isinstance(here, float) and not math.isfinite(here):
            raise PlanError(f"holds {here}, which is not a number to work with", step=step)
        elif isinstance(here, str) and not _is_text(here):
            raise PlanError(f"holds text that is not Unicode: {here!r:.80}", step=step, fix="write it as UTF-8")


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _tool_of(step: Step, tools: Mapping[str, Tool]) -> Tool:
    if step.tool in tools:
        return tools[step.tool]
    near = get_close_matches(step.tool, tools, n=1)
    raise PlanError(f"no tool is called {step.tool!r}", step=step.id, fix=f"did you mean {near[0]}?" if near else "see `modelwright tools`")


def _check_step(step: Step, tool: Tool, earlier: Mapping[str, Tool]) -> None:
    refuse_unwritable([step.args, step.expect], step.id)
    schema = tool.args_schema
    stand_in: Json = step.args
    for path, reference in references.find(step.args):
        field = ".".join(map(str, path))
        try:
            wanted_step, wanted_field, index = references.split(reference)
        except PlanError as error:
            raise PlanError(error.message, step=step.id, field=field, fix=error.fix) from None
        if wanted_step not in earlier:
            raise PlanError(f"{reference} refers to a step that does not come before", step=step.id, field=field)
        given = _result_schema(earlier[wanted_step], wanted_step, wanted_field, index, step.id, field)
        references.check_type(references.schema_at(schema, path), given, step.id, field, reference)
        stand_in = replaced(stand_in, path, example_of(given))
    try:
        tool.validate(stand_in)
    except BadRequest as error:
        raise PlanError(error.message, step=step.id, fix=error.fix) from None
    unexpected = sorted(set(step.expect) - set(tool.result.model_fields))
    if unexpected:
        raise PlanError(f"expects {unexpected[0]}, which {tool.name} does not give", step=step.id)
    unknown = sorted(set(step.sources) - set(step.args))
    if unknown:
        raise PlanError(f"has a source for {unknown[0]}, which is not among the arguments", step=step.id)


def _result_schema(tool: Tool, step: str, field: str, index: int | None, at_step: str, at_field: str) -> Json:
    schema = tool.result_schema
    given = references.schema_at(schema, (field,))
    if not given:
        known = ", ".join(tool.result.model_fields)
        raise PlanError(f"the result of {step} ({tool.name}) has no field {field!r}", step=at_step, field=at_field, fix=f"it has: {known}")
    if index is None:
        return given
    if given.get("type") != "array":
        raise PlanError(f"{step}.{field} is not a list", step=at_step, field=at_field)
    return references.schema_at(schema, (field, index))


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of `value` with `new` at `path`."""
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {k: replaced(v, rest, new) if k == head else v for k, v in value.items()}
    return [replaced(v, rest, new) if i == head else v for i, v in enumerate(value)]


def example_of(schema: Json, text: str = "reference") -> Any:
    """A value of that type in place of a reference that has no value yet."""
    kind = schema.get("type")
    if kind == "array":
        return [example_of(schema.get("items", {}), text)]
    return {"string": text, "integer": 1, "number": 1.0, "boolean": True, "object": {}}.get(str(kind), text)
