"""Resume finds a run in every way it can be left, and a reply that does not fit changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelwright import Agent
from modelwright.errors import BadRequest

ASKING = 'version = 1\n[[rule]]\nid = "all-asked"\nwhy = "a test asks for everything"\ndecide = "ask"\ntools = ["*"]\n'
CALL = {"dataset": "data.jsonl"}


@pytest.fixture(autouse=True)
def files(workspace: Path) -> None:
    row = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    (workspace / "data.jsonl").write_text(json.dumps(row) + "\n")
    (workspace / "asking.toml").write_text(ASKING)


def killed_at(point: str, *arguments: str) -> None:
    env = {**os.environ, "MODELWRIGHT_FAULT": point}
    done = subprocess.run([sys.executable, "-m", "modelwright", *arguments], env=env, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr


def call(**values: Any) -> Any:
    return Agent(".", policy="asking.toml").call("inspect_dataset", CALL, **values)


def ran() -> bool:
    return any(json.loads(line)["type"] == "tool.finished" for line in _trace())


def _trace() -> list[str]:
    done = subprocess.run([sys.executable, "-m", "modelwright", "trace", "last", "--json"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_rejection_after_a_kill_is_a_rejection() -> None:
    killed_at("node.execute", "call", "inspect_dataset", "dataset=data.jsonl", "--policy", "asking.toml", "--yes")
    assert Agent(".").resume("last", reply={"reject": {"s1": "changed my mind"}}).status == "denied"
    assert not ran()


def test_an_approval_that_was_cut_at_the_gate_can_still_be_taken_back() -> None:
    call()
    killed_at("node.gate", "resume", "last", "--approve")
    assert Agent(".").resume("last", reply={"reject": {"s1": ""}}).status == "denied"
    assert not ran()


def test_an_edit_is_asked_again() -> None:
    call()
    result = Agent(".").resume("last", reply={"edit": {"s1": {"max_problems": 3}}})
    assert (result.status, result.plan.steps[0].args["max_problems"]) == ("waiting", 3)


@pytest.mark.parametrize("point", ["node.plan", "node.gate", "node.execute", "node.verify", "node.route:2", "node.report", "node.remember"])
def test_a_killed_run_goes_on_with_the_limits_that_are_given(point: str) -> None:
    killed_at(point, "call", "inspect_dataset", "dataset=data.jsonl")
    result = Agent(".").resume("last", limits={"steps": 42})
    assert (result.status, result.spent.steps) == ("done", 1)


def test_a_failed_run_goes_on_when_its_cause_is_mended(workspace: Path) -> None:
    (workspace / "late.jsonl").touch()
    assert Agent(".").call("inspect_dataset", {"dataset": "late.jsonl"}).exit_code == 2
    (workspace / "late.jsonl").write_text((workspace / "data.jsonl").read_text())
    assert Agent(".").resume("last").status == "done"


def test_a_changed_policy_is_asked_again_and_can_be_granted(workspace: Path) -> None:
    killed_at("node.execute", "call", "inspect_dataset", "dataset=data.jsonl", "--policy", "asking.toml", "--yes")
    (workspace / "asking.toml").write_text(ASKING.replace("all-asked", "asked-anew"))
    assert Agent(".").resume("last").status == "done", "--yes was given to this run"
    call()
    (workspace / "asking.toml").write_text(ASKING)
    waiting = Agent(".").resume("last", reply={"allow": ["s1"]})
    assert waiting.status == "waiting", "what was shown was another policy's question"
    assert Agent(".").resume("last", reply={"allow": ["s1"]}).status == "done"


@pytest.mark.parametrize(("reply", "named"), [({"answer": "x"}, "answer"), ({"nonsense": 1}, "nonsense")])
def test_a_reply_that_does_not_fit_is_refused_and_nothing_changes(reply: dict[str, Any], named: str) -> None:
    call()
    before = len(_trace())
    with pytest.raises(BadRequest, match=named):
        Agent(".").resume("last", reply=reply)
    assert len(_trace()) == before
    assert Agent(".").show("last").status == "waiting"


def test_an_ended_run_says_so_and_is_not_touched() -> None:
    Agent(".").call("inspect_dataset", CALL)
    before = len(_trace())
    with pytest.raises(BadRequest, match="has ended"):
        Agent(".").resume("last", yes=True)
    assert len(_trace()) == before


def test_show_needs_neither_the_policy_nor_the_lease(workspace: Path) -> None:
    call()
    (workspace / "asking.toml").unlink()
    assert Agent(".").show("last").status == "waiting"


@pytest.mark.parametrize("name", ["", "r", "r2"])
def test_too_short_a_name_is_no_run(name: str) -> None:
    call()
    with pytest.raises(BadRequest, match="does not name a run"):
        Agent(".").resume(name, reply={"allow": ["s1"]})


def test_unknown_limits_are_refused() -> None:
    with pytest.raises(BadRequest, match="stepz"):
        Agent(".").call("inspect_dataset", CALL, limits={"stepz": 3})


def test_a_question_that_nobody_wants_to_answer_ends_its_run() -> None:
    asked = Agent(".").run("quantize it to Q4_K_M")
    assert (asked.status, asked.pending["kind"]) == ("waiting", "question")
    ended = Agent(".").resume(asked.run, reply={"reject": {"": "cancelled"}})
    assert (ended.status, ended.error["message"]) == ("denied", "it was rejected: cancelled")


def test_a_run_that_was_cut_while_it_was_planned_can_be_ended() -> None:
    killed_at("node.plan", "call", "inspect_dataset", "dataset=data.jsonl")
    assert Agent(".").resume("last", reply={"reject": {"": "cancelled"}}).status == "denied"
    assert not ran()
