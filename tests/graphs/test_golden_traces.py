"""The whole stream of events of seven runs, against golden files: normal, denied, edited, retried, replanned, limit, resumed.

A change here is a change of what the terminal, `--json` and the trace say: look at the difference, then run
`WRITE_GOLDEN=1 python -m pytest tests/graphs/test_golden_traces.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.types import Limits
from tests.graphs.toys import FixedPolicy, Harness, MakeHarness, steps

GOLDEN = Path(__file__).parents[1] / "golden" / "traces"
ASK = FixedPolicy(note="ask")


def normal(make: MakeHarness) -> Harness:
    h = make(steps(("note", {"text": "hello"}), ("read_note", {"path": "$s1.path"})))
    h.start()
    return h


def denied(make: MakeHarness) -> Harness:
    h = make(steps(("note", {"text": "hello"})), policy=FixedPolicy(note="deny"))
    h.start()
    return h


def edited(make: MakeHarness) -> Harness:
    h = make(steps(("note", {"text": "hello"})), policy=ASK)
    h.start()
    h.reply(edit={"s1": {"text": "bye"}})
    h.reply(allow=["s1"])
    return h


def retried(make: MakeHarness) -> Harness:
    h = make(steps(("flaky", {"fails": 1})))
    h.start()
    return h


def replanned(make: MakeHarness) -> Harness:
    h = make(steps(("broken", {})), replans=[steps(("note", {"text": "instead"}))])
    h.start()
    return h


def limit(make: MakeHarness) -> Harness:
    h = make(steps(("note", {"text": "a"}), ("note", {"text": "b"})))
    h.start(Limits(steps=1))
    return h


def resumed(make: MakeHarness) -> Harness:
    h = limit(make)
    h.reply(limits={"steps": 5})
    return h


def stable(h: Harness, workspace: Path) -> list[dict[str, Any]]:
    """The events without what differs from run to run: paths, keys over paths, measured seconds."""
    text = json.dumps([event.as_json() for event in h.events]).replace(str(workspace), "WORK")
    text = re.sub(r'"key": "[0-9a-f]{64}"', '"key": "KEY"', text)  # holds the absolute path of what s1 wrote
    return list(json.loads(re.sub(r'"seconds": [0-9.e-]+', '"seconds": 0', text)))


@pytest.mark.parametrize("scenario", [normal, denied, edited, retried, replanned, limit, resumed], ids=lambda s: s.__name__)
def test_the_trace_is_the_golden_one(scenario: Callable[[MakeHarness], Harness], harness: MakeHarness, workspace: Path) -> None:
    found = stable(scenario(harness), workspace)
    path = GOLDEN / f"{scenario.__name__}.json"
    if os.environ.get("WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))
