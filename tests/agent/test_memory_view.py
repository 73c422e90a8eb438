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


@pytest.fixture
def ran(workspace: Path) -> str:
    """The id of a run that inspected a data set."""
    (workspace / "data.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 2)
    return Agent(workspace).call("inspect_dataset", {"dataset": "data.jsonl"}).run


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
    assert found.plans == ()  # nothing was planned there
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
