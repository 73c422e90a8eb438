"""A step that cannot fit into memory is a stop at the plan, with the nearest setting that can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from modelwright.contract import ToolContext, tool
from modelwright.errors import DoesNotFit
from modelwright.graphs import feasible
from modelwright.graphs.gate import assess
from modelwright.policies import load as load_policy
from modelwright.types import Effect, Estimate, Plan, Step, ToolArgs, ToolResult
from tests.graphs.toys import TOOLS, Harness


class Args(ToolArgs):
    batch_size: int = Field(8, ge=1)
    max_length: int = Field(512, ge=8)
    method: str = "full"


class Result(ToolResult):
    pass


def _memory(args: Any, workspace: Path) -> Estimate:
    states = 400 if args.method == "full" else 100
    return Estimate(seconds=1, memory_bytes=(states + args.batch_size * args.max_length // 16) * 1_000_000)


@tool(effects=[Effect.COMPUTES], example={}, estimate=_memory)
def study(args: Args, ctx: ToolContext) -> Result:
    """Take memory."""
    return Result(summary="done")


def refuse(limit_mb: int, **args: Any) -> str:
    plan = Plan(steps=[Step(id="s1", tool="study", args=args)])
    with pytest.raises(DoesNotFit) as caught:
        assess(plan, {"study": study}, load_policy(None), Path("/nowhere"), memory_limit=limit_mb * 1_000_000)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return caught.value.fix


def test_a_smaller_batch_is_offered_first() -> None:
    assert refuse(520) == "the nearest setting that fits is batch_size=2 (464.0 MB)"


def test_a_lighter_method_is_offered_where_smaller_batches_are_not_enough() -> None:
    assert "method=lora" in refuse(200, batch_size=2, max_length=512)


def test_several_changes_are_tried_together() -> None:
    assert refuse(110) == "the nearest setting that fits is method=lora batch_size=1 max_length=128 (108.0 MB)"


def test_where_nothing_fits_that_is_said() -> None:
    assert refuse(50).startswith("use a smaller model")


def test_what_fits_is_not_stopped() -> None:
    plan = Plan(steps=[Step(id="s1", tool="study", args={"batch_size": 1})])
    assert assess(plan, {"study": study}, load_policy(None), Path("/nowhere"), memory_limit=10**9)[0].steps[0].decision


def test_the_limit_is_the_one_that_is_set_else_all_of_the_machine() -> None:
    assert feasible.memory_limit(2.0) == 2 * 2**30
    assert feasible.memory_limit(None) > 10**8


def test_the_graph_ends_there_before_anything_is_asked_or_run(harness: Callable[..., Harness]) -> None:
    made = harness(Plan(steps=[Step(id="s1", tool="note", args={"text": "a"})]))
    greedy = replace(TOOLS["note"], estimate=lambda args, workspace: Estimate(seconds=1, memory_bytes=1 << 60))
    made.deps.tools = {**TOOLS, "note": greedy}
    state = made.start()
    assert (state["status"], state["error"]["type"], state["error"]["exit_code"]) == ("failed", "DoesNotFit", 2)
    assert not (made.workspace.root / "runs.txt").exists()


class LoadArgs(ToolArgs):
    concurrency: list[int] = Field([1, 4, 32])


@tool(effects=[Effect.COMPUTES], example={}, estimate=lambda args, workspace: Estimate(memory_bytes=max(args.concurrency) * 100_000_000))
def load(args: LoadArgs, ctx: ToolContext) -> Result:
    """Take memory for as many as run at once."""
    return Result(summary="done")


def test_of_a_list_of_loads_the_largest_are_left_out() -> None:
    plan = Plan(steps=[Step(id="s1", tool="load", args={"concurrency": [1, 4, 32]})])
    with pytest.raises(DoesNotFit) as caught:
        assess(plan, {"load": load}, load_policy(None), Path("/nowhere"), memory_limit=900_000_000)
    assert caught.value.fix == "the nearest setting that fits is concurrency=[1, 4] (400.0 MB)"
