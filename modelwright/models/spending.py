"""What models were asked and what that took, call by call, with the budgets of a request and of a day.

Two facts to know. The worst that a call can take is written down before it is made and replaced by the truth after it:
a process that is killed in between has spent its reserve, and two processes cannot both take the last dollar. And the
table `model_calls` lies in the workspace's database; a workspace that never asks such a model has none.

Days are UTC. Not here: the budget of a run (`--max-tokens`, `--max-cost`), which the graph keeps.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelwright.config import GatewaySettings
from modelwright.errors import BudgetSpent
from modelwright.models.base import Exchange
from modelwright.workspace import Workspace

SCHEMA = """
create table if not exists model_calls (
    id text primary key, time real not null, request text not null, model text not null, prompt_sha256 text not null,
    prompt_version text not null, prompt_tokens integer not null, output_tokens integer not null, seconds real not null,
    ttft_seconds real not null, cost real, error text not null);
create index if not exists model_calls_time on model_calls (time);
"""
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Worst:
    """The most that a call can take."""

    tokens: int
    cost: float | None
    """US dollars; None where the price is unknown."""


class Spending:
    """The budgets of one workspace."""

    def __init__(self, workspace: Workspace, budget: GatewaySettings, clock: Callable[[], float] = time.time) -> None:
        self._workspace, self._budget, self._clock = workspace, budget, clock
        self._request = ""

    def begin_request(self, request: str) -> None:
        """From here on calls belong to this request; its name is any text that no other one has."""
        self._request = request

    def reserve(self, call: Exchange, worst: Worst) -> None:
        """Write `call` down with the worst that it can take. Raises BudgetSpent when that is more than is left."""
        with self._connected() as db:
            db.execute("begin immediate")
            try:
                self._check(db, call.model, worst)
                self._write(db, call, worst.tokens, 0, worst.cost)
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

    def settle(self, call: Exchange) -> None:
        """Replace the reserve of `call` by what it took."""
        with self._connected() as db:
            self._write(db, call, call.prompt_tokens, call.output_tokens, call.cost)

    def _write(self, db: sqlite3.Connection, call: Exchange, prompt_tokens: int, output_tokens: int, cost: float | None) -> None:
        told = (call.id, self._clock(), self._request, call.model, call.prompt_sha256, call.prompt_version)
        took = (prompt_tokens, output_tokens, call.seconds, call.ttft_seconds, cost, call.error)
        db.execute(f"insert or replace into model_calls values ({', '.join('?' * 12)})", told + took)

    def _check(self, db: sqlite3.Connection, model: str, worst: Worst) -> None:
        budget = self._budget
        if worst.cost is None and (budget.request_cost is not None or budget.day_cost is not None):
            raise BudgetSpent(f"the price of {model} is unknown, so no budget in dollars can be kept", fix="add it to the file of `prices`")
        today = self._clock() // SECONDS_A_DAY * SECONDS_A_DAY
        for what, limit, column, need, where, value in (
            ("request_cost", budget.request_cost, "cost", worst.cost, "request = ?", self._request),
            ("day_cost", budget.day_cost, "cost", worst.cost, "time >= ?", today),
            ("request_tokens", budget.request_tokens, "prompt_tokens + output_tokens", worst.tokens, "request = ?", self._request),
            ("day_tokens", budget.day_tokens, "prompt_tokens + output_tokens", worst.tokens, "time >= ?", today),
        ):
            if limit is not None:
                spent = db.execute(f"select coalesce(sum({column}), 0) from model_calls where {where}", (value,)).fetchone()[0]
                if spent + (need or 0) > limit:
                    raise _spent(model, what, spent, need or 0, limit)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(self._workspace.connect()) as db:
            db.executescript(SCHEMA)
            yield db


def _spent(model: str, what: str, spent: float, need: float, limit: float) -> BudgetSpent:
    unit = "US dollars" if what.endswith("cost") else "tokens"
    left = f"{spent:g} of {limit:g} {unit} are spent and another call of {model} may take {need:g}"
    return BudgetSpent(f"gateway.{what}: {left}", fix=f"raise gateway.{what}" + (", or go on tomorrow" if what.startswith("day") else ""))
