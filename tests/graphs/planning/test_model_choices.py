"""Where a model is asked for, those of the folder and of its runs are offered, each with where it is from."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modelwright import tools
from modelwright.agent.followups.things import made_models
from modelwright.agent.session import Agent
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.questions import likely_models
from modelwright.workspace import Workspace
from tests.agent import past_runs

MADE = ".modelwright/runs/r261122-k7f2/s1/tuned-Q6_K.gguf"


def a_model(workspace: Path, name: str, age: int) -> str:
    """A file of this many seconds."""
    path = workspace / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF")
    os.utime(path, (1_795_000_000 - age, 1_795_000_000 - age))
    return name


@pytest.fixture
def db(workspace: Path) -> Iterator[sqlite3.Connection]:
    with closing(Workspace(workspace).connect()) as opened:
        yield opened


def test_the_newest_come_first_and_each_says_where_it_is_from(workspace: Path) -> None:
    a_model(workspace, "old.gguf", 900)
    a_model(workspace, MADE, 100)
    a_model(workspace, "models/new.gguf", 10)
    assert likely_models(workspace, made={MADE: "quantize, run r261122-k7f2"}) == [
        "models/new.gguf (in this folder)",
        f"{MADE} (quantize, run r261122-k7f2)",
        "old.gguf (in this folder)",
        "builtin (comes with modelwright)",
    ]


def test_six_are_offered_and_the_built_in_is_always_one_of_them(workspace: Path) -> None:
    for n in range(9):
        a_model(workspace, f"m{n}.gguf", n)
    found = likely_models(workspace)
    assert [name.split()[0] for name in found] == ["m0.gguf", "m1.gguf", "m2.gguf", "m3.gguf", "m4.gguf", "builtin"]


def test_an_old_one_that_is_nearest_to_what_was_named_is_offered_first(workspace: Path) -> None:
    for n in range(9):
        a_model(workspace, f"m{n}.gguf", n)
    a_model(workspace, "larkfield.gguf", 900)
    assert likely_models(workspace, "larkfeld.gguf")[0] == "larkfield.gguf (in this folder)"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_each_answer_as_it_is_listed_is_the_model(workspace: Path, at: int) -> None:
    a_model(workspace, "my model.gguf", 5)
    a_model(workspace, MADE, 10)
    planner = Planner(None, tools.load_all(), workspace, made=lambda: {MADE: "quantize from builtin, run r261122-k7f2"})
    asked = planner.plan("evaluate it")
    assert asked.question == "Which model should be evaluated?"
    model = planner.plan("evaluate it on some data", [asked.choices[at]])
    (workspace / "eval.jsonl").write_text("{}\n")
    planned = planner.plan("evaluate it on eval.jsonl", [asked.choices[at]])
    assert model.kind == "question"
    assert planned.steps[0].args["model"] == ["my model.gguf", MADE, "builtin"][at]


def test_what_runs_of_the_folder_made_is_known_with_its_run(db: sqlite3.Connection, workspace: Path) -> None:
    a_model(workspace, "tuned-Q8_0.gguf", 5)
    tuned = past_runs.write_run(db, "tune", past_runs.finetune(workspace))
    packed = past_runs.write_run(db, "quantize it", past_runs.quantize(workspace, model="tuned"))
    past_runs.write_run(db, "export it", past_runs.export(workspace, model="tuned", name="gone.gguf"))
    assert made_models(Workspace(workspace)) == {
        "tuned": f"finetune, run {tuned.run.id}",
        "tuned-Q8_0.gguf": f"quantize, run {packed.run.id}",
    }


def test_a_folder_without_runs_has_made_nothing(workspace: Path) -> None:
    assert made_models(Workspace(workspace)) == {}
    assert not (workspace / ".modelwright").exists()


def test_the_agent_offers_what_its_runs_made(db: sqlite3.Connection, workspace: Path) -> None:
    folder = workspace / ".modelwright" / "runs" / "r261122-k7f2"
    folder.mkdir(parents=True)
    run = past_runs.write_run(db, "tune", past_runs.finetune(folder, "adapter")).run.id
    (workspace / "s.toml").write_text("choices = []\n")
    (workspace / "eval.jsonl").write_text('{"prompt": "q", "completion": "a"}\n')
    plan = Agent(workspace, model="scripted:s.toml").plan("evaluate it on eval.jsonl")
    assert plan.choices[0] == f".modelwright/runs/r261122-k7f2/adapter (finetune, run {run})"
