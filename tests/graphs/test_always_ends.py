"""Whatever plans, failures and limits come together, a run ends or waits; it never goes on for ever."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver

from modelwright.types import Limits, Plan
from tests.graphs.toys import FixedPolicy, Harness, ScriptedPlans, steps

CALLS = [("note", {"text": "a"}), ("note", {"text": "b"}), ("broken", {}), ("liar", {}), ("flaky", {"fails": 1}), ("poll", {})]
plans = st.lists(st.sampled_from(CALLS), min_size=1, max_size=6).map(lambda calls: steps(*calls))
limits = st.builds(Limits, steps=st.integers(1, 8), replans=st.integers(0, 3), retries=st.integers(0, 2))


@settings(max_examples=40, deadline=None)
@given(plan=plans, replans=st.lists(plans, max_size=6), limit=limits, asked=st.booleans())
def test_a_run_ends_or_waits_within_its_limits(plan: Plan, replans: list[Plan], limit: Limits, asked: bool) -> None:
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            h = Harness(Path(folder), InMemorySaver(), ScriptedPlans([plan], replans), FixedPolicy(note="ask") if asked else None)
            h.thread["recursion_limit"] = 400
            state = h.start(limit)
            if state["status"] == "waiting" and state["pending"]["kind"] == "approval":
                state = h.reply(allow=[call["id"] for call in state["pending"]["calls"]])
            assert state["status"] in ("done", "unverified", "failed", "waiting")
            assert state["spent"]["steps"] <= limit.steps
            assert state["spent"]["replans"] <= limit.replans
            assert state["spent"]["retries"] <= limit.retries
            h.db.close()
        finally:
            os.chdir(here)
