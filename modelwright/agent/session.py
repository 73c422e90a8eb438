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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from modelwright import config, tools
from modelwright.agent import report
from modelwright.agent.collect import collect
from modelwright.agent.lease import lease
from modelwright.agent.memory_view import remember_run
from modelwright.agent.results import RunResult
from modelwright.agent.runs import Run, Runs, as_they_stand, worked_seconds
from modelwright.agent.spoken_to import understood
from modelwright.agent.thinking import Thinking
from modelwright.agent.trace import TraceWriter, next_seq
from modelwright.errors import BadRequest, Rejected
from modelwright.events import Emitter, EventType, Sink
from modelwright.graphs.deps import Deps
from modelwright.graphs.gate import assess
from modelwright.graphs.inputs import refuse_missing, refuse_missing_of
from modelwright.graphs.ledger import Ledger
from modelwright.graphs.plancheck import check, read_plan
from modelwright.graphs.state import RunState, initial
from modelwright.graphs.store import RunStore
from modelwright.policies import load as load_policy
from modelwright.types import Json, Limits, Plan, Step, Thing
from modelwright.workspace import Workspace

if TYPE_CHECKING:
    from modelwright.agent.driver import Approver, Driver


@dataclass(frozen=True)
class Options:
    """What a run was started with; kept, so that a resume goes on the same way."""

    yes: bool
    policy: str | None
    model: str
    limits: Json
    plan: Json | None
    seed: int
    context: list[Json]
    """Things of the conversation that the request speaks of, as `types.Thing`."""


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
        self.approver = approver

    def plan(self, request: str, *, plan: Json | None = None, context: Sequence[Thing] = ()) -> Plan:
        """The plan with estimates and decisions. Runs nothing and writes nothing."""
        known = tools.load_all()
        if plan is not None:
            proposed = read_plan(plan)
            self._refuse_unsound(proposed)
        else:
            with Thinking(self.settings, known, self.workspace.root, context=context) as thinking:
                proposed = thinking.plan(request)
        checked = check(proposed, known)
        return assess(checked, known, self._policy(self.settings.policy), self.workspace.root, seed=self.settings.seed)[0]

    def run(
        self,
        request: str = "",
        *,
        plan: Json | None = None,
        yes: bool = False,
        limits: Mapping[str, Any] | None = None,
        context: Sequence[Thing] = (),
        on_start: Callable[[str], None] | None = None,
    ) -> RunResult:
        """Plan `request` (or take `plan`) and run it. Raises only for what is wrong before a run exists.

        `context` holds what the request means by "it" (agent/followups). `on_start` is told the run's id before it does anything.
        """
        bounds = _limits(self.settings.limits, limits)
        if plan is not None:
            request = request or read_plan(plan).request
            self._refuse_unsound(read_plan(plan))
        policy = str(self.workspace.root / self.settings.policy) if self.settings.policy else None
        self._policy(policy)
        options = Options(yes, policy, self.settings.model, bounds.model_dump(), plan, self.settings.seed, [*map(asdict, context)])
        with self._database() as db:
            run = Runs(db).create(request, options.__dict__)
            if on_start:
                on_start(run)
            with lease(self.workspace.run_dir(run), f"run {run}"):
                return self._drive(db, Runs(db).get(run), initial(run, request, bounds, plan), {})

    def call(self, tool: str, args: Json, *, yes: bool = False, limits: Mapping[str, Any] | None = None) -> RunResult:
        """One tool, no planner; the same policy, ledger and checks."""
        loaded = tools.load(tool)
        loaded.validate(args)
        step = Step(id="s1", tool=tool, args=args, sources=dict.fromkeys(args, "command line"))
        plan = Plan(request=f"call {tool}", steps=[step])
        check(plan, {tool: loaded})
        refuse_missing_of(loaded, args, self.workspace.root)
        return self.run(plan=plan.model_dump(mode="json"), yes=yes, limits={**(limits or {}), "replans": 0})

    def _refuse_unsound(self, plan: Plan) -> None:
        """Raise PlanError for a given plan that does not check, or that reads what is not there."""
        known = tools.load_all()
        refuse_missing(check(plan, known), known, self.workspace.root)

    def resume(self, run: str, *, reply: Json | None = None, limits: Mapping[str, Any] | None = None, yes: bool = False) -> RunResult:
        """Go on with a run: after a kill, with a reply to what is pending, or with raised limits."""
        said = {**(reply or {}), "limits": {k: v for k, v in (limits or {}).items() if v is not None}}
        _limits(self.settings.limits, said["limits"])
        with self._database() as db:
            found = Runs(db).get(run)
            with lease(self.workspace.run_dir(found.id), f"run {found.id}"):
                found = Runs(db).get(found.id)
                if yes:
                    found.options["yes"] = True
                return self._drive(db, found, None, said)

    def drop(self, run: str, message: str, instead: str = "") -> None:
        """A run whose question nobody wants to answer ends as refused; by its id it can still be answered. `instead` was said to it."""
        error = {"type": "Rejected", "message": message, "fix": ""}
        with self._database() as db:
            sinks: list[Sink] = [TraceWriter(db), *([self._on_event] if self._on_event else [])]
            told = {"message": message, "dropped": True, **({"instead": instead} if instead else {})}
            Emitter(run, sinks, first_seq=next_seq(db, run)).emit(EventType.NOTICE, **told)
            Runs(db).update(run, status="denied", exit_code=Rejected.exit_code, error=error)

    def show(self, run: str) -> RunResult:
        """How a run stands, without touching it."""
        from modelwright.graphs.build import open_checkpointer, saved_state

        with self._database() as db:
            found, saver = Runs(db).get(run), open_checkpointer(self.workspace.checkpoints)
            try:
                state = RunStore(db, found.id).expanded(saved_state(saver, found.id))
            finally:
                saver.conn.close()
            return self._as_it_stands(db, found, collect(db, found, state, self.workspace))

    def _as_it_stands(self, db: sqlite3.Connection, run: Run, result: RunResult) -> RunResult:
        """With the state of a run whose process works on it, or was killed."""
        if result.status not in ("running", "interrupted"):
            return result
        (now,) = as_they_stand(db, self.workspace, [replace(run, status="running")])
        return replace(_with_worked(db, result), status=now.status)

    def _drive(self, db: sqlite3.Connection, run: Run, fresh: RunState | None, said: Json) -> RunResult:
        with self._opened(db, run) as (driver, emitter):
            started = EventType.RUN_STARTED if fresh else EventType.RUN_RESUMED
            inputs: Any = fresh or driver.way_on(said)
            Runs(db).update(run.id, options=run.options)
            policy_hash = self._policy(run.options.get("policy")).hash
            emitter.emit(started, request=run.request, options=run.options, reply=said or None, policy_hash=policy_hash)
            finished = driver.drive(inputs, self._asked(driver, RunStore(db, run.id)))
            state = RunStore(db, run.id).expanded(driver.state())
            result = collect(db, run, state, self.workspace, interrupted=not finished)
            result = result if finished else _with_worked(db, result)
            ended = {"status": result.status, "exit_code": result.exit_code, "spent": result.spent.model_dump(), "error": result.error}
            emitter.emit(EventType.RUN_ENDED, **ended)
            Runs(db).update(run.id, plan=result.plan.model_dump(mode="json") if result.plan else None, **ended)
        return result

    def _asked(self, driver: Driver, store: RunStore) -> Approver | None:
        """The approver, which may answer a plan that waits in words."""
        if self.approver is None:
            return None
        return understood(self.approver, lambda: store.plan(str(driver.state()["plan_id"])), self.workspace.root)

    # putting it together ---------------------------------------------------------------------------------------

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        db = self.workspace.connect()
        try:
            yield db
        finally:
            db.close()

    @contextmanager
    def _opened(self, db: sqlite3.Connection, run: Run) -> Iterator[tuple[Driver, Emitter]]:
        """The run with everything that its nodes need, closed again at the end."""
        from modelwright.agent.driver import Driver
        from modelwright.graphs.build import RECURSION_LIMIT, Pruner, build, open_checkpointer

        sinks: list[Sink] = [TraceWriter(db), *([self._on_event] if self._on_event else [])]
        emitter = Emitter(run.id, sinks, first_seq=next_seq(db, run.id))
        kept: Json = {name: run.options[name] for name in ("seed", "model") if name in run.options}
        settings = self.settings.model_copy(update=kept)
        known, context = tools.load_all(), [Thing(**thing) for thing in run.options.get("context", [])]
        saver, ledger_db = open_checkpointer(self.workspace.checkpoints), self.workspace.connect(synced=True)
        pruner = Pruner(saver, run.id)
        try:
            with Thinking(settings, known, self.workspace.root, emitter, context=context) as thinking:
                deps = Deps(
                    workspace=self.workspace,
                    settings=settings,
                    tools=known,
                    planner=thinking,
                    policy=self._policy(run.options.get("policy")),
                    ledger=Ledger(ledger_db),
                    store=RunStore(db, run.id),
                    db=db,
                    emitter=emitter,
                    tokens_used=thinking.tokens_used,
                    cost_used=thinking.cost_used,
                    prune=pruner,
                    write_report=lambda state: report.write(db, run, state, self.workspace),
                    remember=lambda state: self._remember(run, state, emitter),
                )
                thread = {"configurable": {"thread_id": run.id}, "recursion_limit": RECURSION_LIMIT}
                yield Driver(build(deps, saver), thread, emitter, db, run), emitter
            pruner.at_the_end()
        finally:
            saver.conn.close()
            ledger_db.close()

    def _remember(self, run: Run, state: Json, emitter: Emitter) -> None:
        if problem := remember_run(self.workspace, run, state):
            emitter.emit(EventType.NOTICE, None, message=problem)

    def _policy(self, path: str | None) -> Any:
        return load_policy(Path(path) if path else None)


def _with_worked(db: sqlite3.Connection, result: RunResult) -> RunResult:
    """With all seconds that it worked: those of a call that was cut are in no state, its events tell them."""
    seconds = max(result.spent.seconds, worked_seconds(db, result.run))
    return replace(result, spent=result.spent.model_copy(update={"seconds": seconds}))


def _limits(default: Limits, changes: Mapping[str, Any] | None) -> Limits:
    """The bounds of a run. Raises BadRequest for a name or value that is none."""
    try:
        return Limits.model_validate({**default.model_dump(), **{k: v for k, v in (changes or {}).items() if v is not None}})
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(Limits.model_fields)
        raise BadRequest(
            f"limit {'.'.join(map(str, first['loc']))}: {first['msg']}, got {first['input']!r}", fix=f"limits: {known}"
        ) from None
