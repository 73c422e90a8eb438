"""The agent: one request from start to end, headless.

    agent = Agent(".")
    preview = agent.plan("quantize model.gguf to Q4_K_M")       # writes nothing
    run = agent.run("…", yes=True)                              # plans, asks policy, runs, reports
    run = agent.resume(run.run, limits={"steps": 20})           # after a kill, a question, an approval, a spent bound

`approver` is asked when policy asks; without one (and without `yes`) the run waits and can be resumed. Not here: how
anything is shown (cli, tui), what a node does (graphs).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright import config, tools
from modelwright.agent import report
from modelwright.agent.collect import collect
from modelwright.agent.lease import lease
from modelwright.agent.results import RunResult
from modelwright.agent.runs import Run, Runs
from modelwright.agent.thinking import Thinking
from modelwright.agent.trace import TraceWriter, next_seq
from modelwright.errors import BadRequest, Interrupted
from modelwright.events import Emitter, EventType, Sink
from modelwright.graphs.deps import Deps
from modelwright.graphs.gate import assess
from modelwright.graphs.ledger import Ledger
from modelwright.graphs.plancheck import check, read_plan
from modelwright.graphs.state import RunState, initial
from modelwright.graphs.store import RunStore
from modelwright.memory import episodes
from modelwright.policies import load as load_policy
from modelwright.types import Json, Limits, Plan, Step
from modelwright.workspace import Workspace

Approver = Callable[[Json], Json | None]
"""Takes what is pending ({kind, calls…}), gives a reply ({allow, allow_for_run, reject, edit, answer, limits}) or None to wait."""


@dataclass(frozen=True)
class Options:
    """What a run was started with; kept, so that a resume goes on the same way."""

    yes: bool
    policy: str | None
    model: str
    limits: Json
    plan: Json | None
    seed: int


class Agent:
    """Works in one folder."""

    def __init__(
        self,
        workspace: str | Path = ".",
        *,
        model: str | None = None,
        policy: str | Path | None = None,
        on_event: Sink | None = None,
        approver: Approver | None = None,
    ) -> None:
        self.workspace = Workspace(Path(workspace))
        self.settings = config.load(self.workspace.root, model=model, policy=str(policy) if policy else None)
        self._on_event = on_event
        self._approver = approver

    # one request -----------------------------------------------------------------------------------------------

    def plan(self, request: str, *, plan: Json | None = None) -> Plan:
        """The plan with estimates and decisions. Runs nothing and writes nothing."""
        known = tools.load_all()
        if plan is not None:
            proposed = read_plan(plan)
        else:
            with Thinking(self.settings, known, self.workspace.root) as thinking:
                proposed = thinking.planner.plan(request)
        checked = check(proposed, known)
        return assess(checked, known, self._policy(self.settings.policy), self.workspace.root)[0]

    def run(self, request: str = "", *, plan: Json | None = None, yes: bool = False, limits: Mapping[str, Any] | None = None) -> RunResult:
        """Plan `request` (or take `plan`) and run it. Raises only for what is wrong before a run exists."""
        bounds = _limits(self.settings.limits, limits)
        if plan is not None:
            request = request or read_plan(plan).request
            check(read_plan(plan), tools.load_all())
        policy = str(Path(self.settings.policy).resolve()) if self.settings.policy else None
        self._policy(policy)
        options = Options(yes, policy, self.settings.model, bounds.model_dump(), plan, self.settings.seed)
        with self._database() as db:
            run = Runs(db).create(request, options.__dict__)
            with lease(self.workspace.run_dir(run), run):
                return self._drive(db, Runs(db).get(run), initial(run, request, bounds, plan), None)

    def call(self, tool: str, args: Json, *, yes: bool = False, limits: Mapping[str, Any] | None = None) -> RunResult:
        """One tool, no planner; the same policy, ledger and checks."""
        tools.load(tool).validate(args)
        step = Step(id="s1", tool=tool, args=args, sources=dict.fromkeys(args, "command line"))
        plan = Plan(request=f"call {tool}", steps=[step])
        return self.run(plan=plan.model_dump(mode="json"), yes=yes, limits=limits)

    def resume(self, run: str, *, reply: Json | None = None, limits: Mapping[str, Any] | None = None, yes: bool = False) -> RunResult:
        """Go on with a run: after a kill, with a reply to what is pending, or with raised limits."""
        with self._database() as db:
            found = Runs(db).get(run)
            with lease(self.workspace.run_dir(found.id), found.id):
                raised = {k: v for k, v in (limits or {}).items() if v is not None}
                if yes:
                    Runs(db).update(found.id, options={**found.options, "yes": True})
                return self._drive(db, Runs(db).get(found.id), None, {**(reply or {}), **({"limits": raised} if raised else {})})

    def show(self, run: str) -> RunResult:
        """How a run stands, without touching it."""
        with self._database() as db, self._graph(db, Runs(db).get(run)) as (graph, thread):
            return self._collected(db, Runs(db).get(run), graph, thread)

    # driving the graph -----------------------------------------------------------------------------------------

    def _drive(self, db: sqlite3.Connection, run: Run, fresh: RunState | None, reply: Json | None) -> RunResult:
        with self._graph(db, run) as (graph, thread):
            emitter = self._emitter
            emitter.emit(
                EventType.RUN_STARTED if fresh else EventType.RUN_RESUMED,
                request=run.request,
                options=run.options,
                reply=reply,
                policy_hash=self._policy(run.options.get("policy")).hash,
            )
            inputs: Any = fresh if fresh is not None else self._where_it_stands(graph, thread, run, reply)
            Runs(db).update(run.id, status="running", exit_code=None)
            try:
                self._until_it_rests(graph, thread, inputs, bool(run.options.get("yes")))
                stopped = False
            except (KeyboardInterrupt, Interrupted):
                stopped = True
            result = self._collected(db, run, graph, thread, interrupted=stopped)
            emitter.emit(
                EventType.RUN_ENDED, status=result.status, exit_code=result.exit_code, spent=result.spent.model_dump(), error=result.error
            )
            plan = result.plan.model_dump(mode="json") if result.plan else None
            Runs(db).update(
                run.id, status=result.status, exit_code=result.exit_code, plan=plan, spent=result.spent.model_dump(), error=result.error
            )
        return result

    def _collected(self, db: sqlite3.Connection, run: Run, graph: Any, thread: Json, *, interrupted: bool = False) -> RunResult:
        state = RunStore(db, run.id).expanded(graph.get_state(thread).values)
        return collect(db, run, state, self.workspace, interrupted=interrupted)

    def _until_it_rests(self, graph: Any, thread: Json, inputs: Any, yes: bool) -> None:
        from langgraph.types import Command

        while True:
            state = graph.invoke(inputs, thread, durability="sync")
            pending = state.get("pending") if state.get("__interrupt__") else None
            if not pending:
                return
            reply = _grant_all(pending) if yes and pending["kind"] == "approval" else self._approver(pending) if self._approver else None
            if not reply:
                return
            self._emit_reply(pending, reply, by="--yes" if yes else "user")
            inputs = Command(resume=reply)

    def _where_it_stands(self, graph: Any, thread: Json, run: Run, reply: Json | None) -> Any:
        """What to hand to the graph so that it goes on; changes the state only for a failed run or a raised bound."""
        from langgraph.types import Command

        snapshot = graph.get_state(thread)
        state = snapshot.values
        if not state:  # killed before the first checkpoint
            return initial(run.id, run.request, Limits.model_validate(run.options["limits"]), run.options["plan"])
        if state["status"] in ("denied", "nothing") or (state["status"] == "done" and not snapshot.next):
            raise BadRequest(f"run {run.id} has ended ({state['status']})", fix=f"see `modelwright show {run.id}`")
        limits = (reply or {}).get("limits")
        if snapshot.interrupts:
            pending = state["pending"]
            if reply and _answers(pending, reply):
                self._emit_reply(pending, reply, by="user")
                return Command(resume=reply)
            return None
        if state["status"] in ("failed", "unverified"):
            target = "execute" if state["approved"] else "plan"
            again = {
                "failure": None,
                "error": None,
                "status": "running",
                "next": target,
                "limits": _merged(state["limits"], limits),
                "reply": None,
            }
            graph.update_state(thread, again, as_node="route")
        elif limits and snapshot.next == ("execute",):
            graph.update_state(thread, {"limits": _merged(state["limits"], limits), "next": "execute"}, as_node="route")
        return None

    def _emit_reply(self, pending: Json, reply: Json, by: str) -> None:
        kind = {"question": EventType.QUESTION_ANSWERED, "budget": EventType.BUDGET}.get(pending["kind"], EventType.APPROVAL_GIVEN)
        self._emitter.emit(kind, None, by=by, **{f"reply_{k}" if k in ("step", "kind") else k: v for k, v in reply.items()})

    # putting it together ---------------------------------------------------------------------------------------

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        db = self.workspace.connect()
        try:
            yield db
        finally:
            db.close()

    @contextmanager
    def _graph(self, db: sqlite3.Connection, run: Run) -> Iterator[tuple[Any, Json]]:
        """The compiled graph of `run`, its thread, and the emitter it writes to."""
        from modelwright.graphs.build import RECURSION_LIMIT, Pruner, build, open_checkpointer

        sinks: list[Sink] = [TraceWriter(db), *([self._on_event] if self._on_event else [])]
        self._emitter = Emitter(run.id, sinks, first_seq=next_seq(db, run.id))
        settings = self.settings.model_copy(
            update={"seed": run.options.get("seed", self.settings.seed), "model": run.options.get("model", self.settings.model)}
        )
        known = tools.load_all()
        saver, ledger_db = open_checkpointer(self.workspace.checkpoints), self.workspace.connect(synced=True)
        with Thinking(settings, known, self.workspace.root, self._emitter) as thinking:
            deps = Deps(
                workspace=self.workspace,
                settings=settings,
                tools=known,
                planner=thinking,
                policy=self._policy(run.options.get("policy")),
                ledger=Ledger(ledger_db),
                store=RunStore(db, run.id),
                db=db,
                emitter=self._emitter,
                tokens_used=thinking.tokens_used,
                prune=(pruner := Pruner(saver, run.id)),
                write_report=lambda state: report.write(db, run, state, self.workspace),
                remember=lambda state: self._remember(run, state),
            )
            try:
                yield build(deps, saver), {"configurable": {"thread_id": run.id}, "recursion_limit": RECURSION_LIMIT}
            finally:
                pruner.now()
                saver.conn.close()
                ledger_db.close()

    def _remember(self, run: Run, state: Json) -> None:
        used = [step["tool"] for step in (state["plan"] or {}).get("steps", [])]
        outcome = {"spent": state["spent"], "error": state.get("error")}
        episodes.remember(self.workspace.database, run.id, run.request, used, state["status"], outcome)

    def _policy(self, path: str | None) -> Any:
        return load_policy(Path(path) if path else None)


def _limits(default: Limits, changes: Mapping[str, Any] | None) -> Limits:
    return Limits.model_validate(_merged(default.model_dump(), changes))


def _merged(limits: Json, changes: Mapping[str, Any] | None) -> Json:
    return {**limits, **{k: v for k, v in (changes or {}).items() if v is not None}}


def _grant_all(pending: Json) -> Json:
    return {"allow": [call["id"] for call in pending["calls"]]}


def _answers(pending: Json, reply: Json) -> bool:
    """Does the reply say something about what is pending?"""
    wanted: dict[str, Sequence[str]] = {
        "question": ("answer",),
        "budget": ("limits",),
        "approval": ("allow", "allow_for_run", "reject", "edit"),
    }
    return any(reply.get(key) for key in wanted[pending["kind"]])
