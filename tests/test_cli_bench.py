"""`modelwright bench-planner` as a person uses it, with the scripted model."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from modelwright.cli.main import cli

LINES = [
    {
        "id": "a",
        "request": "check a.jsonl",
        "kind": "plan",
        "tools": ["inspect_dataset"],
        "args": {"inspect_dataset": {"dataset": "a.jsonl"}},
    },
    {"id": "b", "request": "train b", "kind": "question"},
    {"id": "c", "request": "teleport me", "kind": "plan", "tools": ["teleport"]},
]
SCRIPT = """
[[plan]]
request = "check a.jsonl"
steps = [{ tool = "inspect_dataset", args = { dataset = "a.jsonl" }, sources = { dataset = "request[6:13]" } }]
[[plan]]
request = "train b"
kind = "question"
question = "On what?"
[[plan]]
request = "teleport me"
kind = "none"
reason = "no tool does this"
"""


def make(workspace: Path) -> None:
    (workspace / "mine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    (workspace / "script.toml").write_text(SCRIPT)


def test_three_requests_are_measured_and_kept(workspace: Path) -> None:
    make(workspace)
    found = CliRunner().invoke(cli, ["bench-planner", "mine.jsonl", "--model", "scripted:script.toml", "--out", "kept.jsonl"])
    assert found.exit_code == 0, found.output
    assert "all: right                              2 of    2  100.0%" in found.stdout
    assert "not counted: 1 whose tool is not installed (teleport)" in found.stdout
    kept = [json.loads(line) for line in (workspace / "kept.jsonl").read_text().splitlines()]
    assert [line["right"] for line in kept] == [True, True, False]


def test_as_json_stdout_is_one_object(workspace: Path) -> None:
    make(workspace)
    found = CliRunner().invoke(cli, ["bench-planner", "mine.jsonl", "--model", "scripted:script.toml", "--json"])
    figures = json.loads(found.stdout)
    assert figures["right"]["n"] == 2
    assert figures["invented_values"] == 0


def test_free_json_without_cases_is_refused(workspace: Path) -> None:
    found = CliRunner().invoke(cli, ["bench-planner", "--free-json"])
    assert found.exit_code != 0
    assert "--bfcl" in found.output
