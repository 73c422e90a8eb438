"""A plan that a person changes: checked and costed as a run would, before it is run. Runs nothing and writes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from modelwright import config, tools
from modelwright.errors import ModelwrightError, PlanError
from modelwright.graphs.gate import assess, edited
from modelwright.graphs.inputs import refuse_missing
from modelwright.graphs.plancheck import check, read_plan
from modelwright.policies import load as load_policy
from modelwright.types import Json


def assessed(plan: Json, root: Path, policy: Path | None) -> Json:
    """The plan with estimates and decisions. Raises PlanError naming step, field and reason, DoesNotFit for one that is too big.

    What its steps read has to be there: it was there for the plan that was proposed.
    """
    bare = {**plan, "hash": None, "steps": [{k: v for k, v in s.items() if k not in DECIDED} for s in plan.get("steps", [])]}
    known = tools.load_all()
    checked = check(read_plan(bare), known)
    refuse_missing(checked, known, root.resolve())
    return assess(checked, known, load_policy(policy), root, seed=config.load(root).seed)[0].model_dump(mode="json")


DECIDED = frozenset({"estimate", "decision", "rule", "defaults"})


def problem_of(plan: Json, step: str, changes: Mapping[str, object], root: Path) -> tuple[str, str]:
    """(field, what is wrong) when these arguments are put into the step; two empty strings when they are fine."""
    try:
        edited(read_plan({**plan, "hash": None}), {step: dict(changes)}, tools.load_all(), root.resolve())
    except PlanError as error:
        named = re.search(r"^\w+: \w+\.(\w+)", error.message)  # what a schema refuses is told as `tool.field: why`
        return error.field or (named[1] if named else ""), str(error)
    except ModelwrightError as error:
        return "", str(error)
    return "", ""
