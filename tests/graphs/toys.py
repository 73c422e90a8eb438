"""Small real tools and a scripted planner, so that the graph is tested with nothing faked below it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import Field

from modelwright.canonical import sha256_of
from modelwright.config import Settings
from modelwright.contract import Tool, ToolContext, Verdict, tool
from modelwright.errors import EngineCrashed, ToolFailed
from modelwright.events import Emitter, Event
from modelwright.files import artifact, write_atomic
from modelwright.graphs.build import build
from modelwright.graphs.deps import Deps
from modelwright.graphs.ledger import Ledger
from modelwright.graphs.state import initial
from modelwright.graphs.store import RunStore
from modelwright.types import Check, Decision, Effect, Estimate, FilePath, Limits, ModelRef, OutputPath, Plan, Step, ToolArgs, ToolResult
from modelwright.workspace import Workspace


def quick(args: Any, workspace: Path) -> Estimate:
    return Estimate(seconds=0.1, memory_bytes=1000, disk_bytes=10)


class NoteArgs(ToolArgs):
    text: str = Field(description="what to write")
    output: OutputPath | None = Field(None, description="where")


class NoteResult(ToolResult):
    path: FilePath
    length: int
    model: ModelRef = "builtin"


def note_checks(args: NoteArgs, result: NoteResult) -> Sequence[Check]:
    return [Check(name="length", passed=result.length == len(args.text), detail=str(result.length))]


@tool(effects=[Effect.WRITES_FILES], example={"text": "hello"}, estimate=quick, checks=note_checks)
def note(args: NoteArgs, ctx: ToolContext) -> NoteResult:
    """Write a note, and count in runs.txt how often it was written."""
    target = ctx.workspace / args.output if args.output else ctx.output_dir / "note.txt"
    with (ctx.workspace / "runs.txt").open("a") as stream:
        stream.write(args.text + "\n")
    ctx.progress("writing", step=1, steps=1)
    write_atomic(target, args.text)
    return NoteResult(summary=f"wrote {target.name}", path=str(target), length=len(args.text), artifacts=[artifact(target, "note")])


class ReadArgs(ToolArgs):
    path: FilePath
    model: ModelRef = "builtin"
    times: int = Field(1, ge=1)


class ReadResult(ToolResult):
    text: str
    lines: int


@tool(effects=[Effect.READS_FILES], example={"path": "a.txt"}, estimate=quick)
def read_note(args: ReadArgs, ctx: ToolContext) -> ReadResult:
    """Read a note."""
    text = (ctx.workspace / args.path).read_text()
    return ReadResult(summary="read", text=text * args.times, lines=text.count("\n"))


class NoArgs(ToolArgs):
    pass


class NumberResult(ToolResult):
    number: int


@tool(effects=[Effect.READS_FILES], example={}, estimate=quick, volatile=True)
def poll(args: NoArgs, ctx: ToolContext) -> NumberResult:
    """Look how far something is; another number each time."""
    counter = ctx.workspace / "counter"
    number = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(number))
    return NumberResult(summary=str(number), number=number)


class FlakyArgs(ToolArgs):
    fails: int = Field(1, ge=0)


@tool(effects=[Effect.COMPUTES], example={}, estimate=quick)
def flaky(args: FlakyArgs, ctx: ToolContext) -> NumberResult:
    """Crash a few times, then work."""
    counter = ctx.workspace / "flaky"
    tried = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(tried + 1))
    if tried < args.fails:
        raise EngineCrashed(f"crash {tried + 1}")
    return NumberResult(summary="worked", number=tried)


@tool(effects=[Effect.COMPUTES], example={}, estimate=quick)
def broken(args: NoArgs, ctx: ToolContext) -> NumberResult:
    """Fail for good."""
    raise ToolFailed("it cannot work", fix="use note")


class LieResult(ToolResult):
    number: int = 1


@tool(
    effects=[Effect.COMPUTES], example={}, estimate=quick, checks=lambda args, result: [Check(name="truth", passed=False, detail="it lied")]
)
def liar(args: NoArgs, ctx: ToolContext) -> LieResult:
    """Claim to have done something."""
    return LieResult(summary="all is well")


class ComputeArgs(ToolArgs):
    number: int


@tool(effects=[Effect.COMPUTES, Effect.WRITES_FILES], example={"number": 1}, estimate=quick)
def compute(args: ComputeArgs, ctx: ToolContext) -> NoteResult:
    """Do something long in a child process, which counts in jobs.txt how often it was begun and finished."""
    target = ctx.output_dir / "computed.txt"
    ctx.job("tests.graphs.toy_job", {"number": args.number, "counter": str(ctx.workspace / "jobs.txt"), "output": str(target)})
    return NoteResult(summary=f"computed {args.number}", path=str(target), length=1, artifacts=[artifact(target, "number")])


TOOLS: dict[str, Tool] = {t.name: t for t in (note, read_note, poll, flaky, broken, liar, compute)}


class ScriptedPlans:
    """A deps.Planner that answers from lists."""

    def __init__(self, plans: Sequence[Plan], replans: Sequence[Plan | None] = ()) -> None:
        self.plans, self.replans = list(plans), list(replans)
        self.heard: list[tuple[str, tuple[str, ...]]] = []

    def plan(self, request: str, answers: Sequence[str] = ()) -> Plan:
        self.heard.append((request, tuple(answers)))
        return self.plans.pop(0)

    def replan(self, plan: Plan, failed_step: str, error: dict[str, Any]) -> Plan | None:
        return self.replans.pop(0) if self.replans else None


class FixedPolicy:
    """Decides by tool name; what is not named is allowed."""

    def __init__(self, **decisions: str) -> None:
        self.decisions = decisions
        self.hash = sha256_of(decisions)

    def decide(self, tool: Tool, args: dict[str, Any], estimate: Estimate, workspace: Path) -> Verdict:
        decision = Decision(self.decisions.get(tool.name, "allow"))
        return Verdict(decision, f"{tool.name}-{decision.value}", "as the test says")


def steps(*calls: tuple[str, dict[str, Any]]) -> Plan:
    return Plan(request="test", steps=[Step(id=f"s{i}", tool=name, args=args) for i, (name, args) in enumerate(calls, 1)])


class Harness:
    """One run of the real graph over toy tools."""

    def __init__(
        self, root: Path, saver: BaseCheckpointSaver[Any], planner: ScriptedPlans, policy: FixedPolicy | None = None, run: str = "r1"
    ) -> None:
        self.events: list[Event] = []
        self.reports: list[dict[str, Any]] = []
        self.workspace = Workspace(root)
        self.db = self.workspace.connect()
        clock = itertools.count(1.0)
        self.tokens, self.cost = 0, 0.0
        self.deps = Deps(
            workspace=self.workspace,
            settings=Settings(),
            tools=TOOLS,
            planner=planner,
            policy=policy or FixedPolicy(),
            ledger=Ledger(self.workspace.connect(synced=True)),
            store=RunStore(self.db, run),
            db=self.db,
            emitter=Emitter(run, [self.events.append], clock=lambda: next(clock)),
            write_report=self._report,
            remember=lambda state: None,
            tokens_used=lambda: self.tokens,
            cost_used=lambda: self.cost,
        )
        self.graph = build(self.deps, saver)
        self.thread = {"configurable": {"thread_id": run}, "recursion_limit": 10_000}
        self.run_id = run

    def _report(self, state: dict[str, Any]) -> dict[str, Any]:
        self.reports.append(state)
        return {"report": "report.html"}

    def start(self, limits: Limits | None = None, plan: Plan | None = None) -> dict[str, Any]:
        given = plan.model_dump(mode="json") if plan else None
        return self._invoke(initial(self.run_id, "test", limits or Limits(), given))

    def reply(self, **reply: Any) -> dict[str, Any]:
        from langgraph.types import Command

        return self._invoke(Command(resume=reply))

    def _invoke(self, value: Any) -> dict[str, Any]:
        state: dict[str, Any] = self.graph.invoke(value, self.thread, durability="sync")
        return self.deps.store.expanded(state)

    def types(self) -> list[str]:
        return [event.type.value for event in self.events]


MakeHarness = Callable[..., Harness]
