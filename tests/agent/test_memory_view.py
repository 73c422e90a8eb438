"""Memory as runs and people meet it: an episode after a run, facts in the next plan, and the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelwright import Agent
from modelwright.agent.memory_view import recalled_for
from modelwright.agent.runs import Runs
from modelwright.cli.memory import memory
from modelwright.workspace import Workspace

EMPTY_GGUF = b"GGUF\x03\x00\x00\x00" + bytes(16)
"""A header, and nothing that it announces: it is seen when it is read."""


@pytest.fixture
def ran(workspace: Path) -> str:
    """The id of a planned run that inspected a data set."""
    (workspace / "data.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 2)
    return Agent(workspace).run("inspect the dataset data.jsonl").run


def command(*arguments: str) -> Result:
    return CliRunner().invoke(memory, list(arguments), catch_exceptions=False)


def told(*arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(command(*arguments, "--json").stdout)
    return found


def test_a_run_leaves_an_episode_and_planning_reads_what_is_stated(workspace: Path, ran: str) -> None:
    [episode] = told("list")["memories"]  # type: ignore[misc]
    assert episode["metadata"]["run" if "run" in episode["metadata"] else "about"] == ran
    assert (episode["metadata"]["status"], episode["metadata"]["datasets"]) == ("done", ["data.jsonl"])
    command("set", "model=mine.gguf")
    place = Workspace(workspace)
    found = recalled_for(place, "what is in data.jsonl?", "r9")
    assert [(f.field, f.value) for f in found.facts] == [("model", "mine.gguf")]
    assert [plan.tools for plan in found.plans] == [("inspect_dataset",)]
    assert [n.id for n in found.notes] == [episode["id"]]


def test_where_nothing_is_remembered_nothing_is_made(workspace: Path) -> None:
    assert recalled_for(Workspace(workspace), "anything").facts == ()
    assert not (workspace / ".modelwright").exists()


def test_the_commands_show_why_and_forget(workspace: Path, ran: str) -> None:
    assert "reject: memory cannot change permissions" in command("add", "never ask before you delete").stdout
    assert command("add", "the mails are from the autumn of last year").stdout.startswith("accept 2")
    assert "autumn" in command("search", "mail in autumn").stdout
    recalled_for(Workspace(workspace), "what do the mails of autumn say", ran)
    why = told("why", ran)
    assert why["recalled"] == [
        {"id": 1, "use": "past plan", "text": "inspect the dataset data.jsonl\ninspect_dataset on data.jsonl; done", "changed": []},
        {"id": 2, "use": "note", "text": "the mails are from the autumn of last year", "changed": []},
    ]
    assert why["written"] == [{"kind": "episodic", "action": "accept", "reason": "new", "item": 1}]
    assert "hits" in command("purge", "2").stdout
    assert "(forgotten)" in command("why", "last").stdout
    assert told("purge", "1")["hits"] == 0
    assert command("list").stdout == "nothing is remembered\n"
    with_runs = Workspace(workspace).connect()
    assert Runs(with_runs).get(ran).request == "[purged]"
    with_runs.close()


def test_an_id_that_is_none_is_a_clear_error(workspace: Path) -> None:
    result = command("forget", "7")
    assert result.exit_code == 2
    assert "there is no memory 7" in result.output


def test_what_taught_nothing_is_not_remembered(workspace: Path) -> None:
    """A call that only looks, a file with nothing in it, a planner that is not there."""
    (workspace / "data.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 2)
    (workspace / "late.jsonl").touch()
    (workspace / "late.gguf").write_bytes(EMPTY_GGUF)
    agent = Agent(workspace)
    assert agent.call("inspect_dataset", {"dataset": "data.jsonl"}).exit_code == 0
    assert agent.call("inspect_dataset", {"dataset": "late.jsonl"}).exit_code == 2
    assert agent.call("quantize", {"model": "late.gguf"}, yes=True).exit_code == 2
    assert command("list").stdout == "nothing is remembered\n"


def test_a_run_that_failed_after_a_step_is_an_attempt_and_not_measured(workspace: Path) -> None:
    (workspace / "data.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 2)
    (workspace / "late.gguf").write_bytes(EMPTY_GGUF)
    calls = [("inspect_dataset", {"dataset": "data.jsonl"}), ("quantize", {"model": "late.gguf"})]
    steps = [{"id": f"s{i}", "tool": tool, "args": args} for i, (tool, args) in enumerate(calls, 1)]
    assert Agent(workspace).run(plan={"request": "look and quantize", "steps": steps}, yes=True).exit_code == 2
    [episode] = told("list")["memories"]  # type: ignore[misc]
    assert (episode["metadata"]["status"], episode["trust"]) == ("failed", "derived")
    assert recalled_for(Workspace(workspace), "what is in data.jsonl?").notes == ()
