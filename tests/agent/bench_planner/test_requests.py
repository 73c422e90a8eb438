"""Requests with expected plans: the file that ships, bad lines, and how a plan is judged, with the scripted model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.agent.bench_planner import requests, table
from modelwright.errors import DataError
from modelwright.models.scripted import ScriptedModel
from modelwright.tools import load_all

TOOLS = load_all()


def outcome(steps: list[Any], **case: Any) -> requests.Outcome:
    expected = {"id": "x", "request": "check a.jsonl, then train on it", "kind": "plan", **case}
    model = ScriptedModel.of(plan=[{"matches": ".", "steps": steps}])
    return requests.run(requests.Case.model_validate(expected), TOOLS, model)


CHECK = {"tool": "inspect_dataset", "args": {"dataset": "a.jsonl"}, "sources": {"dataset": "request[6:13]"}}
TRAIN = {"tool": "finetune", "args": {"dataset": "a.jsonl"}, "sources": {"dataset": "request[6:13]"}}
BOTH = {"tools": ["inspect_dataset", "finetune"], "args": {"finetune": {"dataset": "a.jsonl"}}}


def test_the_file_that_ships_is_valid_and_speaks_of_every_kind() -> None:
    cases = requests.read_cases(requests.shipped())
    assert len(cases) >= 60
    assert len({c.id for c in cases}) == len({c.request for c in cases}) == len(cases)
    assert {kind for c in cases for kind in c.kind.split("|")} == set(requests.KINDS)


def test_expected_arguments_of_the_file_that_ships_are_arguments_of_their_tools() -> None:
    for case in requests.read_cases(requests.shipped()):
        for tool, args in case.args.items():
            assert tool not in TOOLS or set(args) <= set(TOOLS[tool].args.model_fields), case.id


def test_right_tools_in_order_with_right_arguments_are_right() -> None:
    found = outcome([CHECK, TRAIN], **BOTH)
    assert found.score.right
    assert (found.unneeded, list(found.invented)) == (0, [])


def test_the_wrong_order_a_missing_argument_and_a_forbidden_tool_are_wrong() -> None:
    assert not outcome([TRAIN, CHECK], **BOTH).score.tools
    assert not outcome([CHECK, TRAIN], tools=["finetune"], args={"finetune": {"epochs": 3}}).score.args
    assert not outcome([CHECK, TRAIN], tools=["finetune"], forbid=["inspect_dataset"]).score.tools


def test_a_value_that_is_not_in_its_source_is_invented() -> None:
    wrong = {**TRAIN, "args": {"dataset": "a.jsonl", "epochs": 9}, "sources": {"dataset": "request[6:13]", "epochs": "request[0:5]"}}
    assert len(outcome([CHECK, wrong], **BOTH).invented) == 1


def test_steps_beyond_the_expected_are_counted() -> None:
    assert outcome([CHECK, TRAIN], tools=["finetune"]).unneeded == 1


def test_one_of_several_kinds_and_one_of_several_tools_will_do() -> None:
    assert outcome([CHECK], kind="plan|question", tools=["evaluate|inspect_dataset", "finetune?"]).score.right


def test_a_request_whose_tool_is_not_installed_is_counted_apart() -> None:
    found = outcome([CHECK], tools=["teleport"])
    assert list(found.lacking) == ["teleport"]
    lines = table.of_requests([found, outcome([CHECK, TRAIN], **BOTH)])
    assert "1 of    1" in lines[0]
    assert lines[-1] == "not counted: 1 whose tool is not installed (teleport)"


def test_the_report_says_which_tools_the_wrong_plans_expect() -> None:
    lines = table.of_requests([outcome([CHECK, TRAIN], **BOTH), outcome([TRAIN], **BOTH), outcome([CHECK], tools=["inspect_dataset"])])
    [line] = [line for line in lines if line.startswith("wrong by expected tool")]
    assert line.split(maxsplit=4)[4] == "finetune 1 of 2, inspect_dataset 1 of 3"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        (json.dumps({"id": "a", "request": "b", "kind": "maybe"}), "kind"),
        (json.dumps({"id": "a", "kind": "plan"}), "request"),
    ],
)
def test_a_bad_line_is_named_with_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"id": "a", "request": "b", "kind": "plan"}) + "\n" + line + "\n")
    with pytest.raises(DataError, match=rf"mine\.jsonl:2: .*{reason}") as error:
        requests.read_cases(file)
    assert error.value.fix
