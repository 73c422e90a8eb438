"""What a person gives on the command line, as a call or as a plan, has to be there before a run is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from modelwright.agent.editing import assessed, problem_of
from modelwright.agent.session import Agent
from modelwright.cli import main as cli
from modelwright.errors import BadRequest, PlanError

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def files(workspace: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": f"a {n}"}]} for n in range(4)]
    (workspace / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def modelwright(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, list(arguments))


def plan_of(*steps: tuple[str, Json]) -> Json:
    made = [{"id": f"s{n}", "tool": tool, "args": args, "sources": {}} for n, (tool, args) in enumerate(steps, 1)]
    return {"request": "x", "kind": "plan", "steps": made}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["quantize", "model=nothere.gguf"], "quantize.model: no model 'nothere.gguf'"),
        (["quantize", "model=builtin", "types=Q8_9"], "'Q8_9' is no quantization type; did you mean Q8_0?"),
        (["quantize", "model=builtin", "types=whatever"], "there are Q8_0"),
        (["quantization_quality", "model=builtin", "kv_cache_types=q8_9"], "'q8_9' is no type of the KV cache; did you mean q8_0?"),
        (["memory_fit", "model=llama-3-8b", "quantization=Q8_9"], "'Q8_9' is no type of weights; did you mean Q8_0?"),
        (["memory_fit", "model=lama-3-8b"], "did you mean Llama-3-8B"),
        (["inspect_dataset", "dataset=trian.jsonl"], "inspect_dataset.dataset: no file trian.jsonl"),
    ],
)
def test_a_call_that_names_what_is_not_there_ends_before_a_run_is_made(workspace: Path, arguments: list[str], says: str) -> None:
    done = modelwright("call", *arguments, "--yes")
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) <= 2, "one line, and how to mend it"
    assert not (workspace / ".modelwright").exists(), "no run, no report"


def test_a_call_that_names_what_is_there_runs() -> None:
    assert modelwright("call", "inspect_dataset", "dataset=train.jsonl").exit_code == 0


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_plan_from_a_file_is_refused_the_same_way(workspace: Path, more: list[str]) -> None:
    Path("p.json").write_text(
        json.dumps(plan_of(("inspect_dataset", {"dataset": "train.jsonl"}), ("evaluate", {"model": "gone.gguf", "dataset": "train.jsonl"})))
    )
    done = modelwright("run", "--plan", "p.json", *more)
    assert (done.exit_code, "s2.model: no model 'gone.gguf'" in done.stderr) == (2, True)
    assert not (workspace / ".modelwright").exists()


def test_python_meets_the_same_errors(workspace: Path) -> None:
    with pytest.raises(BadRequest, match="no file trian"):
        Agent(workspace).call("inspect_dataset", {"dataset": "trian.jsonl"})
    with pytest.raises(PlanError, match=r"s1\.dataset: no file trian"):
        Agent(workspace).run(plan=plan_of(("inspect_dataset", {"dataset": "trian.jsonl"})))


def test_an_edited_plan_is_refused_with_step_and_field(workspace: Path) -> None:
    quantize = ("quantize", {"model": "builtin", "types": ["Q4_K_M"], "output": "small"})
    measured = ("evaluate", {"model": "small/made.gguf", "dataset": "train.jsonl"})
    assert assessed(plan_of(quantize, measured), workspace, None)["steps"][1]["decision"]
    with pytest.raises(PlanError, match=r"s1\.model: no model 'small/made\.gguf'"):
        assessed(plan_of(measured), workspace, None)  # the step that writes it was taken out
    with pytest.raises(PlanError, match="no quantization type"):
        assessed(plan_of(("quantize", {"model": "builtin", "types": ["Q8_9"]})), workspace, None)


def test_a_form_is_told_the_field(workspace: Path) -> None:
    plan = plan_of(("quantize", {"model": "builtin"}), ("inspect_dataset", {"dataset": "gone.jsonl"}))
    assert problem_of(plan, "s1", {}, workspace) == ("", "")
    assert problem_of(plan, "s1", {"types": ["Q8_9"]}, workspace)[0] == "types"
    assert problem_of(plan, "s1", {"model": "gone.gguf"}, workspace)[0] == "model"
    assert problem_of(plan, "s2", {}, workspace)[0] == "dataset"
