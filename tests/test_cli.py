"""The command line as a script sees it: stdout is data, stderr narration, exit codes tell how it ended."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROWS = [{"messages": [{"role": "user", "content": f"question {i}?"}, {"role": "assistant", "content": f"answer {i}."}]} for i in range(4)]
SCRIPT = """
[[plan]]
request = "look at it"
kind = "plan"
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl" }, sources = { dataset = "workspace" } }]

[[plan]]
request = "look at something"
answers = 0
kind = "question"
question = "Which data set?"
choices = ["data.jsonl"]

[[plan]]
request = "look at something"
answers = 1
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl" }, sources = { dataset = "answer" } }]

[[plan]]
request = "sing"
kind = "none"
reason = "none of my tools does this: singing"

[[plan]]
request = "invented"
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl", colour = "red" } }]
"""
ASKING = """
version = 1
[[rule]]
id = "all-asked"
why = "a test asks for everything"
decide = "ask"
tools = ["*"]
"""


@pytest.fixture(autouse=True)
def files(workspace: Path) -> None:
    (workspace / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (workspace / "script.toml").write_text(SCRIPT)
    (workspace / "asking.toml").write_text(ASKING)


def modelwright(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MODELWRIGHT_MODEL": "scripted:script.toml"}
    return subprocess.run(
        [sys.executable, "-m", "modelwright", *arguments], capture_output=True, text=True, input=stdin, env=env, check=False, timeout=120
    )


def printed(done: subprocess.CompletedProcess[str]) -> Any:
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


def test_a_run_prints_one_object_with_typed_steps_and_ends_with_0() -> None:
    done = modelwright("run", "look at it", "--json")
    found = printed(done)
    assert done.returncode == 0
    assert set(found) == {"run", "status", "plan", "steps", "report", "spent"}
    assert set(found["steps"][0]) >= {"id", "tool", "status", "result", "checks"}
    assert found["steps"][0]["result"]["usable_rows"] == 4
    assert Path(found["report"]).is_file()


def test_stream_prints_events_and_the_result_last() -> None:
    lines = [json.loads(line) for line in modelwright("run", "look at it", "--json", "--stream").stdout.splitlines()]
    assert [line["event"]["seq"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert lines[-1]["status"] == "done"


def test_without_json_stdout_holds_the_outcome_and_stderr_the_story() -> None:
    done = modelwright("run", "look at it")
    assert "4 usable rows" in done.stdout
    assert "verified" in done.stderr
    assert "verified" not in done.stdout


def test_a_question_ends_with_3_and_an_answer_goes_on() -> None:
    done = modelwright("run", "look at something")
    assert done.returncode == 3
    assert "Which data set?" in done.stderr
    assert "--answer" in done.stderr
    assert modelwright("resume", "last", "--answer", "data.jsonl").returncode == 0


def test_what_no_tool_does_ends_with_2_and_the_reason() -> None:
    done = modelwright("run", "sing")
    assert done.returncode == 2
    assert "none of my tools does this" in done.stderr


def test_an_invented_argument_never_runs() -> None:
    done = modelwright("run", "invented")
    assert done.returncode == 2
    assert "no such argument" in done.stderr


def test_an_approval_ends_with_4_names_the_command_and_goes_on() -> None:
    done = modelwright("run", "look at it", "--policy", "asking.toml", "--json")
    found = printed(done)
    assert (done.returncode, found["status"]) == (4, "waiting")
    assert f"modelwright resume {found['run']} --approve" in done.stderr
    assert printed(modelwright("resume", found["run"], "--approve", "--json"))["status"] == "done"


def test_yes_grants_what_is_asked() -> None:
    assert modelwright("run", "look at it", "--policy", "asking.toml", "--yes").returncode == 0


def test_a_refusal_ends_with_4_and_stays() -> None:
    modelwright("run", "look at it", "--policy", "asking.toml")
    done = modelwright("resume", "last", "--reject", "s1", "--reason", "not now")
    assert done.returncode == 4
    assert "not now" in done.stderr
    assert modelwright("resume", "last", "--approve").returncode == 2


def test_an_edit_is_asked_again_with_the_new_arguments() -> None:
    modelwright("run", "look at it", "--policy", "asking.toml")
    found = printed(modelwright("resume", "last", "--edit", "s1.max_problems=3", "--json"))
    assert found["pending"]["calls"][0]["args"] == {"dataset": "data.jsonl", "max_problems": 3}
    assert found["plan"]["steps"][0]["sources"]["max_problems"] == "edit"


def test_a_plan_goes_through_a_file_and_back() -> None:
    (Path("p.json")).write_text(modelwright("plan", "look at it", "--json").stdout)
    assert not Path(".modelwright").exists(), "plan writes nothing"
    plan = json.loads(Path("p.json").read_text())
    plan["steps"][0]["args"]["max_problems"] = 2
    Path("p.json").write_text(json.dumps(plan))
    done = printed(modelwright("run", "--plan", "p.json", "--json"))
    assert done["plan"]["steps"][0]["args"]["max_problems"] == 2


def test_a_dry_run_prints_the_table_and_runs_nothing() -> None:
    done = modelwright("run", "look at it", "--dry-run")
    assert done.returncode == 0
    for head in ("step", "tool", "arguments (source)", "seconds", "memory", "disk", "decision"):
        assert head in done.stdout.splitlines()[0]
    assert "dataset=data.jsonl (workspace)" in done.stdout
    assert not Path(".modelwright").exists()


def test_a_call_needs_no_planner() -> None:
    done = modelwright("call", "inspect_dataset", "dataset=data.jsonl", "max_problems=1", "--json")
    found = printed(done)
    assert set(found) == {"run", "tool", "args", "result", "checks"}
    assert found["args"]["max_problems"] == 1


def test_a_spent_budget_ends_with_5_and_a_raised_one_goes_on() -> None:
    plan = {"steps": [{"id": f"s{i}", "tool": "inspect_dataset", "args": {"dataset": "data.jsonl", "max_problems": i}} for i in (1, 2)]}
    Path("p.json").write_text(json.dumps(plan))
    done = modelwright("run", "--plan", "p.json", "--max-steps", "1")
    assert done.returncode == 5
    assert "--max-steps N" in done.stderr
    assert modelwright("resume", "last", "--max-steps", "5").returncode == 0


def test_a_second_process_is_told_who_holds_the_run() -> None:
    modelwright("run", "look at it", "--policy", "asking.toml")
    (lease,) = Path(".modelwright/runs").glob("*/lease")
    with lease.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = modelwright("resume", "last", "--approve")
    assert done.returncode == 2
    assert "is being worked on by process" in done.stderr


def test_trace_show_runs_and_diff_read_what_happened() -> None:
    first = printed(modelwright("run", "look at it", "--json"))["run"]
    second = printed(modelwright("call", "inspect_dataset", "dataset=data.jsonl", "max_problems=9", "--json"))["run"]
    events = [json.loads(line) for line in modelwright("trace", first, "--json").stdout.splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert {
        "run.started",
        "plan.proposed",
        "policy.decision",
        "tool.started",
        "tool.finished",
        "verify.checks",
        "report.written",
        "run.ended",
    } <= {e["type"] for e in events}
    assert "done and verified" in modelwright("show", first).stdout
    assert {r["id"] for r in json.loads(modelwright("runs", "--json").stdout)} == {first, second}
    assert modelwright("diff", first, second).returncode == 0
    assert modelwright("trace", first, "--otel").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", ""], 2, "the request is empty"),
        (["run", "--plan", "missing.json"], 2, "missing.json does not exist"),
        (["run", "--plan", "data.jsonl"], 2, "is not JSON"),
        (["run", "look at it", "--policy", "missing.toml"], 2, "missing.toml"),
        (["run", "look at it", "--model", "gpt.gguf"], 2, "gpt.gguf"),
        (["run", "look at it", "--max-steps", "0"], 2, "max-steps"),
        (["call", "inspct_dataset"], 2, "did you mean inspect_dataset?"),
        (["call", "inspect_dataset", "dataset"], 2, "is not KEY=VALUE"),
        (["call", "inspect_dataset", "--args", "[1]"], 2, "not a JSON object"),
        (["call", "inspect_dataset", "dataset=."], 2, "folder"),
        (["resume", "r0"], 2, ""),
        (["show", "last"], 2, "no runs here"),
        (["rnu", "x"], 2, "did you mean run?"),
        (["tools", "nothing"], 2, "no tool is called"),
    ],
)
def test_bad_input_gets_one_line_and_the_right_code(arguments: list[str], code: int, said: str) -> None:
    done = modelwright(*arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_an_error_is_an_object_with_json() -> None:
    done = modelwright("call", "inspect_dataset", "dataset=nope.jsonl", "--json")
    assert done.returncode == 2
    assert "nope.jsonl" in json.dumps(printed(done))


def test_a_request_may_come_from_stdin() -> None:
    assert modelwright("run", "-", stdin="look at it").returncode == 0


def test_doctor_tells_what_is_there_and_how_to_mend_it() -> None:
    found = json.loads(modelwright("doctor", "--json").stdout)
    assert {"python", "memory", "disk", "extra llama", "built-in model", "C++ compiler"} <= {f["name"] for f in found}
    assert all(f["fix"] for f in found if not f["ok"])


def test_five_lines_of_python_run_a_request_and_read_typed_results() -> None:
    program = """
from modelwright import Agent

run = Agent(".", model="scripted:script.toml").run("look at it")
print(run.status, run.result("s1").usable_rows + 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["done", "5"]
