"""doctor shows how far the estimates were off on this machine."""

from __future__ import annotations

from pathlib import Path

from modelwright.agent import doctor
from modelwright.graphs import predictions
from modelwright.types import Estimate
from modelwright.workspace import Workspace
from tests.graphs.toys import note


def test_the_record_of_estimates_stands_with_what_was_learned(workspace: Path) -> None:
    db = Workspace(workspace).connect()
    for index in range(8):
        predictions.store(db, f"k{index}", note, {"text": "x"}, Estimate(seconds=10, memory_bytes=100), 30, 100)
    db.close()
    found = next(finding for finding in doctor.examine(workspace) if finding.name == "estimates of note")
    assert found.ok
    assert found.found.startswith("8 calls: time off by")
    assert "67% before it learned" in found.found
