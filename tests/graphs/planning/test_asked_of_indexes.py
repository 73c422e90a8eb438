"""A question that no tool serves is asked of the documents that are indexed, where any are."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.planner import Planner
from modelwright.types import Plan

QUESTION = "Who built the tank?"


def planned(tmp_path: Path, all_tools: dict[str, Tool], request: str, *indexes: str) -> Plan:
    plan = Planner(None, all_tools, tmp_path, indexes=indexes).plan(request)
    assert unsupported(plan, tmp_path) == []
    return plan


@pytest.mark.parametrize("question", [QUESTION, "When does the kitchen close on Sundays?", "Wer hat den Tank gebaut?"])
def test_the_only_index_is_asked(tmp_path: Path, all_tools: dict[str, Tool], question: str) -> None:
    [step] = planned(tmp_path, all_tools, question, "default").steps
    assert (step.tool, step.args) == ("rag_answer", {"question": question})


@pytest.mark.parametrize("indexes", [("handbook",), ("default", "wiki")])
def test_of_others_the_one_that_fits_is_asked(tmp_path: Path, all_tools: dict[str, Tool], indexes: tuple[str, ...]) -> None:
    [step] = planned(tmp_path, all_tools, QUESTION, *indexes).steps
    assert step.args == {"question": QUESTION, "index": "auto"}
    assert step.sources["index"] == "template ask_the_indexes"


def test_without_an_index_nothing_is_done(tmp_path: Path, all_tools: dict[str, Tool]) -> None:
    assert planned(tmp_path, all_tools, QUESTION).kind == "none"


@pytest.mark.parametrize("request_", ["thanks, that was quick!", "translate my letter", "write me a poem about the tank", "who are you?"])
def test_what_is_no_question_is_not_asked(tmp_path: Path, all_tools: dict[str, Tool], request_: str) -> None:
    assert planned(tmp_path, all_tools, request_, "default").kind == "none"
