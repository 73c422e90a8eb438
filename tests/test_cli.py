"""The command line as a script sees it: stdout is data, stderr narration, exit codes tell how it ended."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from modelwright import tools
from modelwright.agent.lease import lease
from modelwright.agent.results import RunResult, StepResult
from modelwright.agent.session import Agent
from modelwright.cli import main as cli
from modelwright.cli.input import call_arguments, read_plan_file
from modelwright.errors import BadRequest
from modelwright.graphs.plancheck import check, read_plan
from modelwright.tooldoc import command
from modelwright.types import Spent

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


def modelwright(*arguments: str | bytes, stdin: str | bytes = "", **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MODELWRIGHT_MODEL": "scripted:script.toml", **variables}
    fed = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "modelwright", *arguments], capture_output=True, input=fed, env=env, check=False, timeout=120
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


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


def test_a_call_that_was_planned_anew_names_the_tool_that_really_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    result = tools.load("inspect_dataset").result.model_construct(summary="looked")
    ran = StepResult("s1", "inspect_dataset", "done", result=result, args={"dataset": "data.jsonl"})
    monkeypatch.setattr(Agent, "call", lambda *_, **__: RunResult("r1", "done", 0, None, [ran], None, Spent()))
    found = json.loads(CliRunner().invoke(cli.cli, ["call", "evaluate", "dataset=data.jsonl", "model=builtin", "--json"]).stdout)
    assert (found["tool"], found["args"]) == ("inspect_dataset", {"dataset": "data.jsonl"})


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
        (["run", "look at it", "--max-seconds", "nan"], 2, "nan is not a number to work with"),
        (["run", b"look at \xff"], 2, "the request is not UTF-8 text"),
        (["run", "x" * 20_001], 2, "more than 20000 characters"),
        (["call", "inspect_dataset", "dataset=" + "d" * 5000], 2, "too long for a path"),
        (["call", "inspect_dataset", b"dataset=\xff.jsonl"], 2, "not Unicode"),
        (["call", "inspect_dataset", "dataset=~nobody-here/x"], 2, "there is no home folder for '~nobody-here/x'"),
        (["call", "evaluate", "dataset=data.jsonl", "model=" + "m" * 5000], 2, "too long for a path"),
        (["call", "inspect_dataset", "--args", "[" * 100_000], 2, "--args is not JSON"),
        (["run", "look at it", "--model", "m" * 5000], 2, "no model"),
    ],
)
def test_bad_input_gets_one_line_and_the_right_code(arguments: list[str | bytes], code: int, said: str) -> None:
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"plan": null}', "does not hold a plan"),
        ('{"plan": []}', "does not hold a plan"),
        ("[" * 100_000, "nested too deep"),
        ('{"steps": [{"id": "s1", "tool": "inspect_dataset", "args": {"dataset": ' + "[" * 60 + "]" * 60 + "}}]}", "levels deep"),
        ('{"steps": [{"id": "s1", "tool": "inspect_dataset", "args": {"dataset": "data.jsonl", "max_problems": NaN}}]}', "holds nan"),
        ('{"steps": [{"id": "s1", "tool": "inspect_dataset", "args": {"dataset": "a\\ud800"}}]}', "not Unicode"),
        ('{"request": "\\ud800", "steps": []}', "not Unicode"),
    ],
)
def test_a_plan_that_cannot_be_one_gets_one_line(text: str, said: str) -> None:
    Path("p.json").write_text(text)
    with pytest.raises(BadRequest) as caught:
        check(read_plan(read_plan_file("p.json")), {"inspect_dataset": tools.load("inspect_dataset")})
    assert said in caught.value.message


@pytest.mark.parametrize("option", ["--max-seconds", "--max-cost"])
@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_bound_is_a_finite_number(option: str, text: str) -> None:
    with pytest.raises(click.BadParameter):
        cli.cli(["run", "look at it", option, text], standalone_mode=False)


def test_a_request_on_stdin_is_refused_when_it_is_too_long_or_not_utf8() -> None:
    assert "more than 20000 characters" in modelwright("run", "-", stdin="é" * 60_000).stderr
    done = modelwright("run", "-", stdin=b"look \xff")
    assert (done.returncode, "the request on stdin is not UTF-8" in done.stderr) == (2, True)


def test_a_usage_error_is_an_object_with_json() -> None:
    assert "max-steps" in printed(modelwright("run", "look at it", "--max-steps", "0", "--json"))["error"]["message"]


def test_nothing_that_is_printed_holds_a_secret_or_a_terminal_escape() -> None:
    secret, escape = "sk-" + "a1" * 12, "\x1b]0;gone\x07\x9b31m"
    plan = {"request": f"with {secret} {escape}", "steps": [{"id": "s1", "tool": "inspect_dataset", "args": {"dataset": "data.jsonl"}}]}
    Path("p.json").write_text(json.dumps(plan))
    Path("modelwright.toml").write_text('model = "scripted:script.toml"\n')
    commands = [
        ["run", "--plan", "p.json", "--json"],
        ["run", "--plan", "p.json", "--dry-run"],
        ["show", "last"],
        ["show", "last", "--json"],
        ["runs"],
        ["runs", "--json"],
        ["call", "inspect_dataset", f"dataset={secret}{escape}"],
    ]
    told = [CliRunner().invoke(cli.cli, arguments).output for arguments in commands]
    usage = modelwright(f"{secret}{escape}")
    for text in [*told, usage.stdout + usage.stderr]:
        assert text.strip()
        assert secret not in text
        assert "\x1b" not in text
        assert "\x9b" not in text


def test_an_edit_takes_values_as_call_does_and_names_a_step_of_the_plan() -> None:
    modelwright("run", "look at it", "--policy", "asking.toml")
    (Path("2024")).write_text(Path("data.jsonl").read_text())
    found = printed(modelwright("resume", "last", "--edit", "s1.dataset=2024", "--json"))
    assert found["pending"]["calls"][0]["args"]["dataset"] == "2024"
    done = modelwright("resume", "last", "--reject", "s7")
    assert (done.returncode, "there is no step 's7'" in done.stderr) == (2, True)
    assert "waits" in modelwright("show", "last").stdout


def test_resume_creates_nothing_where_nothing_was_run() -> None:
    done = modelwright("resume", "last")
    assert (done.returncode, Path(".modelwright").exists()) == (2, False)
    assert "no runs here" in done.stderr


def test_what_nobody_expected_is_one_line_and_a_story_in_a_file() -> None:
    modelwright("run", "look at it")
    with sqlite3.connect(".modelwright/modelwright.db") as db:
        db.execute("update runs set options = 'not JSON'")
    done = modelwright("runs", "--json")
    assert done.returncode == 1
    assert printed(done)["error"]["message"].startswith("JSONDecodeError")
    assert "this is a defect of modelwright" in done.stderr
    assert "Traceback" in Path(".modelwright/errors.log").read_text()


def test_damaged_records_are_named_with_what_to_do() -> None:
    modelwright("run", "look at it")
    with sqlite3.connect(".modelwright/modelwright.db") as db:
        db.execute("alter table runs rename column created to made")
    done = modelwright("show", "last")
    assert done.returncode == 1
    assert ".modelwright cannot be used" in done.stderr
    assert "modelwright doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_goes_on_without_results_that_no_longer_fit() -> None:
    run = printed(modelwright("run", "look at it", "--json"))["run"]
    with sqlite3.connect(".modelwright/modelwright.db") as db:
        db.execute('update ledger set result = \'{"of": "another version"}\'')
    found = printed(modelwright("show", run, "--json"))
    assert (found["status"], found["steps"][0]["status"], found["steps"][0]["result"]) == ("done", "done", None)


def test_a_closed_terminal_ends_it_like_a_termination_signal() -> None:
    agent = subprocess.Popen([sys.executable, "-m", "modelwright", "run", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    status = Path(f"/proc/{agent.pid}/status")
    deadline = time.monotonic() + 60
    while not _catches(status, signal.SIGHUP) and time.monotonic() < deadline:
        time.sleep(0.01)
    agent.send_signal(signal.SIGHUP)
    _, narration = agent.communicate(timeout=60)
    assert agent.returncode == 130
    assert "interrupted" in narration


def _catches(status: Path, sign: signal.Signals) -> bool:
    caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (sign - 1) & 1)


@pytest.fixture
def broken_plugin(tmp_path: Path) -> str:
    site = tmp_path / "site"
    info = site / "broken_tools-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "broken_tools.py").write_text("raise RuntimeError('made for another version')\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-tools\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modelwright.tools]\nbroken = broken_tools:broken\nquantize = broken_tools:quantize\n")
    return os.pathsep.join([str(site), str(Path(__file__).parents[1])])


def test_a_broken_plug_in_stops_only_itself(broken_plugin: str) -> None:
    assert modelwright("run", "look at it", PYTHONPATH=broken_plugin).returncode == 0
    listed = modelwright("tools", PYTHONPATH=broken_plugin)
    assert "quantize" in listed.stdout
    assert "broken" not in listed.stdout
    named = modelwright("call", "broken", PYTHONPATH=broken_plugin)
    assert named.returncode == 2
    assert "broken-tools cannot be loaded: RuntimeError: made for another version" in named.stderr
    assert "pip uninstall broken-tools" in named.stderr
    found = {f["name"]: f for f in json.loads(modelwright("doctor", "--json", PYTHONPATH=broken_plugin).stdout)}
    assert (found["tool broken"]["ok"], found["tool quantize"]["ok"]) == (False, False)


@pytest.mark.parametrize("arguments", [["tools"], ["tools", "rag_answer"], ["doctor"], ["models", "--no-check"], ["plan", "look at it"]])
def test_the_width_of_the_terminal_is_kept(arguments: list[str]) -> None:
    lines = modelwright(*arguments, COLUMNS="60").stdout.splitlines()
    assert max(len(line) for line in lines if not line.startswith(("example:", "effects:"))) <= 60


def test_doctor_ends_with_2_when_the_settings_cannot_be_read() -> None:
    assert modelwright("doctor").returncode == 0
    Path("modelwright.toml").write_text("model = builtin")
    done = modelwright("doctor", "--json")
    assert done.returncode == 2
    assert {f["name"]: f for f in json.loads(done.stdout)}["settings"]["fix"]


def test_a_killed_run_is_interrupted_and_says_how_to_go_on() -> None:
    run = printed(modelwright("run", "look at it", "--json"))["run"]
    with sqlite3.connect(".modelwright/modelwright.db") as db:
        db.execute("update runs set status = 'running', spent = null")
        db.execute("update events set time = 1000 + 100 * (seq = (select max(seq) from events))")
    listed = modelwright("runs").stdout
    assert f"interrupted: modelwright resume {run}" in listed
    assert "1:40 min" in listed
    with lease(Path(".modelwright/runs") / run, run):
        (row,) = printed(modelwright("runs", "--json"))
        assert row["status"] == "running"
    assert printed(modelwright("runs", "--json"))[0]["status"] == "interrupted"


def test_a_run_killed_in_the_middle_is_shown_as_interrupted() -> None:
    modelwright("run", "look at it", MODELWRIGHT_FAULT="execute.after_effect")
    shown = modelwright("show", "last")
    assert "interrupted (" in shown.stdout
    assert "go on: modelwright resume" in shown.stdout
    with lease(Path(".modelwright/runs") / printed(modelwright("show", "last", "--json"))["run"], "it"):
        assert "is running (" in modelwright("show", "last").stdout


def test_the_example_of_every_tool_can_be_pasted() -> None:
    for name in tools.names():
        tool = tools.load(name)
        words = shlex.split(command(name, tool.example))
        assert words[:3] == ["modelwright", "call", name]
        assert call_arguments(name, tuple(words[3:]), None) == tool.example


def test_a_missing_policy_file_is_said_in_plain_words() -> None:
    done = modelwright("run", "look at it", "--policy", "nope.toml")
    assert done.returncode == 2
    assert "nope.toml does not exist" in done.stderr
