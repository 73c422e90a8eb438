"""What was said stays: turn by turn, across processes and kills, to be listed, searched, shown, exported and deleted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from modelwright.agent.conversation import open_conversation
from modelwright.agent.session import Agent
from modelwright.agent.sessions import Sessions, check_name, hold, new_name
from modelwright.cli.main import cli
from modelwright.errors import BadRequest, LeaseHeld
from modelwright.workspace import Workspace

SCRIPT = """
[[plan]]
request = "look at it"
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl" }, sources = { dataset = "workspace" } }]
"""


@pytest.fixture(autouse=True)
def files(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    for name in ("data.jsonl", "other.jsonl"):
        (workspace / name).write_text(json.dumps(row) + "\n")
    (workspace / "script.toml").write_text(SCRIPT)
    monkeypatch.setenv("MODELWRIGHT_MODEL", "scripted:script.toml")


def modelwright(*arguments: str) -> Result:
    """A command, in this process: starting another takes two seconds."""
    return CliRunner().invoke(cli, arguments)


def killed_at(point: str, *arguments: str) -> None:
    env = {**os.environ, "MODELWRIGHT_FAULT": point}
    done = subprocess.run([sys.executable, "-m", "modelwright", *arguments], capture_output=True, check=False, env=env, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr


def printed(*arguments: str) -> Any:
    done = modelwright(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_run_and_chat_share_a_session() -> None:
    assert modelwright("run", "look at it", "--session", "tone").exit_code == 0
    again = printed("run", "again on other.jsonl", "--session", "tone")
    assert again["plan"]["steps"][0]["args"] == {"dataset": "other.jsonl"}
    assert again["plan"]["steps"][0]["sources"] == {"dataset": "request[9:20]"}
    answer = printed("run", "what did you do?", "--session", "last")
    assert (answer["session"], f"run {again['run']}" in answer["answer"]) == ("tone", True)
    turns = printed("sessions", "show", "tone")["turns"]
    assert [(t["request"], t["kind"], t["exit_code"]) for t in turns] == [
        ("look at it", "request", 0),
        ("again on other.jsonl", "again", 0),
        ("what did you do?", "answer", 0),
    ]
    assert turns[1]["resolved"] == {"run": turns[0]["run"], "changes": {"s1": {"dataset": "other.jsonl"}}}


def test_again_goes_through_policy_like_any_plan(workspace: Path) -> None:
    rule = '[[rule]]\nid = "all-asked"\nwhy = "a test"\ndecide = "ask"\ntools = ["*"]\n'
    (workspace / "asking.toml").write_text("version = 1\n" + rule)
    modelwright("run", "look at it", "--session", "t")
    assert modelwright("run", "again with max_problems=3", "--session", "t", "--policy", "asking.toml").exit_code == 4


def test_words_to_the_run_that_waits_edit_it_in_another_process_too(workspace: Path) -> None:
    rule = '[[rule]]\nid = "all-asked"\nwhy = "a test"\ndecide = "ask"\ntools = ["*"]\n'
    (workspace / "asking.toml").write_text("version = 1\n" + rule)
    assert modelwright("run", "look at it", "--session", "t", "--policy", "asking.toml").exit_code == 4
    seen = modelwright("run", "no, with other.jsonl", "--session", "t", "--dry-run")
    assert "dataset=other.jsonl" in seen.stdout
    assert modelwright("run", "no, with other.jsonl", "--session", "t").exit_code == 4
    done = printed("run", "only 3 problems", "--session", "t", "--yes")
    turns = printed("sessions", "show", "t")["turns"]
    assert {turn["run"] for turn in turns} == {done["run"]}
    assert [turn["resolved"].get("changes") for turn in turns] == [None, {"s1": {"dataset": "other.jsonl"}}, {"s1": {"max_problems": 3}}]
    assert done["plan"]["steps"][0]["args"] == {"dataset": "other.jsonl", "max_problems": 3}


def test_an_edited_argument_that_its_schema_refuses_never_runs() -> None:
    modelwright("run", "look at it", "--session", "t")
    done = modelwright("run", "again with max_problems=99999", "--session", "t")
    assert (done.exit_code, "max_problems" in done.stderr) == (2, True)
    assert printed("sessions", "show", "t")["turns"][1]["exit_code"] == 2


def test_a_dry_run_keeps_nothing() -> None:
    modelwright("run", "look at it", "--session", "t")
    done = modelwright("run", "again on other.jsonl", "--session", "t", "--dry-run")
    assert (done.exit_code, "dataset=other.jsonl (request[9:20])" in done.stdout) == (0, True)
    assert modelwright("run", "why?", "--session", "t", "--dry-run").exit_code == 0
    assert len(printed("sessions", "show", "t")["turns"]) == 1
    assert modelwright("run", "look at it", "--session", "new", "--dry-run").exit_code == 0
    assert [s["session"] for s in printed("sessions")] == ["t"]


def test_sessions_are_listed_searched_exported_and_deleted() -> None:
    modelwright("run", "look at it", "--session", "one")
    modelwright("run", "why?", "--session", "two")
    assert [s["session"] for s in printed("sessions")] == ["two", "one"]
    assert [(t["session"], t["number"]) for t in printed("sessions", "search", "USABLE rows")] == [("one", 1)]
    page = modelwright("sessions", "export", "one").stdout
    assert page.startswith("# Session one")
    assert "look at it" in page
    assert modelwright("sessions", "export", "one", "--output", "one.json").exit_code == 0
    assert json.loads(Path("one.json").read_text())["turns"][0]["request"] == "look at it"
    assert modelwright("sessions", "delete", "one").exit_code == 0
    assert [s["session"] for s in printed("sessions")] == ["two"]
    assert len(printed("runs")) == 1, "the runs of a deleted session stay"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sessions", "show", "nope"], "there is no session 'nope'"),
        (["sessions", "delete", "nope"], "there is no session 'nope'"),
        (["run", "look at it", "--session", "../up"], "cannot name a session"),
        (["run", "look at it", "--session", "t", "--plan", "script.toml"], ""),
        (["chat", "--plain", "--session", "a/b"], "cannot name a session"),
    ],
)
def test_bad_names_get_one_line(arguments: list[str], said: str) -> None:
    modelwright("run", "why?", "--session", "t")
    done = modelwright(*arguments)
    assert (done.exit_code, said in done.stderr) == (2, True)


def test_sessions_create_nothing_where_nothing_was_run() -> None:
    done = modelwright("sessions")
    assert (done.exit_code, Path(".modelwright").exists()) == (2, False)


def test_one_process_writes_to_a_session(workspace: Path) -> None:
    with hold(Workspace(workspace), "t"):
        done = modelwright("run", "look at it", "--session", "t")
    assert (done.exit_code, "session t is being worked on by process" in done.stderr) == (2, True)
    with open_conversation(Agent("."), "t"), pytest.raises(LeaseHeld), hold(Workspace(workspace), "t"):
        pass


@pytest.mark.parametrize("point", ["node.plan", "node.verify"])
def test_a_killed_turn_is_kept_with_its_run_and_can_be_gone_on_with(point: str) -> None:
    killed_at(point, "run", "look at it", "--session", "t")
    (turn,) = printed("sessions", "show", "t")["turns"]
    assert (turn["request"], turn["exit_code"], bool(turn["run"])) == ("look at it", None, True)
    assert modelwright("run", "go on", "--session", "t").exit_code == 0
    turns = printed("sessions", "show", "t")["turns"]
    assert (turns[1]["kind"], turns[1]["run"]) == ("resume", turn["run"])
    assert len(printed("runs")) == 1


def test_secrets_and_escapes_do_not_reach_the_records(workspace: Path) -> None:
    secret, escape = "sk-" + "a1" * 12, "\x1b[31m"
    with open_conversation(Agent("."), "t") as conversation, pytest.raises(BadRequest):
        conversation.say(f"look at it with {secret} {escape}", limits={"nonsense": 1})
    text = json.dumps([t.as_json() for t in Sessions(Workspace(workspace).connect()).turns("t")], ensure_ascii=False)
    assert "look at it" in text
    assert secret not in text
    assert escape not in text


def test_what_was_said_stays_text_in_markdown(workspace: Path) -> None:
    db = Workspace(workspace).connect()
    kept = Sessions(db)
    number = kept.begin("t", "```\n# not a heading <script>", "request", {"things": []})
    kept.end("t", number, "````\n<b>", 0)
    lines = modelwright("sessions", "export", "t").stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == [lines[0], lines[2], "# not a heading <script>"]
    assert "````text" in lines
    assert "`````text" in lines


def test_names_are_found_by_their_beginning(workspace: Path) -> None:
    kept = Sessions(Workspace(workspace).connect())
    for name in ("tone", "tone-2", "rag"):
        kept.begin(name, "hello", "answer", {})
        time.sleep(0.002)
    assert [kept.find(name) for name in ("tone", "r", "last")] == ["tone", "rag", "rag"]
    with pytest.raises(BadRequest, match="beginning of 2 sessions"):
        kept.find("to")
    assert check_name(new_name())
