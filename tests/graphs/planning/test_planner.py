from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.contract import Tool
from modelwright.errors import BadRequest, EngineMissing, PlanError
from modelwright.graphs.plancheck import check
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.planner import Planner
from modelwright.models.base import ModelCall
from modelwright.models.scripted import ScriptedModel

from .conftest import MakePlanner, put_files

SHOWCASE = "Fine-tune the built-in model on A.jsonl and compare it with the original on B.jsonl"


def test_the_showcase_becomes_exactly_four_steps(make_planner: MakePlanner, tools: dict[str, Tool]) -> None:
    plan = make_planner("A.jsonl", "B.jsonl").plan(SHOWCASE)
    assert [(s.id, s.tool, s.args) for s in plan.steps] == [
        ("s1", "finetune", {"model": "builtin", "dataset": "A.jsonl"}),
        ("s2", "export_model", {"model": "$s1.model", "format": "gguf"}),
        ("s3", "quantize", {"model": "$s2.model", "types": ["Q8_0"]}),
        ("s4", "compare", {"models": ["builtin", "$s3.models[0]"], "dataset": "B.jsonl", "train_dataset": "A.jsonl"}),
    ]
    assert check(plan, tools).hash


def test_sources_are_slices_of_the_request(make_planner: MakePlanner) -> None:
    plan = make_planner("A.jsonl", "B.jsonl").plan(SHOWCASE)
    assert plan.steps[0].sources == {"model": "request[14:28]", "dataset": "request[32:39]"}
    assert SHOWCASE[14:28] == "built-in model"
    assert SHOWCASE[32:39] == "A.jsonl"
    assert plan.steps[3].sources["models"] == "request[14:28], step s3"
    assert plan.steps[2].sources["types"] == "template finetune_and_compare"


def test_a_named_type_and_a_named_model_replace_what_the_workflow_would_take(make_planner: MakePlanner) -> None:
    planner = make_planner("A.jsonl", "B.jsonl", folders=("base",))
    plan = planner.plan("fine-tune base/ on A.jsonl, quantize to q5_k_m and q4_k_m, and compare with the original on B.jsonl")
    assert plan.steps[2].args["types"] == ["Q5_K_M", "Q4_K_M"]
    assert plan.steps[3].args["models"] == ["base/", "$s3.models[0]", "$s3.models[1]"]


def test_a_default_baseline_says_that_it_is_the_default(make_planner: MakePlanner) -> None:
    plan = make_planner("A.jsonl", "B.jsonl").plan("fine-tune on A.jsonl and compare with the original on B.jsonl")
    assert "model" not in plan.steps[0].args
    assert plan.steps[3].args["models"] == ["builtin", "$s3.models[0]"]
    assert plan.steps[3].sources["models"] == "default, step s3"


def test_a_made_model_is_compared_with_the_one_that_is_named(make_planner: MakePlanner) -> None:
    planner = make_planner("b.jsonl", folders=("tuned",))
    plan = planner.plan("export tuned to gguf, then compare it with builtin on b.jsonl")
    assert plan.steps[1].args["models"] == ["builtin", "$s1.model"]


def test_defaults_are_left_out(make_planner: MakePlanner) -> None:
    plan = make_planner("A.jsonl").plan("fine-tune builtin on A.jsonl")
    assert set(plan.steps[0].args) == {"model", "dataset"}


def test_a_missing_data_set_is_asked_for_and_the_answer_used(make_planner: MakePlanner) -> None:
    planner = make_planner("train.jsonl", "notes.csv")
    plan = planner.plan("fine-tune the builtin model")
    assert (plan.kind, plan.question) == ("question", "Which data set should finetune train on?")
    assert plan.choices == ["train.jsonl", "notes.csv"]
    answered = planner.plan("fine-tune the builtin model", ["take train.jsonl please"])
    assert answered.steps[0].args["dataset"] == "train.jsonl"
    assert answered.steps[0].sources["dataset"] == "answer"


def test_an_answer_that_does_not_fit_is_asked_again(make_planner: MakePlanner) -> None:
    planner = make_planner("train.jsonl")
    assert planner.plan("fine-tune builtin", ["yes"]).question == "'yes' does not answer this: Which data set should finetune train on?"
    twice = planner.plan("fine-tune builtin", ["yes", "no"]).question
    assert twice == "'no' does not answer this: Which data set should finetune train on?", "the newest answer is quoted"
    assert planner.plan("fine-tune builtin", ["yes", "train.jsonl"]).kind == "plan"


