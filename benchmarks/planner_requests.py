"""How many requests of a file the planner plans as expected, with 95% Wilson intervals: what `modelwright bench-planner` does, for work
on the planner.

    python benchmarks/planner_requests.py FILE [--model none|builtin|FILE.gguf] [--wrong] [--stubs]

--stubs plans with tools that are known by name alone where they are not installed; --wrong prints what went wrong. The
format and the workspace of a request: modelwright/agent/bench_planner/requests.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from machine import card

from modelwright.agent.bench_planner import requests, table
from modelwright.config import Settings
from modelwright.models import open_model
from modelwright.tools import load_all


def all_tools(stubs: bool) -> dict[str, Any]:
    if not stubs:
        return load_all()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from tests.graphs.planning.stub_tools import with_stubs

    return with_stubs(load_all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="none")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--stubs", action="store_true")
    given = parser.parse_args()
    model = None if given.model == "none" else open_model(Settings(model=given.model))
    tools, outcomes = all_tools(given.stubs), []
    for case in requests.read_cases(given.file):
        found = requests.run(case, tools, model)
        outcomes.append(found)
        if given.wrong and not found.score.right:
            print(f"{case.id} {case.request!r:.170}\n     {found.score.problem}   expected {case.kind} {case.tools}")
        if found.invented:
            print(f"{case.id} INVENTED {found.invented}")
    if model:
        model.close()
    print(card(), f"{given.file.name}, model {given.model}, {len(tools)} tools", *table.of_requests(outcomes), sep="\n")


if __name__ == "__main__":
    main()
