"""Plans and step records of a run, in SQLite beside the state.

A checkpoint holds the whole state and there are three a step: with the plan inside, 200 steps took 60 ms each and
50 MB. So the state holds a plan's id (the hash of all its JSON, hence proof of it) and this table the rest. A record
that is written again after a kill says the same again.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from modelwright.canonical import sha256_of
from modelwright.errors import Denied
from modelwright.types import Json, Plan


class RunStore:
    """What one run's state refers to."""

    def __init__(self, db: sqlite3.Connection, run: str) -> None:
        self._db, self._run = db, run
        self._plans: dict[str, Plan] = {}

    def save_plan(self, plan: Plan) -> str:
        """The id of the plan: the hash of everything in it."""
        value = plan.model_dump(mode="json")
        plan_id = sha256_of(value)
        self._db.execute("insert or ignore into plans (id, run, plan) values (?,?,?)", (plan_id, self._run, json.dumps(value)))
        self._plans[plan_id] = plan
        return plan_id

    def plan(self, plan_id: str) -> Plan:
        """The plan with this id. Raises Denied when what is stored is no longer what was saved."""
        if plan_id not in self._plans:
            row = self._db.execute("select plan from plans where id = ?", (plan_id,)).fetchone()
            value = json.loads(row["plan"]) if row else None
            if value is None or sha256_of(value) != plan_id:
                raise Denied("the stored plan is missing or was changed after it was approved", fix="run it again as a plan file")
            self._plans[plan_id] = Plan.model_validate(value)
        return self._plans[plan_id]

    def record(self, plan_id: str, step: str, **values: Any) -> None:
        """Add to what is known of a step: status, key, reused, seconds, checks, error; `call` for the stuck detector."""
        call = values.pop("call", None)
        known = {**self.steps(plan_id, step).get(step, {}), **values}
        self._db.execute(
            "insert into steps (run, plan, step, record, call) values (?,?,?,?,?) "
            "on conflict (run, plan, step) do update set record = excluded.record, call = coalesce(excluded.call, call)",
            (self._run, plan_id, step, json.dumps(known), call),
        )

    def steps(self, plan_id: str, step: str | None = None) -> dict[str, Json]:
        """step id -> record."""
        only = "" if step is None else " and step = ?"
        rows = self._db.execute(
            f"select step, record from steps where run = ? and plan = ?{only}", (self._run, plan_id, *([step] if step else []))
        )
        return {row["step"]: json.loads(row["record"]) for row in rows}

    def adopt(self, old: str, new: str) -> None:
        """Take over the records of a plan that differs in estimates and decisions only."""
        self._db.execute(
            "insert or ignore into steps (run, plan, step, record, call) "
            "select run, ?, step, record, call from steps where run = ? and plan = ?",
            (new, self._run, old),
        )

    def times_seen(self, plan_id: str, call: str) -> int:
        """How often this plan made the same call with the same result."""
        return int(
            self._db.execute("select count(*) from steps where run = ? and plan = ? and call = ?", (self._run, plan_id, call)).fetchone()[0]
        )

    def expanded(self, state: Json) -> Json:
        """The state with `plan` and `steps` in it, for those who read a run as a whole."""
        plan_id = state.get("plan_id")
        if not plan_id:
            return {**state, "plan": None, "steps": {}}
        return {**state, "plan": self.plan(plan_id).model_dump(mode="json"), "steps": self.steps(plan_id)}
