"""`python -m tests.graphs.kill_run ROOT start|resume`: one run of the real graph in a process that can be killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modelwright.graphs.build import open_checkpointer
from modelwright.graphs.state import initial
from modelwright.types import Limits
from tests.graphs.toys import Harness, ScriptedPlans, steps

PLAN = steps(("compute", {"number": 1}), ("compute", {"number": 2}), ("read_note", {"path": "$s2.path"}))


def main(root: Path) -> None:
    root.mkdir(exist_ok=True)
    saver = open_checkpointer(root / "checkpoints.db")
    harness = Harness(root, saver, ScriptedPlans([PLAN, PLAN]))
    known = harness.graph.get_state(harness.thread).values
    state = harness.graph.invoke(None if known else initial("r1", "test", Limits()), harness.thread, durability="sync")
    state = harness.deps.store.expanded(state)
    results = {step: harness.deps.ledger.find(record["key"]).result for step, record in state["steps"].items()}
    print(json.dumps({"status": state["status"], "spent": state["spent"]["steps"], "results": results}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
