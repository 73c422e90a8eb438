"""The graph's drawing, so that a changed edge is seen."""

from __future__ import annotations

from pathlib import Path

from tests.graphs.toys import MakeHarness, steps

GOLDEN = Path(__file__).parents[1] / "golden" / "graph.mmd"


def test_the_graph_is_the_golden_one(harness: MakeHarness) -> None:
    drawn = harness(steps(("note", {"text": "a"}))).graph.get_graph().draw_mermaid()
    assert drawn == GOLDEN.read_text(encoding="utf-8")
