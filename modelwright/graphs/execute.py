"""One step, exactly once: resolve, check against what was approved, look into the ledger, run, write the outcome.

Nothing here decides what comes next; the outcome is either a ledger key or a typed error.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from modelwright import faults
from modelwright.contract import Tool
from modelwright.errors import BudgetSpent, Denied, Interrupted, JobLimit, ModelwrightError
from modelwright.events import EventType
from modelwright.files import clear_os_errors, discard, keep_seconds, kept_seconds
from modelwright.graphs import ledger, predictions, raised, references
from modelwright.graphs.context import RunContext
from modelwright.graphs.deps import Deps
from modelwright.graphs.gate import call_id, estimate_of
from modelwright.text import human_bytes
from modelwright.types import Check, Decision, Estimate, Json, Step, ToolArgs, ToolResult

EARLIER = "earlier.json"
"""In a call's job folder: the seconds of its tries that were cut off."""


@dataclass(frozen=True)
class Outcome:
    key: str
    reused: bool
    seconds: float


@dataclass(frozen=True)
class Call:
    """A step whose references have been replaced by what earlier steps gave."""

    step: Step
    tool: Tool
    args: Json
    validated: ToolArgs


def prepare(step: Step, result_of: Callable[[str], Json], deps: Deps) -> Call:
    """The call with its references resolved and its arguments validated."""
    tool = deps.tools[step.tool]
    args = references.resolve(step.args, result_of)
    return Call(step, tool, args, tool.validate(args))


class AskAgain(Exception):
    """The call must go back through the gate. `resolved` when its real arguments are what must be looked at."""

    def __init__(self, resolved: bool) -> None:
        super().__init__()
        self.resolved = resolved


def authorise(call: Call, approved: dict[str, str], allowed_tools: Sequence[str], deps: Deps) -> None:
    """Raise unless this is exactly what was approved, also with its real arguments.

    AskAgain when policy or arguments changed since, or when policy asks about the real arguments what it had allowed
    before they were known; Denied when it denies them.
    """
    planned, real = call_id(call.step, deps.policy.hash), call_id(call.step, deps.policy.hash, call.args)
    given = approved.get(call.step.id)
    if given not in (planned, real):
        raise AskAgain(resolved=False)
    known = call.step.estimate if call.args == call.step.args else None  # only references make another estimate
    estimate = known or estimate_of(call.tool, call.args, deps.workspace.root)
    verdict = deps.policy.decide(
        call.tool, call.args, estimate or Estimate(), deps.workspace.root
    )  # again: a link may point elsewhere by now
    if verdict.decision is Decision.DENY:
        raise Denied(f"policy denies {call.step.id} with its real arguments: {verdict.reason} (rule {verdict.rule})")
    unseen = verdict.decision is Decision.ASK and call.step.decision is Decision.ALLOW and call.tool.name not in allowed_tools
    if unseen and given != real:
        raise AskAgain(resolved=True)


def run(call: Call, deps: Deps, run_id: str, seconds_left: float | None, attempt: str) -> Outcome:
    """Run the call or reuse what the ledger has. Raises what the tool raised. `attempt` tells repeats of a volatile call apart."""
    inputs = ledger.input_hashes(call.tool, call.args, deps.workspace.root, deps.db, partial(_reading, deps, call.step.id))
    once = f"{run_id}/{call.step.id}/{attempt}" if call.tool.volatile else ""
    key = ledger.call_key(call.tool, call.args, inputs, deps.settings.seed, once=once)
    known = deps.ledger.find(key)
    if known and known.status == "done" and known.result is not None:
        if ledger.artifacts_whole(known.result):
            deps.emitter.emit(EventType.TOOL_REUSED, call.step.id, tool=call.tool.name, key=key, from_run=known.run, from_step=known.step)
            return Outcome(key, True, 0.0)
        discard(deps.workspace.job_dir(key))  # what it left is gone or changed: do it anew
    earlier = _earlier_seconds(known, deps.workspace.job_dir(key))
    deps.ledger.start(key, call.tool, call.args, inputs, run_id, call.step.id)
    faults.point("execute.after_intent")
    return _run_tool(call, key, deps, run_id, seconds_left, earlier)


def _earlier_seconds(known: ledger.Entry | None, job_dir: Path) -> float:
    """What tries of this call took that were cut off before, each up to the last that its jobs told."""
    kept = job_dir / EARLIER
    if known is None or known.status != "started":
        kept.unlink(missing_ok=True)
        return 0.0
    told = [path.stat().st_mtime for path in job_dir.glob("*/events.jsonl")]
    earlier = kept_seconds(kept) + max(0.0, max(told, default=0.0) - known.started)
    if told:
        keep_seconds(kept, earlier)
    return earlier


