"""What the graph costs a step: 200 steps of a tool that does nothing, SQLite, sync durability.

    python benchmarks/graph_overhead.py [STEPS]

A step here is execute, verify and route with their checkpoints, the ledger's two commits and the events of the trace.
The time of the tool itself (microseconds) is in it. Prints the median, p95, and the size of the checkpoint file.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from machine import card

from modelwright import Effect, Estimate, Limits, Plan, Step, ToolArgs, ToolContext, ToolResult, tool
from modelwright.agent.trace import TraceWriter
from modelwright.config import Settings
from modelwright.events import Emitter, Event, EventType
from modelwright.graphs.build import Pruner, build, open_checkpointer
from modelwright.graphs.deps import Deps
from modelwright.graphs.ledger import Ledger
from modelwright.graphs.state import initial
from modelwright.graphs.store import RunStore
from modelwright.policies import load as load_policy
from modelwright.workspace import Workspace


class Args(ToolArgs):
    number: int


class Result(ToolResult):
    number: int


@tool(effects=[Effect.READS_FILES], example={"number": 1}, estimate=lambda args, workspace: Estimate())
def nothing(args: Args, ctx: ToolContext) -> Result:
    """Do nothing."""
    return Result(summary="nothing", number=args.number)


def run(steps: int, root: Path) -> tuple[list[float], int]:
    """Milliseconds of each step, and the bytes of the checkpoint file at the end."""
    workspace = Workspace(root)
    db, saver = workspace.connect(), open_checkpointer(workspace.checkpoints)
    starts: list[float] = []

    def clock(event: Event) -> None:
        if event.type is EventType.TOOL_STARTED:
            starts.append(time.perf_counter())

    deps = Deps(
        workspace=workspace,
        settings=Settings(),
        tools={"nothing": nothing},
        planner=None,
        policy=load_policy(None),
        ledger=Ledger(workspace.connect(synced=True)),
        store=RunStore(db, "r1"),
        db=db,
        prune=Pruner(saver, "r1"),
        emitter=Emitter("r1", [TraceWriter(db), clock]),
        write_report=lambda state: {},
        remember=lambda state: None,
    )
    plan = Plan(
        request="nothing",
        steps=[Step(id=f"s{i}", tool="nothing", args={"number": i}, sources={"number": "default"}) for i in range(1, steps + 1)],
    )
    thread = {"configurable": {"thread_id": "r1"}, "recursion_limit": 100_000}
    state = build(deps, saver).invoke(
        initial("r1", "nothing", Limits(steps=steps + 1), plan.model_dump(mode="json")), thread, durability="sync"
    )
    assert state["status"] == "done", state["error"]
    saver.conn.close()
    db.close()
    size = sum(f.stat().st_size for f in workspace.home.glob("checkpoints.db*"))
    return [(b - a) * 1000 for a, b in pairwise(starts)], size


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(card("langgraph", "langgraph-checkpoint-sqlite"))
    with tempfile.TemporaryDirectory() as folder:
        times, size = run(steps, Path(folder))
    times.sort()
    print(f"{'steps':>8} {'median ms':>10} {'p95 ms':>8} {'max ms':>8} {'checkpoint file MB':>20}")
    print(f"{steps:>8} {statistics.median(times):>10.2f} {times[int(len(times) * 0.95)]:>8.2f} {times[-1]:>8.2f} {size / 1e6:>20.2f}")


if __name__ == "__main__":
    main()
