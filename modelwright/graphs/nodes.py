"""The eight nodes of the graph. Each takes the state and gives the part it changes; `next` says where to go.

`approve` holds the only interrupt and nothing else, as a node with an interrupt restarts from its first line.
`route` is the only node that decides: bounds, retries, replans, the end.
"""

from __future__ import annotations

import time
from typing import Any

from langgraph.types import interrupt

from modelwright import faults
from modelwright.errors import BadRequest, BudgetSpent, Denied, ModelwrightError, NothingFits, Rejected, Stuck, ToolFailed
from modelwright.events import EventType
from modelwright.graphs import bounds, execute, gate
from modelwright.graphs.deps import Deps
from modelwright.graphs.feasible import memory_limit
from modelwright.graphs.plancheck import check, read_plan
from modelwright.graphs.state import RunState
from modelwright.types import Decision, Json, Limits, Plan, Spent, Step

Update = dict[str, Any]
REPLANNED = (1, 2)
"""Exit codes of failures that another plan may avoid: a tool failed, or its arguments or files were not what it takes.
Not a refusal (4), a spent budget (5), a missing engine (6) or Ctrl-C."""


class Nodes:
    """The nodes, bound to what they need of the outside."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    # plan ------------------------------------------------------------------------------------------------------

    def plan(self, state: RunState) -> Update:
        """Ask the planner (or take the given plan), check it, and open a question if one is needed."""
        faults.point("node.plan")
        started = time.monotonic()
        try:
            plan = self._propose(state)
            if plan is not None:
                plan = check(plan, self.deps.tools)
        except ModelwrightError as error:
            return {**self._failed(error), "spent": self._charged(state, started)}
        spent = self._charged(state, started, replans=1 if state.get("failure") else 0)
        if plan is None or plan.hash in state["tried"]:
            return {**self._failed_as_before(state), "spent": spent}
        self.deps.emitter.emit(EventType.PLAN_PROPOSED, plan=plan.model_dump(mode="json"))
        return {
            **self._of_kind(plan),
            "spent": spent,
            "reply": None,
            "failure": None,
            "cursor": 0,
            "stuck": False,
            "given": None,
            "resolved": {},
            "answers": self._answers(state),
            "plan_id": self.deps.store.save_plan(plan),
        }

    def _propose(self, state: RunState) -> Plan | None:
        failure = state.get("failure")
        if failure:
            return self.deps.planner.replan(self._plan_of(state), failure["step"], failure["error"])
        answers = self._answers(state)
        if state["given"] and not answers:
            return read_plan(state["given"])
        return self.deps.planner.plan(state["request"], answers)

    def _plan_of(self, state: RunState) -> Plan:
        return self.deps.store.plan(str(state["plan_id"]))

    def _answers(self, state: RunState) -> list[str]:
        answer = (state.get("reply") or {}).get("answer")
        return [*state["answers"], *([answer] if answer else [])]

    def _of_kind(self, plan: Plan) -> Update:
        if plan.kind == "none":
            error = NothingFits(plan.reason or "none of my tools does this")
            return {"status": "nothing", "error": error.as_json(), "next": "report"}
        if plan.kind == "question":
            self.deps.emitter.emit(EventType.QUESTION_ASKED, question=plan.question, choices=plan.choices)
            pending = {"kind": "question", "question": plan.question, "choices": plan.choices}
            return {"status": "waiting", "pending": pending, "next": "approve"}
        return {"status": "running", "error": None, "pending": None, "next": "gate"}

    # gate and approve ------------------------------------------------------------------------------------------

    def gate(self, state: RunState) -> Update:
        """Estimate and decide every step; apply what a person replied; open an approval for what is still asked."""
        faults.point("node.gate")
        reply = state.get("reply") or {}
        if reply.get("reject"):
            step, reason = next(iter(reply["reject"].items()))
            return self._denied(Rejected(f"{step or 'it'} was rejected" + (f": {reason}" if reason else "")), "rejected by the user", step)
        plan = self._plan_of(state)
        try:
            if reply.get("edit"):
                plan = gate.edited(plan, reply["edit"], self.deps.tools, self.deps.workspace.root)
            resolved = {} if reply.get("edit") else state["resolved"]
            limit = memory_limit(self.deps.settings.job_memory_gib)
            about = (self.deps.tools, self.deps.policy, self.deps.workspace.root, resolved, limit)
            plan, verdicts = gate.assess(plan, *about, seed=self.deps.settings.seed)
            if reply.get("edit"):
                plan, verdicts = gate.asked_still(plan, verdicts, self._shown(state))
        except ModelwrightError as error:
            return self._edit_refused(state, error) if reply.get("edit") else self._failed(error)
        told = {} if reply.get("edit") or not reply else {step.id: _decided(step) for step in self._plan_of(state).steps}
        for step in plan.steps:
            if told.get(step.id) == _decided(step):
                continue  # the yes was given to just this: told again behind it, it would read as if it were asked again
            verdict = verdicts[step.id]
            self.deps.emitter.emit(
                EventType.DECISION,
                step.id,
                decision=verdict.decision.value,
                rule=verdict.rule,
                reason=verdict.reason,
                estimate=step.estimate.model_dump() if step.estimate else None,
                **({"defaults": step.defaults} if step.defaults else {}),
            )
        update: Update = {**self._saved(state, plan), "resolved": resolved, "reply": None, "pending": None}
        denied = next((s for s in plan.steps if s.decision is Decision.DENY), None)
        if denied:
            verdict = verdicts[denied.id]
            return {
                **update,
                **self._denied(
                    Denied(f"policy denies {denied.id} ({denied.tool}): {verdict.reason}", fix=f"rule {verdict.rule}"),
                    verdict.rule,
                    denied.id,
                ),
            }
        return {**update, **self._granted(state, plan, reply, resolved)}

    def _saved(self, state: RunState, plan: Plan) -> Update:
        """The plan's new id. What was done stays done unless a call was edited; then the ledger gives the same results again."""
        old, new = str(state["plan_id"]), self.deps.store.save_plan(plan)
        if self._plan_of(state).hash != plan.hash:
            return {"plan_id": new, "cursor": 0}
        if new != old:
            self.deps.store.adopt(old, new)
        return {"plan_id": new}

    def _edit_refused(self, state: RunState, error: ModelwrightError) -> Update:
        """A bad edit changes nothing: what was asked is asked again."""
        self.deps.emitter.emit(EventType.NOTICE, None, message=f"the edit was not taken: {error}")
        pending = state.get("pending")
        if not pending:
            return self._failed(error)
        self.deps.emitter.emit(EventType.APPROVAL_ASKED, steps=[call["id"] for call in pending["calls"]])
        return {"status": "waiting", "reply": None, "next": "approve"}

    def _granted(self, state: RunState, plan: Plan, reply: Json, resolved: dict[str, Json]) -> Update:
        """What is allowed now; an approval is bound to the very call, so an edited one is asked again."""
        shown = self._shown(state)
        allowed_tools = list(state["allowed_tools"])
        for_run = set(reply.get("allow_for_run", []))
        allowed_tools += [s.tool for s in plan.steps if s.id in for_run and s.tool not in allowed_tools]
        approved, open_steps = dict(state["approved"]), []
        for step in plan.steps:
            call = gate.call_id(step, self.deps.policy.hash, resolved.get(step.id))
            said_yes = step.id in {*reply.get("allow", []), *for_run} and shown.get(step.id) == call
            if step.decision is Decision.ALLOW or said_yes or step.tool in allowed_tools:
                approved[step.id] = call
            if approved.get(step.id) != call:
                open_steps.append(step)
        update: Update = {"approved": approved, "allowed_tools": allowed_tools}
        if not open_steps:
            return {**update, "status": "running", "next": "route"}
        pending = {"kind": "approval", "calls": [self._card(step, resolved.get(step.id)) for step in open_steps], "note": plan.reason}
        self.deps.emitter.emit(EventType.APPROVAL_ASKED, steps=[step.id for step in open_steps])
        return {**update, "status": "waiting", "pending": pending, "next": "approve"}

    def _shown(self, state: RunState) -> dict[str, str]:
        """Of each step that waits for a yes the very call that a person sees."""
        return {call["id"]: call["call"] for call in (state.get("pending") or {}).get("calls", [])}

    def _card(self, step: Step, real_args: Json | None) -> Json:
        """What a person decides about; with the real arguments where an earlier step has given them."""
        card = step.model_dump(mode="json")
        effects = sorted(effect.value for effect in self.deps.tools[step.tool].effects)
        return {**card, "args": real_args or step.args, "effects": effects, "call": gate.call_id(step, self.deps.policy.hash, real_args)}

    def approve(self, state: RunState) -> Update:
        """Wait for a person. Nothing with an effect may stand here: it starts again from its first line."""
        reply = interrupt(state["pending"])
        return {"reply": reply, "status": "running", "limits": raised(state["limits"], reply.get("limits"))}

    def heard(self, state: RunState) -> str:
        """Where a reply goes: an answer to the planner, a raised bound to route, an approval and any no to the gate."""
        if (state.get("reply") or {}).get("reject"):
            return "gate"
        kind = (state.get("pending") or {}).get("kind")
        return {"question": "plan", "budget": "route"}.get(str(kind), "gate")

    # execute, verify, route ------------------------------------------------------------------------------------

    def execute(self, state: RunState) -> Update:
        """Run the next step, once."""
        faults.point("node.execute")
        spent, limits = Spent.model_validate(state["spent"]), Limits.model_validate(state["limits"])
        started = time.monotonic()
        left = None if limits.seconds is None else max(0.1, limits.seconds - spent.seconds)
        step, tried = None, False
        try:
            step = self._plan_of(state).steps[state["cursor"]]
            call = execute.prepare(step, lambda earlier: self._result(state, earlier), self.deps)
            execute.authorise(call, state["approved"], state["allowed_tools"], self.deps)
            tried = True
            outcome = execute.run(call, self.deps, state["run"], left, f"{state['plan_id']}/{spent.replans}")
        except execute.AskAgain as again:
            return {"resolved": {**state["resolved"], **({call.step.id: call.args} if again.resolved else {})}, "next": "gate"}
        except ModelwrightError as error:
            if error.exit_code == 130:
                raise
            return self._step_failed(state, step, error, time.monotonic() - started, tried)
        self._record(state, step.id, status="ran", key=outcome.key, reused=outcome.reused, seconds=outcome.seconds, error=None, checks=[])
        return {"spent": _with_call(spent, step, time.monotonic() - started), "failure": None, "next": "verify"}

    def _record(self, state: RunState, step: str, **values: Any) -> None:
        self.deps.store.record(str(state["plan_id"]), step, **values)

    def _step_failed(self, state: RunState, step: Step | None, error: ModelwrightError, seconds: float, tried: bool = False) -> Update:
        name = step.id if step else ""
        self.deps.emitter.emit(
            EventType.TOOL_FAILED, name, tool=step.tool if step else "", error=error.as_json(), exit_code=error.exit_code
        )
        spent = _with_call(Spent.model_validate(state["spent"]), step if tried else None, seconds)
        failure = {
            "step": name,
            "error": error.as_json(),
            "exit_code": error.exit_code,
            "retryable": error.retryable,
            "budget": isinstance(error, BudgetSpent),
        }
        if step:
            self._record(state, name, status="failed", error=error.as_json(), seconds=seconds)
        return {"failure": failure, "spent": spent, "next": "route"}

    def _entry(self, state: RunState, step: str) -> tuple[Json, Json]:
        """(record, result) of a step that ran. Raises ToolFailed when the ledger has lost it."""
        record = self.deps.store.steps(str(state["plan_id"]), step).get(step, {})
        entry = self.deps.ledger.find(record.get("key", ""))
        if entry is None or entry.result is None:
            raise ToolFailed(f"the ledger has no result for {step}", fix="resume the run")
        return record, entry.result

    def _result(self, state: RunState, step: str) -> Json:
        """The result of an earlier step; only what was verified counts."""
        record, result = self._entry(state, step)
        if record["status"] != "done":
            raise ToolFailed(f"{step} is not done: {record['status']}")
        return result

    def verify(self, state: RunState) -> Update:
        """Look at the postconditions with code; only then the step is done."""
        faults.point("node.verify")
        step = self._plan_of(state).steps[state["cursor"]]
        try:
            _, result = self._entry(state, step.id)
            call = execute.prepare(step, lambda earlier: self._result(state, earlier), self.deps)
            checks = execute.verify(call, result)
        except ModelwrightError as error:
            return self._step_failed(state, step, error, 0)
        passed = all(c.passed for c in checks)
        self.deps.emitter.emit(EventType.VERIFIED, step.id, passed=passed, checks=[c.model_dump() for c in checks])
        seen = bounds.call_hash(call.tool.name, call.args, result) if passed and not call.tool.volatile else None
        self._record(state, step.id, status="done" if passed else "unverified", checks=[c.model_dump() for c in checks], call=seen)
        if not passed:
            failed = next(c for c in checks if not c.passed)
            unverified = ToolFailed(f"{step.id} ({step.tool}) ran but is not verified: {failed.name}: {failed.detail}")
            return {
                "failure": {"step": step.id, "error": unverified.as_json(), "exit_code": 1, "retryable": False, "unverified": True},
                "next": "route",
            }
        stuck = seen is not None and self.deps.store.times_seen(str(state["plan_id"]), seen) >= bounds.STUCK_AFTER
        return {"cursor": state["cursor"] + 1, "stuck": stuck, "next": "route"}

    def route(self, state: RunState) -> Update:
        """What comes next: a raised bound, a retry, a new plan, the next step, or the end."""
        faults.point("node.route")
        self.deps.prune()
        limits = Limits.model_validate(state["limits"])
        spent = Spent.model_validate(state["spent"])
        base: Update = {"reply": None, "pending": None, "status": "running"}
        failure = state.get("failure")
        if failure and not failure.get("budget"):
            return {**base, **self._after_failure(state, failure, spent, limits)}
        if state["cursor"] >= len(self._plan_of(state).steps):
            return {**base, "status": "done", "next": "report"}
        if state["stuck"]:
            return {**base, **self._failed(Stuck("the same call gave the same result three times", fix="look at `modelwright trace`"))}
        reached = bounds.reached(spent, limits)
        if reached:
            return {**base, **self._out_of_budget(state, reached)}
        return {**base, "failure": None, "next": "execute"}

    def _out_of_budget(self, state: RunState, reached: str) -> Update:
        self.deps.emitter.emit(EventType.BUDGET, reached=reached, spent=state["spent"])
        return {"status": "waiting", "pending": {"kind": "budget", "reached": reached}, "failure": None, "next": "approve"}

    def _after_failure(self, state: RunState, failure: Json, spent: Spent, limits: Limits) -> Update:
        if failure["retryable"] and spent.retries < limits.retries:
            reached = bounds.reached(spent, limits)
            if reached:
                return self._out_of_budget(state, reached)
            spent = spent.model_copy(update={"retries": spent.retries + 1})
            self.deps.emitter.emit(EventType.NOTICE, failure["step"], message=f"retry {spent.retries} of {limits.retries}")
            return {"failure": None, "spent": spent.model_dump(), "next": "execute"}
        tried = [*state["tried"], str(self._plan_of(state).hash)]
        if spent.replans < limits.replans and failure["exit_code"] in REPLANNED:
            return {"tried": tried, "next": "plan"}
        return {"tried": tried, **self._failed_as_before(state)}

    # report and remember ---------------------------------------------------------------------------------------

    def report(self, state: RunState) -> Update:
        """Write the report from the trace alone."""
        faults.point("node.report")
        written = self.deps.write_report(self.deps.store.expanded(dict(state)))
        self.deps.emitter.emit(EventType.REPORT, **written)
        return {"next": "remember"}

    def remember(self, state: RunState) -> Update:
        """Leave one row about this run for later ones."""
        faults.point("node.remember")
        self.deps.remember(self.deps.store.expanded(dict(state)))
        return {"next": "end"}

    # endings ---------------------------------------------------------------------------------------------------

    def _failed(self, error: ModelwrightError) -> Update:
        return {"status": "failed", "error": {**error.as_json(), "exit_code": error.exit_code}, "next": "report"}

    def _failed_as_before(self, state: RunState) -> Update:
        """End with the failure that led here."""
        failure = state.get("failure") or {"error": BadRequest("no plan").as_json(), "exit_code": 2}
        status = "unverified" if failure.get("unverified") else "failed"
        return {"status": status, "error": {**failure["error"], "exit_code": failure["exit_code"]}, "next": "report"}

    def _denied(self, error: Denied, rule: str, step: str) -> Update:
        self.deps.emitter.emit(EventType.APPROVAL_GIVEN, step, decision="deny", rule=rule, reason=error.message)
        return {"status": "denied", "error": {**error.as_json(), "exit_code": error.exit_code}, "next": "report"}

    def _charged(self, state: RunState, started: float, replans: int = 0) -> Json:
        spent = Spent.model_validate(state["spent"])
        return spent.model_copy(
            update={
                "seconds": spent.seconds + time.monotonic() - started,
                "tokens": spent.tokens + self.deps.tokens_used(),
                "cost": spent.cost + self.deps.cost_used(),
                "replans": spent.replans + replans,
            }
        ).model_dump()


def _decided(step: Step) -> tuple[object, ...]:
    """What the gate says of a step."""
    return step.decision, step.rule, step.estimate, step.defaults


def raised(limits: Json, changes: Json | None) -> Json:
    """The limits with the given ones in place."""
    return {**limits, **{k: v for k, v in (changes or {}).items() if v is not None}}


def _with_call(spent: Spent, step: Step | None, seconds: float) -> Json:
    """What is spent after a call that took `seconds`; a failed one counts too. `step` is None when no tool was started."""
    cost = step.estimate.cost if step and step.estimate else 0
    return spent.model_copy(
        update={"steps": spent.steps + (1 if step else 0), "seconds": spent.seconds + seconds, "cost": spent.cost + cost}
    ).model_dump()
