"""A request that no tool serves: what comes nearest, in three short lines, and no report of nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelwright import tools
from modelwright.agent.ending import SHORT_LINE, closing_lines, full_text, nearest
from modelwright.agent.results import RunResult, StepResult
from modelwright.cli.main import cli
from modelwright.graphs.planning.consult import Consult
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.planner import Planner
from modelwright.types import Plan, Spent

WHY = "none of my tools does this"


def nothing(*near: str) -> RunResult:
    plan = Plan(kind="none", reason=WHY, choices=list(near))
    error = {"type": "NothingFits", "message": WHY, "fix": ""}
    return RunResult("r261122-k7f2", "nothing", 2, plan, [], Path("report.html"), Spent(), error)


def test_three_short_lines_say_why_what_is_nearest_and_where_all_is_listed() -> None:
    closing = closing_lines(nothing("fine-tune a model", "compare tokenizers"))
    assert closing.data == [], "nothing to report"
    assert closing.narration == [
        "nothing was done: none of my tools does this",
        "  nearest: fine-tune a model; compare tokenizers",
        "  all tools: modelwright tools",
    ]
    assert "compare tokenizers" in full_text(nothing("fine-tune a model", "compare tokenizers"))


def test_as_many_of_the_nearest_are_named_as_fit_into_a_line() -> None:
    deeds = ["measure how well search finds the right passages", "find passages in documents", "a" * 20]
    assert nearest(deeds) == "nearest: measure how well search finds the right passages"
    assert nearest(deeds, 10) == "nearest: measure how well search finds the right passages", "one always"
    assert nearest([]) == ""
    said = nearest([lexicon().of(tool).does for tool in tools.load_all().values()])
    assert len(said) <= SHORT_LINE
    assert ";" in said


def test_a_report_is_offered_once_a_step_has_run() -> None:
    def closing(status: str) -> list[str]:
        steps = [StepResult("s1", "finetune", status)]
        return closing_lines(RunResult("r", "failed", 1, None, steps, Path("report.html"), Spent())).data

    assert closing("pending") == []
    assert closing("failed") == ["report: report.html"]


def test_the_tools_with_most_words_in_common_are_nearest() -> None:
    consult = Consult(None, tools.load_all(), lambda call: None, lambda stage, value: None)
    assert "fine-tune a model" in consult.nearest("merge two LoRA adapters and email them")
    assert len(consult.nearest("merge two LoRA adapters and email them")) <= 3
    assert consult.nearest("sing") == [], "nothing is near"


def test_the_planner_says_what_it_would_take_and_not_all_that_it_can(workspace: Path) -> None:
    plan = Planner(None, tools.load_all(), workspace).plan("roll it out on kubernetes with helm")
    assert (plan.kind, plan.reason) == ("none", f"{WHY}; it would take one for deployment")
    assert len(plan.choices) <= 3


def test_a_conversation_line_by_line_says_it_in_three_lines(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "script.toml").write_text(
        f'[[plan]]\nrequest = "sing"\nkind = "none"\nreason = "{WHY}"\nchoices = ["fine-tune a model"]\n'
    )
    monkeypatch.setenv("MODELWRIGHT_MODEL", "scripted:script.toml")
    done: Result = CliRunner().invoke(cli, ["chat", "--plain", "--session", "t"], input="sing\n")
    assert done.exit_code == 2
    assert "report" not in done.stdout
    lines = done.stderr.splitlines()
    at = lines.index(f"nothing was done: {WHY}")
    assert lines[at + 1 : at + 3] == ["  nearest: fine-tune a model", "  all tools: modelwright tools"]
    assert not [line for line in lines[at + 3 :] if line.strip("> ")]
    kept = json.loads(CliRunner().invoke(cli, ["sessions", "show", "t", "--json"]).stdout)["turns"][0]["answer"]
    assert len(kept.splitlines()) == 3
