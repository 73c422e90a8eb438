"""A run as it was: its plan, what each step did and said, read from trace and ledger. Loads no LangGraph, runs nothing.

Two facts: arguments have their references replaced where the earlier results are known, and a step that was begun and
neither finished nor failed is `cut`. Not here: the state of the graph (Agent.show), approvals (report/).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from functools import cached_property

from modelwright.agent import trace
from modelwright.agent.runs import ASKS, Run, Runs, waited_seconds, waits_for
from modelwright.errors import PlanError
from modelwright.events import Event, EventType
from modelwright.graphs import references
from modelwright.graphs.ledger import Ledger
from modelwright.text import one_line
from modelwright.types import Json, Plan


@dataclass
class PastStep:
    """`status`: pending, cut, ran, done, unverified or failed. `args` as they were called with."""

    id: str
    tool: str
    args: Json
    sources: dict[str, str]
    status: str = "pending"
    result: Json = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    reused_from: str = ""
    checks: list[Json] = field(default_factory=list)
    error: Json | None = None
    decision: Json = field(default_factory=dict)


class Past:
    """One run, looked back upon."""

    def __init__(self, db: sqlite3.Connection, run: Run) -> None:
        self._db, self.run = db, run
        self.events: list[Event] = list(trace.read(db, run.id, without=EventType.TOOL_PROGRESS))

    @classmethod
    def of(cls, db: sqlite3.Connection, run: str) -> Past:
        return cls(db, Runs(db).get(run))

    @cached_property
    def plan(self) -> Plan | None:
        """The latest plan with steps: as the run ended, or as it was proposed last."""
        proposed = [e.data["plan"] for e in self.events if e.type is EventType.PLAN_PROPOSED and e.data["plan"]["steps"]]
        found = self.run.plan if self.run.plan and self.run.plan["steps"] else (proposed[-1] if proposed else None)
        return Plan.model_validate(found) if found else None

    @cached_property
    def steps(self) -> list[PastStep]:
        made = {s.id: PastStep(s.id, s.tool, s.args, s.sources) for s in (self.plan.steps if self.plan else [])}
        for event in self.events:
            if event.step in made:
                self._tell(made[str(event.step)], event)
        results = {step.id: step.result for step in made.values() if step.result}
        for step in made.values():
            step.args = _resolved(step.args, results)
        return list(made.values())

    def _tell(self, step: PastStep, event: Event) -> None:
        """Add what one event says."""
        data = event.data
        if event.type is EventType.DECISION:
            step.decision = data
        elif event.type is EventType.TOOL_STARTED:
            step.status, step.error = "cut", None
        elif event.type in (EventType.TOOL_FINISHED, EventType.TOOL_REUSED):
            entry = Ledger(self._db).find(str(data.get("key", "")))
            told = {"summary": data["summary"]} if data.get("summary") else {}  # all that is left where the ledger has lost it
            step.status, step.result = "ran", (entry.result or {}) if entry else told
            step.peak_memory_bytes = entry.peak_memory_bytes if entry else None
            step.seconds = float(data.get("seconds", 0.0))
            step.reused_from = f"{data['from_run']} {data['from_step']}" if event.type is EventType.TOOL_REUSED else ""
        elif event.type is EventType.TOOL_FAILED:
            step.status, step.error = "failed", data["error"]
        elif event.type is EventType.VERIFIED:
            step.status, step.checks = ("done" if data["passed"] else "unverified"), data["checks"]

    @cached_property
    def waits_for(self) -> str:
        """approval, question or budget, where the run lies there; empty where it waits for nobody."""
        return waits_for(self._db, self.run.id) if self.unfinished else ""

    @property
    def asked(self) -> list[str]:
        """The steps that wait for a yes."""
        asked = [e for e in self.events if e.type is EventType.APPROVAL_ASKED]
        return list(asked[-1].data.get("steps", [])) if asked and self.waits_for == "approval" else []

    def waiting(self) -> list[str]:
        """What it waits for, in words; nothing where it does not."""
        last = next((e for e in reversed(self.events) if e.type.value in ASKS), None)
        if not self.waits_for or last is None:
            return []
        if last.type is EventType.QUESTION_ASKED:
            return [f"it asks: {one_line(str(last.data.get('question')), 400)}"]
        if last.type is EventType.BUDGET:
            return [f"a bound was reached: {one_line(str(last.data.get('reached')), 200)}"]
        return [f"it waits for a yes to {', '.join(f'{s.id} {s.tool}' for s in self.steps if s.id in self.asked)}"]

    @cached_property
    def waited_seconds(self) -> float:
        """In which it lay still, until a person answered or resumed it."""
        return waited_seconds(self._db, self.run.id)

    @property
    def refused(self) -> bool:
        """Whether a person said no to it."""
        return self.run.status == "denied" and any(e.type is EventType.APPROVAL_GIVEN and e.data.get("reject") for e in self.events)

    @property
    def unfinished(self) -> bool:
        """Killed, interrupted, or waiting for a person."""
        return self.run.status in ("running", "interrupted", "waiting")

    def stands(self) -> str:
        """Where an unfinished run was left, for a person."""
        at = next((s for s in self.steps if s.status == "cut"), None) or next((s for s in self.steps if s.status == "pending"), None)
        where = f" at {at.id} {at.tool}" if at else ""
        words = {"waiting": "waits for you", "interrupted": "was stopped", "running": "was cut off"}
        return f"run {self.run.id} {words.get(self.run.status, 'ended')}{where}"


def _resolved(args: Json, results: dict[str, Json]) -> Json:
    """The arguments with each reference replaced whose result is known."""
    made: Json = {}
    for name, value in args.items():
        try:
            made[name] = references.resolve(value, results.__getitem__)
        except (KeyError, TypeError, PlanError):
            made[name] = value
    return made