def _reading(deps: Deps, step: str, path: Path, size: int) -> None:
    message = f"{step}: reading {path.name} ({human_bytes(size)}) once, to know later whether it changed"
    deps.emitter.emit(EventType.NOTICE, step, message=message)


def _run_tool(call: Call, key: str, deps: Deps, run_id: str, seconds_left: float | None, earlier: float) -> Outcome:
    started = time.monotonic()
    context = _context(call, key, deps, run_id, seconds_left)
    deps.emitter.emit(
        EventType.TOOL_STARTED,
        call.step.id,
        **{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.tool.name},
        args=call.args,
        key=key,
        estimate=call.step.estimate.model_dump() if call.step.estimate else None,
    )
    try:
        result = _guarded(call, context)
    except Interrupted:
        raise
    except ModelwrightError as error:
        deps.ledger.failed(key, error.as_json())
        if isinstance(error, JobLimit) and seconds_left is not None and time.monotonic() - started >= seconds_left:
            raise BudgetSpent(
                f"the run's seconds are spent in {call.step.id}", fix=f"modelwright resume {run_id} --max-seconds N"
            ) from None
        raise
    faults.point("execute.after_effect")
    if context.joined:
        deps.emitter.emit(EventType.TOOL_JOINED, call.step.id, tool=call.tool.name, key=key)
    seconds = earlier + time.monotonic() - started
    deps.ledger.done(key, result.model_dump(mode="json"), context.peak_memory_bytes)
    faults.point("execute.after_outcome")
    if not earlier:  # else part of it was done twice, or is known up to its last sign of life only
        _learn(call, key, deps, seconds, context)
    _drop_scratch(deps.workspace.job_dir(key))
    deps.emitter.emit(
        EventType.TOOL_FINISHED,
        call.step.id,
        **{"gen_ai.tool.name": call.tool.name},
        key=key,
        seconds=round(seconds, 3),
        peak_memory_bytes=context.peak_memory_bytes,
        summary=result.summary,
    )
    return Outcome(key, False, seconds)


def _learn(call: Call, key: str, deps: Deps, seconds: float, context: RunContext) -> None:
    """Keep what this call took beside what its tool had said. A joined job was begun by somebody else: its time is not known."""
    estimate = None if context.joined else estimate_of(call.tool, call.args, deps.workspace.root)
    if estimate is None:
        return
    with contextlib.suppress(sqlite3.Error):  # a record that cannot be written must not fail a call that is done
        predictions.store(deps.db, key, call.tool, call.args, estimate, seconds, context.peak_memory_bytes)


def _drop_scratch(job_dir: Path) -> None:
    """Trainer checkpoints are 1 GB and more; once the outcome is in the ledger only logs and small results stay."""
    for checkpoints in job_dir.glob("*/checkpoints"):
        discard(checkpoints)


def _context(call: Call, key: str, deps: Deps, run_id: str, seconds_left: float | None) -> RunContext:
    step = call.step.id

    def report(numbers: Json) -> None:
        deps.emitter.emit(EventType.TOOL_PROGRESS, step, tool=call.tool.name, **numbers)

    return RunContext(
        workspace=deps.workspace.root,
        output_dir=deps.workspace.run_dir(run_id) / f"{step}-{call.tool.name}",
        job_dir=deps.workspace.job_dir(key),
        settings=deps.settings,
        report=report,
        seconds_left=seconds_left,
    )


def _guarded(call: Call, context: RunContext) -> ToolResult:
    """Run the tool; what it raises that is not ours becomes ours."""
    with clear_os_errors(context.output_dir):
        context.output_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        return call.tool.run(call.validated, context)
    except ModelwrightError:
        raise
    except KeyboardInterrupt:
        raise Interrupted("stopped by the user") from None
    except Exception as error:
        raise raised.typed(error, call.tool, call.args, context.workspace, context.job_dir) from error


def verify(call: Call, result: Json) -> list[Check]:
    """The tool's postconditions, the step's expectations, and that every artifact is what it was said to be."""
    typed = call.tool.result.model_validate(result)
    checks = list(call.tool.checks(call.validated, typed))
    for name, wanted in call.step.expect.items():
        given = result.get(name)
        checks.append(Check(name=f"expected {name}", passed=given == wanted, detail=f"wanted {wanted!r}, got {given!r}"))
    for artifact in typed.artifacts:
        whole = ledger.artifacts_whole({"artifacts": [artifact.model_dump()]})
        checks.append(Check(name=f"artifact {Path(artifact.path).name} unchanged", passed=whole, detail=artifact.sha256[:12]))
    return checks
