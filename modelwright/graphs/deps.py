"""What the nodes are given: one object, made by agent/ for a run, so that no node reaches for anything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from modelwright.config import Settings
from modelwright.contract import Tool, Verdict
from modelwright.events import Emitter
from modelwright.graphs.ledger import Ledger
from modelwright.graphs.store import RunStore
from modelwright.types import Estimate, Json, Plan
from modelwright.workspace import Workspace


class Planner(Protocol):
    def plan(self, request: str, answers: Sequence[str] = ()) -> Plan: ...

    def replan(self, plan: Plan, failed_step: str, error: Json) -> Plan | None: ...


class Policy(Protocol):
    @property
    def hash(self) -> str: ...

    def decide(self, tool: Tool, args: Json, estimate: Estimate, workspace: Path) -> Verdict: ...


@dataclass
class Deps:
    """Everything a run needs from outside its state. Not saved; made again on resume."""

    workspace: Workspace
    settings: Settings
    tools: Mapping[str, Tool]
    planner: Planner
    policy: Policy
    ledger: Ledger
    store: RunStore
    db: sqlite3.Connection
    emitter: Emitter
    write_report: Callable[[Json], Json]
    """Final state, expanded -> {report: path, …}."""
    remember: Callable[[Json], None]
    prune: Callable[[], None] = field(default=lambda: None)
    """Forget old checkpoints; called each step."""
    tokens_used: Callable[[], int] = field(default=lambda: 0)
    """Planner tokens since the last call of this function."""
    cost_used: Callable[[], float] = field(default=lambda: 0.0)
    """US dollars that planning took since the last call of this function, as far as prices are known."""