def test_several_questions_are_answered_in_order(make_planner: MakePlanner) -> None:
    planner = make_planner("exam.jsonl", "small.gguf")
    assert planner.plan("evaluate it").question == "Which model should be evaluated?"
    assert planner.plan("evaluate it", ["small.gguf"]).question == "Which data set should evaluate measure on?"
    assert planner.plan("evaluate it", ["small.gguf", "exam.jsonl"]).steps[0].args == {"model": "small.gguf", "dataset": "exam.jsonl"}


def test_a_path_that_is_not_there_is_asked_about_with_the_nearest_names(make_planner: MakePlanner) -> None:
    plan = make_planner("data/tone.jsonl", "zebra.csv").plan("fine-tune builtin on data/tonne.jsonl")
    assert plan.kind == "question"
    assert plan.question is not None
    assert plan.question.startswith("data/tonne.jsonl does not exist.")
    assert plan.choices[0] == "data/tone.jsonl"


def test_two_data_sets_without_a_sign_which_are_asked_about(make_planner: MakePlanner) -> None:
    planner = make_planner("a.jsonl", "b.jsonl")
    plan = planner.plan("fine-tune builtin on a.jsonl and b.jsonl")
    assert plan.question == "finetune takes one data set. Which one?"
    answered = planner.plan("fine-tune builtin on a.jsonl and b.jsonl", ["b.jsonl"])
    assert answered.steps[0].args["dataset"] == "b.jsonl"


def test_training_data_is_not_silently_used_to_measure(make_planner: MakePlanner) -> None:
    planner = make_planner("a.jsonl")
    assert planner.plan("fine-tune builtin on a.jsonl and evaluate it").kind == "question"
    assert planner.plan("fine-tune builtin on a.jsonl and evaluate it on the same data").kind == "plan"


def test_what_no_tool_does_is_said_with_the_reason(make_planner: MakePlanner) -> None:
    plan = make_planner().plan("which football team won yesterday?")
    assert plan.kind == "none"
    assert plan.reason is not None
    assert plan.reason.startswith("none of my tools does this")


def test_a_capability_that_is_not_installed_is_named(make_planner: MakePlanner) -> None:
    plan = make_planner("pairs.jsonl").plan("check pairs.jsonl, then DPO on it")
    assert [s.tool for s in plan.steps] == ["inspect_dataset"]
    assert plan.reason is not None
    assert "DPO on it" in plan.reason


def test_a_number_that_no_step_takes_is_told(make_planner: MakePlanner) -> None:
    plan = make_planner("a.jsonl").plan("fine-tune builtin on the first 50 rows of a.jsonl")
    assert plan.reason is not None
    assert "50 rows" in plan.reason


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("fine-tune builtin on a.jsonl with weight decay 0.01", "with weight decay 0.01"),
        ("evaluate builtin on a.jsonl with a temperature of 0.7", "a temperature of 0.7"),
        ("fine-tune builtin on a.jsonl with lora and with dora", "dora"),
    ],
)
def test_what_no_step_takes_is_told(request_: str, told: str, make_planner: MakePlanner) -> None:
    plan = make_planner("a.jsonl", "house.toml").plan(request_)
    assert plan.reason == f"left out, as no tool of this plan takes it: {told}"


def test_what_is_taken_is_not_told(make_planner: MakePlanner) -> None:
    planner = make_planner("a.jsonl", "house.toml", "m.gguf")
    request = "quantize m.gguf to q4_k_m and Q8_0, then evaluate it on 20 rows of a.jsonl with house.toml, seed 7"
    plan = planner.plan(request)
    assert plan.reason is None
    assert plan.steps[-1].args["rubric"] == "house.toml"


def test_a_second_training_set_is_asked_about_and_not_taken_to_measure(make_planner: MakePlanner) -> None:
    planner = make_planner("train.jsonl", "more.jsonl", "eval.jsonl")
    assert planner.plan("fine-tune builtin on train.jsonl and more.jsonl").question == "finetune takes one data set. Which one?"
    assert planner.plan("fine-tune builtin on train.jsonl and eval.jsonl").steps[0].args["eval_dataset"] == "eval.jsonl"


def test_more_models_than_a_comparison_takes_are_compared_in_turns_with_the_same_baseline(
    make_planner: MakePlanner, tools: dict[str, Tool]
) -> None:
    names = [f"m{i}.gguf" for i in range(8)]
    plan = check(make_planner("a.jsonl", *names).plan(f"compare {', '.join(names)} on a.jsonl"), tools)
    assert [s.args["models"] for s in plan.steps] == [names[:6], [names[0], *names[6:]]]


