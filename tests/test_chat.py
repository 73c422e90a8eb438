"""The conversation line by line, as a person at a terminal and a program at a pipe have it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelwright import tools
from modelwright.cli.main import cli

SCRIPT = """
[[plan]]
request = "look at it"
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl" }, sources = { dataset = "workspace" } }]

[[plan]]
request = "look at something"
answers = 0
kind = "question"
question = "Which data set?"
choices = ["data.jsonl", "\\u001b[31mred.jsonl"]

[[plan]]
request = "look at something"
answers = 1
steps = [{ tool = "inspect_dataset", args = { dataset = "data.jsonl" }, sources = { dataset = "answer" } }]

[[plan]]
request = "sing"
kind = "none"
reason = "none of my tools does this: singing"

[[plan]]
request = "work long"
steps = [{ tool = "slow_tool", args = { seconds = 60 }, sources = { seconds = "request" } }]
"""
ASKING = 'version = 1\n[[rule]]\nid = "all-asked"\nwhy = "a test asks for everything"\ndecide = "ask"\ntools = ["*"]\n'
SLOW = '''
import time
from modelwright import Effect, Estimate, ToolArgs, ToolContext, ToolResult, tool


class Args(ToolArgs):
    seconds: float


@tool(effects=[Effect.READS_FILES], example={"seconds": 1}, estimate=lambda args, workspace: Estimate(seconds=1))
def slow_tool(args: Args, ctx: ToolContext) -> ToolResult:
    """Wait."""
    (ctx.workspace / "begun").touch()
    if not (ctx.workspace / "hurry").exists():
        time.sleep(args.seconds)
    return ToolResult(summary="waited")
'''


@pytest.fixture(autouse=True)
def files(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    rows = [{"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": f"{i}."}]} for i in range(4)]
    (workspace / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (workspace / "script.toml").write_text(SCRIPT)
    (workspace / "asking.toml").write_text(ASKING)
    info = tmp_path / "site" / "slow_tools-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "slow_tools.py").write_text(SLOW)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-tools\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modelwright.tools]\nslow_tool = slow_tools:slow_tool\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[1])]))
    monkeypatch.setenv("MODELWRIGHT_MODEL", "scripted:script.toml")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    tools._installed.cache_clear()
    yield
    tools._installed.cache_clear()


COMMAND = [sys.executable, "-m", "modelwright", "chat", "--plain", "--session", "t"]


def chat(*lines: str, options: tuple[str, ...] = ()) -> Result:
    """A conversation over a pipe, in this process: starting another takes two seconds."""
    return CliRunner().invoke(cli, [*COMMAND[3:], *options], input="".join(line + "\n" for line in lines))


def killed_at(point: str, *lines: str) -> None:
    fed = "".join(line + "\n" for line in lines)
    env = {**os.environ, "MODELWRIGHT_FAULT": point}
    done = subprocess.run(COMMAND, input=fed, capture_output=True, text=True, check=False, env=env, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr


def begun(path: str = "begun") -> None:
    """Wait until the slow tool works."""
    deadline = time.monotonic() + 60
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert Path(path).exists()


# over a pipe -----------------------------------------------------------------------------------------------------------


def test_a_pipe_plans_asks_runs_and_answers() -> None:
    done = chat("look at it", "a", "why?", options=("--policy", "asking.toml"))
    assert done.exit_code == 0, done.stderr
    assert "s1 inspect_dataset: data.jsonl: chat, 4 usable rows" in done.stdout
    assert "dataset from workspace" in done.stdout, "the answer to why"
    assert "dataset=data.jsonl (workspace)" in done.stderr, "the plan's table"
    assert "[a]llow" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("lines", "code"),
    [(["sing"], 2), (["look at it"], 0), (["sing", "look at it"], 0), (["look at it", "sing"], 2), ([], 0), (["", "  "], 0)],
)
def test_the_end_of_input_ends_it_with_the_code_of_the_last_turn(lines: list[str], code: int) -> None:
    assert chat(*lines).exit_code == code


def test_a_question_is_answered_by_number_or_text() -> None:
    done = chat("look at something", "1", "look at something", "data.jsonl")
    assert done.exit_code == 0
    assert done.stdout.count("4 usable rows") == 2
    assert "\x1b" not in done.stderr


def test_a_turn_of_its_own_at_a_question_is_taken_and_the_question_can_still_be_answered() -> None:
    done = chat("look at something", "help", "look at something", "what did you do so far?")
    assert "again with rank 32" in done.stdout
    assert done.stderr.count("the question is dropped") == 2
    run = re.search(r"modelwright resume (\S+) --answer", done.stderr)
    assert run
    answered = CliRunner().invoke(cli, ["resume", run[1], "--answer", "data.jsonl"])
    assert answered.exit_code == 0, answered.stderr


@pytest.mark.parametrize("said", ["never mind", "cancel", "stop"])
def test_a_question_that_is_not_wanted_any_more_ends_its_run(said: str) -> None:
    done = chat("look at something", said, "go on")
    assert "the question is dropped" in done.stderr
    assert "rejected by you" in done.stderr
    assert "nothing was left unfinished" in done.stdout
    run = re.search(r"modelwright resume (\S+) --answer", done.stderr)
    assert run
    assert CliRunner().invoke(cli, ["resume", run[1], "--answer", "data.jsonl"]).exit_code == 0


def test_words_that_point_to_a_listed_answer_choose_it_and_go_on_asks_again() -> None:
    done = chat("look at something", "go on", "the first one")
    assert (done.exit_code, done.stdout.count("4 usable rows")) == (0, 1)
    assert done.stderr.count("Which data set?") == 2


def test_input_that_ends_at_a_question_leaves_it_open_and_the_next_chat_asks_it() -> None:
    assert chat("look at something").exit_code == 3
    done = chat("y", "data.jsonl")
    assert (done.exit_code, "4 usable rows" in done.stdout) == (0, True)
    assert "waits for you" in done.stderr


def test_input_that_ends_at_an_approval_leaves_the_run_waiting() -> None:
    assert chat("look at it", options=("--policy", "asking.toml")).exit_code == 4


def test_a_call_can_be_edited_refused_and_shown() -> None:
    done = chat("look at it", "show", "e s1.max_problems=3", "a", options=("--policy", "asking.toml"))
    assert (done.exit_code, "max_problems = 3   from edit" in done.stderr) == (0, True)
    refused = chat("look at it", "reject s1 not today", "why?", options=("--policy", "asking.toml"))
    assert "s1 was rejected: not today" in refused.stdout


def test_words_at_a_plan_that_waits_change_it(workspace: Path) -> None:
    (workspace / "other.jsonl").write_text((workspace / "data.jsonl").read_text())
    options = ("--policy", "asking.toml")
    done = chat("look at it", "no, with the other file other.jsonl", "a", options=options)
    assert (done.exit_code, "dataset = other.jsonl   from edit" in done.stderr) == (0, True)
    assert "s1 inspect_dataset: other.jsonl: chat" in done.stdout
    unclear = chat("look at it", "no, with gone.jsonl", "evaluate builtin on data.jsonl", "no", options=options)
    assert "not understood: gone.jsonl does not exist" in unclear.stderr
    assert "not understood: answer this first" in unclear.stderr
    assert "s1 was rejected" in unclear.stderr
    assert "error" not in unclear.stderr
    assert "rejected by you" in unclear.stderr


def test_a_yes_in_words_is_told_what_allows_and_a_question_is_answered_from_the_plan() -> None:
    done = chat("look at it", "yes", "how long will it take?", "a", options=("--policy", "asking.toml"))
    assert "words allow nothing: type a to allow it" in done.stderr
    assert "s1 inspect_dataset: about" in done.stderr
    assert done.stdout.count("4 usable rows") == 1


def test_go_on_in_a_new_session_goes_on_with_what_another_one_left() -> None:
    assert chat("look at it", options=("--policy", "asking.toml")).exit_code == 4
    other = CliRunner().invoke(cli, ["chat", "--plain", "--session", "other"], input="go on\na\n")
    assert (other.exit_code, "4 usable rows" in other.stdout) == (0, True)


def test_an_error_ends_the_turn_and_not_the_conversation() -> None:
    done = chat("\x00", "x" * 30_000, "look at it")
    assert done.exit_code == 0
    assert "control character" in done.stderr
    assert "at most 20000" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_utf8_is_said_to_be_so() -> None:
    done = subprocess.run(COMMAND, input=b"look \xff\nlook at it\n", capture_output=True, check=False, timeout=120)
    assert (done.returncode, b"not UTF-8" in done.stderr) == (0, True)


def test_help_and_tools_are_there_from_the_start() -> None:
    done = chat("help", "what can you do?", "exit", "look at it")
    assert "again with rank 32" in done.stdout
    assert "slow_tool" in done.stdout
    assert "usable rows" not in done.stdout, "exit ends it"


def test_a_kill_in_the_middle_of_a_run_is_offered_to_be_gone_on_with() -> None:
    killed_at("node.verify", "look at it")
    done = chat("y", "what did you do?")
    assert "was cut off" in done.stderr
    assert (done.exit_code, done.stdout.count("4 usable rows")) == (0, 2), done.stderr


def test_a_run_that_was_cut_can_be_left_alone() -> None:
    killed_at("node.execute", "look at it")
    done = chat("n", "help")
    assert (done.exit_code, "usable rows" in done.stdout) == (0, False)


def test_what_was_cut_is_ended_by_words_also_when_it_has_no_plan_yet() -> None:
    for point in ("node.execute", "node.plan"):
        killed_at(point, "look at it")
        done = chat("n", "cancel it", "go on")
        assert "nothing was left unfinished" in done.stdout, done.stdout + done.stderr
        assert "usable rows" not in done.stdout


def test_how_far_a_cut_run_is_starts_nothing() -> None:
    killed_at("node.execute", "look at it")
    done = chat("n", "how far did it get?", "hi", "no never mind", "thanks!")
    assert "s1 inspect_dataset: not begun" in done.stdout
    assert "say what you want done" in done.stdout
    assert "nothing waits for an answer" in done.stdout
    assert "usable rows" not in done.stdout


def test_a_no_with_never_mind_behind_it_refuses_and_asks_for_nothing_else() -> None:
    done = chat("look at it", "no never mind", options=("--policy", "asking.toml"))
    assert done.stderr.count("rejected by you") == 1
    assert "nothing was done" not in done.stderr


def test_a_real_kill_of_a_working_tool_is_offered_to_be_gone_on_with() -> None:
    talking = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert talking.stdin
    talking.stdin.write("work long\n")
    talking.stdin.flush()
    begun()
    talking.kill()
    talking.communicate()
    Path("hurry").touch()
    done = chat("y")
    assert "was cut off at s1 slow_tool" in done.stderr
    assert (done.exit_code, "s1 slow_tool: waited" in done.stdout) == (0, True), done.stderr


def test_ctrl_c_stops_the_run_and_not_the_conversation() -> None:
    talking = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert talking.stdin
    talking.stdin.write("work long\n")
    talking.stdin.flush()
    begun()
    talking.send_signal(signal.SIGINT)
    Path("hurry").touch()
    said, story = talking.communicate("go on\nlook at it\n", timeout=60)
    assert talking.returncode == 0, story
    assert "interrupted" in story
    assert "s1 slow_tool: waited" in said
    assert "4 usable rows" in said


def test_a_termination_signal_ends_the_conversation_and_the_run_can_be_gone_on_with() -> None:
    talking = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert talking.stdin
    talking.stdin.write("work long\n")
    talking.stdin.flush()
    begun()
    talking.terminate()
    _, story = talking.communicate(timeout=60)
    assert talking.returncode == 130, story
    assert "Traceback" not in story
    Path("hurry").touch()
    assert chat("y").exit_code == 0


# on a terminal ---------------------------------------------------------------------------------------------------------


class Terminal:
    """A program on a pseudo-terminal; `until` reads what it shows."""

    def __init__(self, *command: str, **variables: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**os.environ, "TERM": "dumb", **variables})
        self.shown, self._read = "", 0

    def until(self, text: str, seconds: float = 60) -> None:
        """Wait for `text` behind what was waited for before."""
        deadline = time.monotonic() + seconds
        while text not in self.shown[self._read :]:
            assert time.monotonic() < deadline, self.shown
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self.fd, 4096).decode()
                except OSError:
                    break
        assert text in self.shown[self._read :], self.shown
        self._read = self.shown.index(text, self._read) + len(text)

    def interrupt(self, text: str) -> None:
        """Ctrl-C until `text` is shown: one between the prompt and the reading behind it waits for the next key (readline's select)."""
        for _ in range(10):
            self.type("\x03")
            try:
                return self.until(text, 6)
            except AssertionError:
                continue
        raise AssertionError(self.shown)

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def ended(self) -> int:
        while True:
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_dumb_terminal_shows_prompt_plan_and_outcome_without_escapes() -> None:
    terminal = Terminal(*COMMAND, "--policy", "asking.toml")
    terminal.until("> ")
    terminal.type("look at it\n")
    terminal.until("empty to decide later: ")
    terminal.type("all\n")
    terminal.until("done and verified")
    terminal.until("> ")
    terminal.interrupt("Ctrl-D ends the conversation")
    terminal.until("> ")
    terminal.type("\x04")
    assert terminal.ended() == 0
    assert "4 usable rows" in terminal.shown
    assert "allowed for the rest of the run" in terminal.shown
    assert not re.search(r"\x1b\[[0-9;]*[A-HJKSTfm]", terminal.shown)


def test_a_plain_modelwright_on_a_terminal_is_a_conversation() -> None:
    terminal = Terminal(sys.executable, "-m", "modelwright")
    terminal.until("Say what you want")
    terminal.type("\x11")  # Ctrl-Q
    assert terminal.ended() == 0
    assert "session s" in terminal.shown


def test_a_plain_modelwright_at_a_pipe_is_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "modelwright"], capture_output=True, text=True, check=False)
    assert (done.returncode, "Commands:" in done.stdout) == (0, True)
