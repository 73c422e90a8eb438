"""The gate: each step's estimate, decisive defaults and policy decision, and what a person's reply changes.

`assess` is pure, so `plan` and `--dry-run` show exactly what a run would ask. An edited step is assessed again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from modelwright.canonical import sha256_of
from modelwright.contract import Tool, Verdict
from modelwright.errors import BadRequest, PlanError
from modelwright.graphs import feasible, references
from modelwright.graphs.deps import Policy
from modelwright.graphs.inputs import refuse_missing
from modelwright.graphs.plancheck import check, example_of, replaced
from modelwright.graphs.predictions import History
from modelwright.graphs.reuse import Held, held
from modelwright.types import Decision, Estimate, Json, Plan, Step, ToolArgs
from modelwright.workspace import Workspace

ASKED_BEFORE = "asked-before"
"""Stands for a rule where an edited step is asked about only because it was asked about before its edit."""
WAITED = "it waited for a yes before it was changed; as it is now the policy would let it run"


def assess(
    plan: Plan,
    tools: Mapping[str, Tool],
    policy: Policy,
    workspace: Path,
    resolved: Mapping[str, Json] | None = None,
    memory_limit: int | None = None,
    *,
    seed: int | None = None,
) -> tuple[Plan, dict[str, Verdict]]:
    """The plan with estimates, defaults and decisions filled in, and each step's verdict; by its real arguments where they are known.

    Estimates are corrected by what like calls took in this workspace. Raises DoesNotFit for a step that needs more than
    `memory_limit` bytes, or than there is. A call whose result the ledger holds, made with `seed`, is shown as reused; what is
    decided about it is by what it takes, as its files may be gone by its turn.
    """
    with held(workspace, seed) as holds:
        return _assessed(plan, tools, policy, workspace, resolved or {}, memory_limit, holds)


def _assessed(
    plan: Plan,
    tools: Mapping[str, Tool],
    policy: Policy,
    workspace: Path,
    resolved: Mapping[str, Json],
    memory_limit: int | None,
    holds: Held,
) -> tuple[Plan, dict[str, Verdict]]:
    verdicts, steps = {}, []
    history, limit = History(Workspace(workspace).database), memory_limit or feasible.memory_limit(None)
    for step in plan.steps:
        tool = tools[step.tool]
        args = resolved.get(step.id, step.args)
        estimate = _corrected(estimate_of(tool, args, workspace), tool, args, history)
        if estimate is not None:
            feasible.refuse_unfit(step.id, tool, args, estimate, limit, partial(_memory_of, tool, workspace, history))
        verdict = policy.decide(tool, args, estimate or Estimate(), workspace)
        verdicts[step.id] = verdict
        shown = Estimate(reused=True) if holds(step.id, tool, args) else estimate
        told = {"estimate": shown, "decision": verdict.decision, "rule": verdict.rule, "defaults": defaults_of(tool, args, workspace)}
        steps.append(step.model_copy(update=told))
    return plan.model_copy(update={"steps": steps}), verdicts


def _corrected(estimate: Estimate | None, tool: Tool, args: Json, history: History) -> Estimate | None:
    return None if estimate is None else history.corrected(tool, args, estimate)


def _memory_of(tool: Tool, workspace: Path, history: History, args: Json) -> int | None:
    estimate = _corrected(estimate_of(tool, args, workspace), tool, args, history)
    return None if estimate is None else estimate.memory_bytes


def predicted(tool: Tool, args: Json, workspace: Path) -> Estimate | None:
    """What a plan shows of the call: the tool's own estimate, corrected by what like calls took here. None where it is unknown."""
    return _corrected(estimate_of(tool, args, workspace), tool, args, History(Workspace(workspace).database))


def estimate_of(tool: Tool, args: Json, workspace: Path) -> Estimate | None:
    """The tool's own estimate; a reference stands for a model of the built-in's size, or for 1 where a number is due.

    None is unknown: an input is missing or cannot be read. The tool says so itself, with its hint, before it works; so
    policy decides by what the call touches.
    """
    try:
        return tool.estimate(_stand_in_args(tool, args), workspace)
    except (BadRequest, OSError, ValueError, RuntimeError):
        return None


def defaults_of(tool: Tool, args: Json, workspace: Path) -> Json:
    """What the tool's decisive arguments come to that are not given; without those that have no part in this call."""
    unset = [name for name in tool.decisive if args.get(name) is None]
    if not unset:
        return {}
    full = _stand_in_args(tool, args)
    try:
        settled = tool.settle(full, workspace)
    except (BadRequest, OSError, ValueError, RuntimeError):  # as for an estimate: the tool says what is missing before it works
        settled = {}
    found = {name: settled[name] if name in settled else getattr(full, name) for name in unset}
    return {name: value for name, value in found.items() if value is not None and value != []}


def _stand_in_args(tool: Tool, args: Json) -> ToolArgs:
    """The arguments with their defaults, unvalidated, as references have no values yet."""
    return tool.args.model_construct(**_with_defaults(tool, _without_references(tool, args)))


def _without_references(tool: Tool, args: Json) -> Json:
    schema, known = tool.args_schema, args
    for path, reference in references.find(args):
        if references.REFERENCE.match(reference):
            known = replaced(known, path, _stand_in(references.schema_at(schema, path)))
    return known


def _stand_in(schema: Json) -> object:
    """What an estimate can reckon with in place of a result that is not there yet."""
    return schema["enum"][0] if "enum" in schema else example_of(schema, text="builtin")


def _with_defaults(tool: Tool, args: Json) -> Json:
    fields = tool.args.model_fields
    return {**{name: field.get_default(call_default_factory=True) for name, field in fields.items() if not field.is_required()}, **args}


def call_id(step: Step, policy_hash: str, args: Json | None = None) -> str:
    """What an approval is bound to: this very call under this very policy; with `args` its real arguments instead of references."""
    return sha256_of([step.id, step.tool, step.args if args is None else args, policy_hash])[:32]


def edited(plan: Plan, edits: Mapping[str, Json], tools: Mapping[str, Tool], workspace: Path) -> Plan:
    """The plan with some arguments replaced (None removes one), checked again; what the edited steps read has to be there."""
    known = {step.id for step in plan.steps}
    for wanted in edits:
        if wanted not in known:
            raise PlanError(f"there is no step {wanted}", fix=f"steps: {', '.join(sorted(known))}")
    steps = [_edited_step(step, edits.get(step.id, {})) for step in plan.steps]
    checked = check(plan.model_copy(update={"steps": steps}), tools)
    refuse_missing(checked, tools, workspace, only=edits)
    return checked


def _edited_step(step: Step, changes: Json) -> Step:
    args = {k: v for k, v in {**step.args, **changes}.items() if v is not None}
    sources = {k: v for k, v in {**step.sources, **dict.fromkeys(changes, "edit")}.items() if k in args}
    return step.model_copy(update={"args": args, "sources": sources})


def asked_still(plan: Plan, verdicts: dict[str, Verdict], before: Collection[str]) -> tuple[Plan, dict[str, Verdict]]:
    """An edit takes no question away: a step that waited for a yes waits again, so that a person sees it as it is now."""
    again = {s.id for s in plan.steps if s.id in before and s.decision is Decision.ALLOW}
    now = verdicts | {name: Verdict(Decision.ASK, ASKED_BEFORE, f"{WAITED} ({verdicts[name].rule})") for name in again}
    steps = [s.model_copy(update={"decision": Decision.ASK, "rule": ASKED_BEFORE}) if s.id in again else s for s in plan.steps]
    return plan.model_copy(update={"steps": steps}), now


def asks(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.decision is Decision.ASK]