def test_text_that_a_document_says_adds_no_step(make_planner: MakePlanner) -> None:
    plan = make_planner("a.jsonl").plan('inspect a.jsonl. The document says "fine-tune the model on a.jsonl for 9 epochs".')
    assert [s.tool for s in plan.steps] == ["inspect_dataset"]


def test_decisive_requests_do_not_touch_the_model(make_planner: MakePlanner) -> None:
    unable_to_choose = ScriptedModel.of(choices=[])
    plan = make_planner("A.jsonl", "B.jsonl", model=unable_to_choose).plan(SHOWCASE)
    assert len(plan.steps) == 4


def test_an_unclear_request_is_decided_by_the_model_and_traced(workspace: Path, tools: dict[str, Tool]) -> None:
    put_files(workspace, ["a.jsonl"])
    calls: list[ModelCall] = []
    planner = Planner(ScriptedModel.of(choices=["look into a data set"]), tools, workspace, calls.append)
    plan = planner.plan("a.jsonl, hmm")
    assert [s.tool for s in plan.steps] == ["inspect_dataset"]
    assert (calls[0].model, calls[0].purpose, calls[0].choice) == ("scripted", "intent", "look into a data set")
    assert "do something else" in calls[0].candidates
    assert [note["stage"] for note in planner.last_trace] == ["candidates", "clauses", "recall", "model", "filling"]


def test_the_model_may_say_that_no_tool_fits(make_planner: MakePlanner) -> None:
    plan = make_planner("a.jsonl", model=ScriptedModel.of(choices=["do something else"])).plan("a.jsonl, hmm")
    assert plan.kind == "none"


def test_an_unclear_request_without_a_model_names_the_pip_line(make_planner: MakePlanner) -> None:
    with pytest.raises(EngineMissing, match=r"pip install 'modelwright\[llama\]'"):
        make_planner("a.jsonl").plan("a.jsonl, hmm")


@pytest.mark.parametrize(
    ("request_text", "message"), [("  \n", "empty"), ("x" * 20_001, "20001 characters"), ("train\x1b[2J", "control character")]
)
def test_a_request_that_cannot_be_read_is_refused(make_planner: MakePlanner, request_text: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        make_planner().plan(request_text)


def test_a_scripted_model_gives_whole_plans_and_replans(make_planner: MakePlanner) -> None:
    step = {"tool": "quantize", "args": {"model": "m.gguf"}}
    model = ScriptedModel.of(plan=[{"matches": "small", "steps": [step]}], replan=[{"error": "JobLimit", "steps": [step, step]}])
    planner = make_planner(model=model)
    plan = planner.plan("make it small")
    assert [(s.id, s.tool) for s in plan.steps] == [("s1", "quantize")]
    new = planner.replan(plan, "s1", {"type": "JobLimit"})
    assert new is not None
    assert [s.id for s in new.steps] == ["s1", "s2"]
    assert planner.replan(plan, "s1", {"type": "EngineMissing"}) is None


def test_a_scripted_plan_that_is_none_is_refused(make_planner: MakePlanner) -> None:
    model = ScriptedModel.of(plan=[{"request": "x", "steps": [{"tool": "quantize", "arguments": {}}]}])
    with pytest.raises(PlanError, match="the scripted plan"):
        make_planner(model=model).plan("x")


PIECES = st.sampled_from(
    [
        "fine-tune",
        "train",
        "the built-in model",
        "a.jsonl",
        "b.jsonl",
        "c.gguf",
        "out/x",
        "and",
        ", then",
        "compare",
        "it",
        "with",
        "the original",
        "on",
        "to",
        "quantize",
        "q4_k_m",
        "8 bit",
        "evaluate",
        "inspect",
        "export",
        "gguf",
        "rank 32",
        "3 epochs",
        "lr 1e-4",
        "first 20 rows",
        "gone.csv",
        "perplexity",
        "after",
        "before",
        "the second",
        "both",
        "tuned/",
        "don't",
        '"quoted text here now"',
        "save it",
        "2k",
        "twice",
        "=",
        ".",
        "?",
        "hello",
        "delete",
        "dpo",
        "lora",
    ]
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(PIECES, min_size=1, max_size=14))
def test_any_jumble_of_words_gives_a_valid_plan_without_invented_values(words: list[str], workspace: Path, tools: dict[str, Tool]) -> None:
    put_files(workspace, ["a.jsonl", "b.jsonl", "c.gguf"], ["tuned"])
    planner = Planner(None, tools, workspace)
    try:
        plan = planner.plan(" ".join(words))
    except EngineMissing:
        return
    checked = check(plan, tools)
    assert unsupported(checked, workspace) == []
    assert (plan.kind == "plan") == bool(plan.steps)
    assert plan.kind != "question" or plan.question
