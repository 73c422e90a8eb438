"""The facts of a run, gathered once from its state, the ledger and the trace; Markdown and HTML are two ways to print them.

Two facts to know. No number is worked out here that was not measured: what a step took is the executor's, what it found
is the tool's. And all text passes `text.clean`, so that control characters and secrets in a model's answer do not reach
a page; escaping for the page's own language is the printer's work.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelwright.agent import trace
from modelwright.agent.collect import collect
from modelwright.agent.report import approvals, fields, findings, wording
from modelwright.agent.report.findings import Curve, Findings
from modelwright.agent.results import RunResult, StepResult
from modelwright.agent.runs import Run
from modelwright.events import Event, EventType
from modelwright.graphs.ledger import Ledger
from modelwright.text import clean
from modelwright.types import Check, Json, Step
from modelwright.workspace import Workspace


@dataclass(frozen=True)
class Argument:
    name: str
    value: str
    source: str


@dataclass(frozen=True)
class StepFacts:
    """One step: what was planned, allowed, run and found."""

    id: str
    tool: str
    status: str
    arguments: list[Argument]
    estimate: Json
    decision: str
    rule: str
    approved_by: str
    seconds: float | None
    """Measured in this run; None when it did not run here."""
    peak_memory_bytes: int | None
    reused_from: str
    checks: list[Check]
    error: Json | None
    notices: list[str]
    result: Json
    shown: fields.Shown
    found: Findings


@dataclass(frozen=True)
class Facts:
    """All that a report says."""

    run: str
    status: str
    tone: str
    headline: str
    fix: str
    request: str
    created: str
    workspace: str
    steps: list[StepFacts]
    budgets: list[tuple[str, str, str]]
    seconds: float
    unverified: list[str]
    events: int
    database: str
    plan_hash: str
    answers: list[str] = field(default_factory=list)

    @property
    def has_plan(self) -> bool:
        return bool(self.steps)


def gather(db: sqlite3.Connection, run: Run, state: Json, workspace: Workspace) -> Facts:
    result = collect(db, run, state, workspace)
    events = list(trace.read(db, run.id))
    planned = result.plan.steps if result.plan else []
    reader = _Reader(db, run.request, events, workspace.root)
    steps = [reader.step(step, ran) for step, ran in zip(planned, result.steps, strict=True)]
    error: Json = clean(result.error or {})
    return Facts(
        run=run.id,
        status=result.status,
        tone=wording.tone(result.status),
        headline=_headline(result, error),
        fix=str(error.get("fix") or ""),
        request=clean(run.request or (result.plan.request if result.plan else "")),
        workspace=str(workspace.root),
        created=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.created)),
        steps=steps,
        seconds=result.spent.seconds,
        budgets=wording.spent_rows(result.spent, state.get("limits") or {}),
        unverified=_unverified(steps),
        events=len(events),
        database=str(workspace.database),
        plan_hash=(result.plan.hash or "") if result.plan else "",
        answers=clean(state.get("answers") or []),
    )


def _headline(result: RunResult, error: Json) -> str:
    finished = [step for step in result.steps if step.status == "done"]
    return wording.headline(result.status, error, len(finished), sum(len(step.checks) for step in finished))


@dataclass(frozen=True)
class _Reader:
    """Reads one step after the other."""

    db: sqlite3.Connection
    request: str
    events: list[Event]
    root: Path

    def step(self, step: Step, ran: StepResult) -> StepFacts:
        own = [event for event in self.events if event.step == step.id]
        result: Json = clean(ran.result.model_dump(mode="json")) if ran.result else {}
        here = not ran.reused and ran.status != "pending"
        found = findings.of(result)
        return StepFacts(
            id=step.id,
            tool=step.tool,
            status=ran.status,
            arguments=_arguments(step, ran, self.request),
            decision=step.decision or "",
            rule=step.rule or "",
            estimate=step.estimate.model_dump() if step.estimate else {},
            approved_by=approvals.approved_by(step, self.events),
            seconds=ran.seconds if here else None,
            peak_memory_bytes=ran.peak_memory_bytes or None if here else None,
            reused_from=_origin(self.db, own) if ran.reused else "",
            checks=[_clean_check(c) for c in ran.checks],
            error=clean(ran.error),
            notices=_notices(own[:-1] if ran.error and own and own[-1].type is EventType.TOOL_FAILED else own),  # the last is `error`
            result=result,
            shown=fields.of(result, self.root),
            found=found if found.losses else replace(found, losses=_losses_of(own)),
        )


def _arguments(step: Step, ran: StepResult, request: str) -> list[Argument]:
    """As planned, with where each came from; a reference shows what it became."""
    made = []
    for name, value in step.args.items():
        text = wording.scalar(name, value)
        resolved = wording.scalar(name, ran.args.get(name, value))
        said = text if resolved == text else f"{text} = {resolved}"
        made.append(Argument(name, clean(said), clean(wording.source(step.sources.get(name, ""), request))))
    return made


def _clean_check(check: Check) -> Check:
    return Check(name=clean(check.name), passed=check.passed, detail=clean(check.detail))


def _origin(db: sqlite3.Connection, events: list[Event]) -> str:
    """'run r261122-k7f2, step s1 (12 s there)'."""
    reused = next((event.data for event in reversed(events) if event.type is EventType.TOOL_REUSED), {})
    entry = Ledger(db).find(str(reused.get("key", "")))
    took = f" ({wording.scalar('seconds', entry.seconds)} there)" if entry and entry.seconds is not None else ""
    return f"run {reused.get('from_run', 'unknown')}, step {reused.get('from_step', 'unknown')}{took}"


def _notices(events: list[Event]) -> list[str]:
    """Retries, notices and failures on the way, in order."""
    said = []
    for event in events:
        if event.type is EventType.NOTICE:
            said.append(str(event.data.get("message", "")))
        elif event.type is EventType.TOOL_FAILED:
            said.append(f"failed: {(event.data.get('error') or {}).get('message', 'no message')}")
        elif event.type is EventType.TOOL_JOINED:
            said.append("joined a job that still ran")
    return [text for text in said if text]


def _losses_of(events: list[Event]) -> dict[str, Curve]:
    """The training curve from the trace's progress points, when the result keeps none."""
    points = [event.data for event in events if event.type is EventType.TOOL_PROGRESS]
    return findings.losses({"log_history": points})


def _unverified(steps: list[StepFacts]) -> list[str]:
    """What a reader must not take for proved."""
    said = []
    for step in steps:
        if step.status == "pending":
            said.append(f"{step.id} ({step.tool}) did not run")
        elif step.status == "failed":
            said.append(f"{step.id} ({step.tool}) failed: {(step.error or {}).get('message', 'no message')}")
        said += [
            f"{step.id} ({step.tool}): the check “{c.name}” did not pass: {c.detail or 'no detail'}" for c in step.checks if not c.passed
        ]
        if step.status == "done" and not step.checks:
            said.append(f"{step.id} ({step.tool}) has no checks: its result is as the tool gave it")
        said += [f"{step.id} ({step.tool}): {note}" for note in step.found.notes]
    return said
