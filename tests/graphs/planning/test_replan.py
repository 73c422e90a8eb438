"""After a failure: rules that know another way, on the real graph with scripted tools; and the mending of plans that do not check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field

from modelwright.contract import Tool, ToolContext, tool
from modelwright.errors import BadRequest, DataError, ToolFailed, TrainingFailed
from modelwright.graphs.plancheck import check
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.questions import Answers, OpenQuestion
from modelwright.graphs.planning.repair import repaired
from modelwright.types import DatasetPath, Effect, Estimate, ModelRef, OutputPath, Plan, Step, ToolArgs, ToolResult
from tests.graphs.toys import FixedPolicy, Harness, steps


class ExportArgs(ToolArgs):
    model: ModelRef
    format: Literal["gguf", "hf"] = "gguf"
    dtype: Literal["f16", "bf16"] = "f16"


class ModelResult(ToolResult):
    model: ModelRef = "made.gguf"


class QuantizeArgs(ToolArgs):
    model: ModelRef
    types: list[str] = Field(default_factory=lambda: ["Q8_0"])
    imatrix_dataset: DatasetPath | None = None


class TrainArgs(ToolArgs):
    model: ModelRef = "builtin"
    dataset: DatasetPath
    batch_size: int = Field(4, ge=1)
    learning_rate: float | None = None
    output: OutputPath | None = None


class AlignArgs(ToolArgs):
    dataset: DatasetPath
    method: Literal["dpo"] = "dpo"


def quick(args: Any, workspace: Path) -> Estimate:
    return Estimate()


@tool(effects=[Effect.COMPUTES], example={"model": "a"}, estimate=quick)
def export_model(args: ExportArgs, ctx: ToolContext) -> ModelResult:
    """Export."""
    if args.model == "huge" and args.dtype == "f16":
        raise ToolFailed("tensor x holds 70000, too large for f16", fix="export with dtype=bf16 or f32")
    return ModelResult(summary=f"exported {args.model} {args.dtype}")


@tool(effects=[Effect.COMPUTES], example={"model": "a"}, estimate=quick)
def quantize(args: QuantizeArgs, ctx: ToolContext) -> ModelResult:
    """Quantize."""
    if args.model == "small.gguf":
        raise BadRequest("small.gguf is quantized already (30 tensors are Q4_K)", fix="export it first")
    if any(t.startswith("IQ") for t in args.types) and not args.imatrix_dataset:
        raise BadRequest("IQ2_XS needs an importance matrix", fix="name imatrix_dataset")
    return ModelResult(summary=f"quantized {args.model} {args.types} {args.imatrix_dataset}")


@tool(effects=[Effect.COMPUTES], example={"dataset": "a"}, estimate=quick)
def finetune(args: TrainArgs, ctx: ToolContext) -> ModelResult:
    """Train."""
    if args.dataset == "pairs.jsonl":
        raise DataError("pairs.jsonl holds preference pairs, not answers to imitate", fix="use the tool align")
    if args.dataset == "long.jsonl" and args.batch_size > 1:
        raise ToolFailed("out of memory with four rows at once", fix="use a smaller batch size")
    if args.dataset == "wild.jsonl" and (args.learning_rate is None or args.learning_rate > 1e-4):
        raise TrainingFailed("the loss became nan at step 3", fix="lower learning_rate")
    if args.output == "out/x":
        raise BadRequest("out/x exists already", fix="choose another output, or remove it")
    return ModelResult(summary=f"trained with {args.batch_size}")


@tool(effects=[Effect.COMPUTES], example={"dataset": "a"}, estimate=quick)
def align(args: AlignArgs, ctx: ToolContext) -> ModelResult:
    """Align."""
    return ModelResult(summary="aligned")


TOOLS: dict[str, Tool] = {t.name: t for t in (export_model, quantize, finetune, align)}
Start = Callable[..., tuple[Harness, dict[str, Any]]]


@pytest.fixture
def start(workspace: Path) -> Iterator[Start]:
    """Runs a given plan on the real graph with a planner of rules alone."""
    made: list[Harness] = []

    def run(*calls: tuple[str, dict[str, Any]], policy: FixedPolicy | None = None) -> tuple[Harness, dict[str, Any]]:
        harness = Harness(workspace, InMemorySaver(), Planner(None, TOOLS, workspace), policy)
        harness.deps = replace(harness.deps, tools=TOOLS)
        from modelwright.graphs.build import build

        harness.graph = build(harness.deps, InMemorySaver())
        made.append(harness)
        return harness, harness.start(plan=steps(*calls))

    yield run
    for harness in made:
        harness.db.close()


def ran(state: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(s["tool"], s["args"]) for s in state["plan"]["steps"]]


def test_a_quantized_source_is_exported_first_and_later_references_follow(start: Start) -> None:
    _, state = start(("quantize", {"model": "small.gguf"}), ("export_model", {"model": "$s1.model", "format": "hf"}))
    assert state["status"] == "done"
    assert ran(state) == [
        ("export_model", {"model": "small.gguf", "format": "gguf"}),
        ("quantize", {"model": "$s1.model"}),
        ("export_model", {"model": "$s2.model", "format": "hf"}),
    ]


@pytest.mark.parametrize(
    ("call", "changed"),
    [
        (("finetune", {"dataset": "long.jsonl"}), ("finetune", {"dataset": "long.jsonl", "batch_size": 1})),
        (("finetune", {"dataset": "pairs.jsonl"}), ("align", {"dataset": "pairs.jsonl"})),
        (("finetune", {"dataset": "wild.jsonl", "learning_rate": 1e-3}), ("finetune", {"dataset": "wild.jsonl", "learning_rate": 1e-4})),
        (("finetune", {"dataset": "a.jsonl", "output": "out/x"}), ("finetune", {"dataset": "a.jsonl", "output": "out/x-2"})),
        (("export_model", {"model": "huge"}), ("export_model", {"model": "huge", "dtype": "bf16"})),
        (("quantize", {"model": "a", "types": ["IQ2_XS", "Q8_0"]}), ("quantize", {"model": "a", "types": ["Q2_K", "Q8_0"]})),
    ],
)
def test_a_rule_knows_another_way(start: Start, call: tuple[str, dict[str, Any]], changed: tuple[str, dict[str, Any]]) -> None:
    _, state = start(call)
    assert state["status"] == "done"
    assert ran(state) == [changed]
    assert "failed" in str(state["plan"]["reason"])


def test_an_importance_matrix_comes_from_the_data_that_the_plan_names(start: Start) -> None:
    _, state = start(("finetune", {"dataset": "a.jsonl"}), ("quantize", {"model": "$s1.model", "types": ["IQ2_XS"]}))
    assert ran(state)[1][1]["imatrix_dataset"] == "a.jsonl"


def test_a_new_plan_is_shown_and_approved_like_the_first(start: Start) -> None:
    harness, state = start(("finetune", {"dataset": "long.jsonl", "batch_size": 2}), policy=FixedPolicy(finetune="ask"))
    assert state["status"] == "waiting"
    state = harness.reply(allow=["s1"])
    assert state["status"] == "waiting"
    assert state["pending"]["calls"][0]["args"]["batch_size"] == 1
    assert "out of memory" in state["pending"]["note"]
    assert harness.reply(allow=["s1"])["status"] == "done"


def test_two_new_plans_are_the_most(start: Start) -> None:
    _, state = start(("finetune", {"dataset": "long.jsonl", "batch_size": 64}))
    assert state["status"] == "failed"
    assert state["spent"]["replans"] == 2
    assert state["plan"]["steps"][0]["args"]["batch_size"] == 16


def test_what_no_rule_knows_ends_with_its_error(start: Start, workspace: Path) -> None:
    plan = steps(("quantize", {"model": "a"}))
    planner = Planner(None, TOOLS, workspace)
    assert planner.replan(plan, "s1", {"type": "ToolFailed", "message": "no idea", "fix": ""}) is None
    assert planner.replan(plan, "s9", {"type": "ToolFailed", "message": "out of memory", "fix": ""}) is None


class Bounded(ToolArgs):
    rank: int = Field(8, le=16)
    modes: list[str] = Field(default_factory=list)
    method: Literal["lora", "full"] = "lora"


@tool(effects=[Effect.COMPUTES], example={}, estimate=quick)
def bounded(args: Bounded, ctx: ToolContext) -> ModelResult:
    """Take few things."""
    raise AssertionError


def mended(args: dict[str, Any], source: str, workspace: Path, answers: Sequence[str] = ()) -> dict[str, Any]:
    plan = Plan(steps=[Step(id="s1", tool="bounded", args=args, sources=dict.fromkeys(args, source))])
    found = repaired(plan, {"bounded": bounded}, Answers(answers, workspace))
    check(found, {"bounded": bounded})
    return found.steps[0].args


def test_what_nobody_stated_is_mended(workspace: Path) -> None:
    assert mended({"rank": 99, "method": "LORA"}, "template x", workspace) == {"rank": 16, "method": "lora"}
    assert mended({"modes": "a", "methods": "full"}, "template x", workspace) == {"modes": ["a"], "method": "full"}


def test_what_the_user_stated_is_asked_about(workspace: Path) -> None:
    with pytest.raises(OpenQuestion, match="cannot take 99 as rank"):
        mended({"rank": 99}, "request[0:2]", workspace)
    assert mended({"rank": 99}, "request[0:2]", workspace, ["12"]) == {"rank": 12}


def test_a_plan_is_mended_twice_at_most(workspace: Path) -> None:
    args = {"rank": 99, "modes": "a", "method": "FULL"}
    plan = Plan(steps=[Step(id="s1", tool="bounded", args=args, sources=dict.fromkeys(args, "template x"))])
    notes: list[object] = []
    repaired(plan, {"bounded": bounded}, Answers([], workspace), lambda stage, value: notes.append(value))
    assert len(notes) == 2
