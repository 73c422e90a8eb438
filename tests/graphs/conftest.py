from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from modelwright.graphs.build import open_checkpointer
from tests.graphs.toys import FixedPolicy, Harness, ScriptedPlans


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest, workspace: Path) -> Iterator[Any]:
    """Every graph test runs on both checkpointers."""
    if request.param == "memory":
        yield InMemorySaver()
        return
    saver = open_checkpointer(workspace / "checkpoints.db")
    yield saver
    saver.conn.close()


@pytest.fixture
def harness(workspace: Path, saver: Any) -> Iterator[Callable[..., Harness]]:
    made: list[Harness] = []

    def make(*plans: Any, replans: Any = (), policy: FixedPolicy | None = None, run: str = "r1") -> Harness:
        made.append(Harness(workspace, saver, ScriptedPlans(plans, replans), policy, run))
        return made[-1]

    yield make
    for harness in made:
        harness.db.close()
