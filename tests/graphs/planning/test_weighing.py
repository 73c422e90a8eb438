"""Rules against draft: which of the two is planned, with drafts of a given tool and score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.planner import Planner
from modelwright.tools import load_all

from .conftest import put_files
from .test_arguments import FILES, Drafts, plan_of, used

SURE, DOUBTFUL, CERTAIN = -0.02, -0.25, -0.01


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


@pytest.mark.parametrize(
    ("request_", "drafted", "score", "tools"),
    [
        # the model is sure: its steps, also those that no word of the lexicon speaks for
        (
            "put notes/ into an index hr and say how many days off a newcomer has",
            ["rag_index", "rag_answer"],
            SURE,
            ["rag_index", "rag_answer"],
        ),
        ("Revisa a.jsonl y luego ponlo a punto con eso", ["inspect_dataset", "finetune"], SURE, ["inspect_dataset", "finetune"]),
        # it is not: a step more that the words do not open is left out
        ("make a Q4_K_M of m.gguf and test that as the draft of n.gguf", ["quantize", "speculate"], DOUBTFUL, ["quantize", "speculate"]),
        # the same tool again measures another model
        (
            "measure builtin on b.jsonl, train it on a.jsonl, then measure again on the same file",
            ["evaluate", "finetune", "evaluate"],
            SURE,
            ["evaluate", "finetune", "evaluate"],
        ),
        ("bench m.gguf with 1 and 4 users", ["benchmark", "benchmark"], SURE, ["benchmark"]),
        # a plan that need not ask for data outweighs one that must
        ("how big a card do I have to buy to train m.gguf with all its parameters", ["memory_fit"], DOUBTFUL, ["memory_fit"]),
        # what is not wanted is no step
        (
            "tune builtin on a.jsonl and export it as gguf, no separate quantize step",
            ["finetune", "export_model", "quantize"],
            SURE,
            ["finetune", "export_model"],
        ),
        ("don't train yet: does full training of m.gguf fit into 16 GiB?", ["finetune", "memory_fit"], SURE, ["memory_fit"]),
        # the same again leaves room for what is said beside it
        (
            "index notes/, check it against b.jsonl, and after that answer this from it: when is the gate closed?",
            ["rag_index", "rag_answer", "rag_answer"],
            SURE,
            ["rag_index", "evaluate_retrieval", "rag_answer"],
        ),
        ("gpu rental 2.49 $/h, bench json is there: b.jsonl. 1000 in, 300 out a request", ["cost", "cost"], DOUBTFUL, ["cost"]),
        # a place to write that no step of the draft takes
        (
            "train builtin on a.jsonl, then export to out/m.gguf and measure its speed",
            ["finetune", "benchmark"],
            DOUBTFUL,
            ["finetune", "export_model", "benchmark"],
        ),
        # four sure clauses are more than a draft holds
        (
            "check a.jsonl, then train on it, compare it with the original on b.jsonl and at last export it as gguf",
            ["inspect_dataset", "compare_tokenizers", "export_model"],
            DOUBTFUL,
            ["inspect_dataset", "finetune", "compare", "export_model"],
        ),
        # a tool that no word speaks for, with a number alone, in place of one that is said
        (
            "indexiere notes/ und dann beantworten: wer leitet die 12 Gruppen?",
            ["rag_index", "choose_engine"],
            DOUBTFUL,
            ["rag_index", "rag_answer"],
        ),
        # the same twice of a tool that is not said, where a sure word says another
        ("Peux-tu entraîner le modèle sur a.jsonl ? 200 pas, lots de 8", ["inspect_dataset", "inspect_dataset"], SURE, ["finetune"]),
        # who may find it is no search
        ("index notes/ and make sure only the compliance group can find them", ["rag_index", "rag_search"], SURE, ["rag_index"]),
        # "and after" with a command is "afterwards"
        (
            "please to merge m.gguf in gguf f16, after to score it on a.jsonl",
            ["export_model", "evaluate"],
            SURE,
            ["export_model", "evaluate"],
        ),
        ("inspect a.jsonl and after train builtin with it", ["inspect_dataset", "finetune"], SURE, ["inspect_dataset", "finetune"]),
    ],
)
def test_the_steps_are_those_that_are_meant(
    request_: str, drafted: Sequence[str], score: float, tools: list[str], workspace: Path, installed: dict[str, Tool]
) -> None:
    made = used(plan_of(request_, workspace, installed, Drafts(*((tool, {}) for tool in drafted), score=score)))
    assert [tool for tool in made if tool in {*drafted, *tools}] == tools


def test_the_order_of_a_draft_is_no_workflows(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "I'd first like to see what Q4_K_M and Q5_K_M of m.gguf cost us in quality on a.jsonl. Then make the Q5_K_M file"
    measured = ("quantization_quality", {"model": ["M1"], "types": ["Q1", "Q2"], "dataset": ["D1"]})
    drafts = Drafts(measured, ("quantize", {"types": ["Q3"], "model": ["M1"]}), score=SURE)
    assert used(plan_of(request, workspace, installed, drafts)) == ["quantization_quality", "quantize"]


@pytest.mark.parametrize(
    ("request_", "taken_for"),
    [
        ("slerp m.gguf and n.gguf, half and half", "export_model"),
        ("please merge m.gguf and n.gguf with SLERP, factor 0.5", "export_model"),
        ("train a new 32k bpe tokenizer from scratch on a.txt", "finetune"),
        ("generate 300 synthetic dialogs about late parcels", "rag_index"),
        ("sbatch train.sh on the a100 partition", "choose_engine"),
        ("write me a SQL query for the ten best customers", "rag_answer"),
    ],
)
@pytest.mark.parametrize(("kind", "score"), [("plan", -0.09), ("question", -0.4)])
def test_what_no_tool_does_is_not_taken_for_the_nearest_tool(
    request_: str, taken_for: str, kind: str, score: float, workspace: Path, installed: dict[str, Tool]
) -> None:
    plan = plan_of(request_, workspace, installed, Drafts((taken_for, {}), kind=kind, score=score))
    assert plan.kind == "none", plan


# no plan ---------------------------------------------------------------------------------------------------------------
def drafted(workspace: Path, tools: dict[str, Tool], request: str, *steps: str, score: float, **beside: float) -> str:
    return plan_of(request, workspace, tools, Drafts(*((tool, {}) for tool in steps), score=score, **beside)).kind


def test_steps_that_came_first_by_little_are_no_plan(workspace: Path, installed: dict[str, Tool]) -> None:
    pizza = "quick one: pizza was 86.40 for 4 of us, plus 10 percent tip. who pays what"
    assert drafted(workspace, installed, pizza, "cost", score=-0.44, none=-1.06, ask=-5.7) == "none"
    models = "ho due modelli e vorrei sapere quale dei due risponde meglio. Me li confronti?"
    assert drafted(workspace, installed, models, "choose_engine", score=-0.53, ask=-1.2, none=-2.2) == "question"
    quoted = 'search the index policies for "hail damage", top 10 hits'
    assert drafted(workspace, installed, quoted, "rag_search", score=-0.3, ask=-0.7, none=-6.3) == "plan"


def test_a_refusal_that_is_likely_stands_against_words_that_are_sure(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "convert the amounts in a.csv from EUR to CHF at 0.9712 and export the file"
    assert plan_of(request, workspace, installed, Drafts(kind="none", score=-0.05)).kind == "none"


def test_what_only_the_rules_would_ask_is_asked(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "train the model on the transcripts that we corrected. The ones to hold back are in b.jsonl, they must not be trained on"
    plan = plan_of(request, workspace, installed, Drafts(("finetune", {"dataset": ["D1"]}), score=-0.05))
    assert (plan.kind, plan.question) == ("question", "Which data set should finetune train on?")


@pytest.mark.parametrize(
    ("request_", "drafted", "tools"),
    [
        (
            "fewer tokens on notes/: m.gguf or n.gguf? and who answers b.jsonl better",
            ["compare_tokenizers", "compare"],
            ["compare_tokenizers", "compare"],
        ),
        ("find the passages in the index hr and say who signs", ["rag_answer"], ["rag_answer"]),
    ],
)
def test_what_the_model_is_certain_of_stands(
    request_: str, drafted: Sequence[str], tools: list[str], workspace: Path, installed: dict[str, Tool]
) -> None:
    assert used(plan_of(request_, workspace, installed, Drafts(*((tool, {}) for tool in drafted), score=CERTAIN))) == tools


@pytest.mark.parametrize(
    ("request_", "asks", "kind"),
    [
        ("Peux-tu vérifier mon jeu de données ?", -0.74, "question"),
        ("Peux-tu vérifier mon jeu de données ?", -2.0, "none"),  # hardly likely that something is missing
        ("Peux-tu vérifier ma voiture ?", -0.74, "none"),  # nothing that a tool could work on
    ],
)
def test_what_is_as_likely_vague_as_foreign_is_asked_about(
    request_: str, asks: float, kind: str, workspace: Path, installed: dict[str, Tool]
) -> None:
    model = Drafts(kind="none", score=-0.68)
    model._draft = replace(model._draft, alternatives=(("none", -0.68), ("ask", asks)))
    assert plan_of(request_, workspace, installed, model).kind == kind


@pytest.mark.parametrize(
    ("request_", "score", "kind"),
    [
        ("can you look something up for me in the index hr?", SURE, "question"),
        ('can you look up "notice period" in the index hr?', SURE, "plan"),  # quoted: said all the same
    ],
)
def test_a_search_for_nothing_is_asked_about(request_: str, score: float, kind: str, workspace: Path, installed: dict[str, Tool]) -> None:
    plan = plan_of(request_, workspace, installed, Drafts(("rag_search", {}), kind="question", score=score))
    assert plan.kind == kind


@pytest.mark.parametrize(
    ("request_", "tool", "question", "answer", "field"),
    [
        ("quantize m.gguf to IQ2_XS", "quantize", "IQ2_XS needs an imatrix_dataset", "a.jsonl", "imatrix_dataset"),
        ("score m.gguf on a.jsonl, metric regex", "evaluate", "the metric regex needs a pattern", "^yes", "pattern"),
    ],
)
def test_what_a_value_needs_beside_it_is_asked(
    request_: str, tool: str, question: str, answer: str, field: str, workspace: Path, installed: dict[str, Tool]
) -> None:
    put_files(workspace, FILES)
    planner = Planner(Drafts((tool, {}), score=SURE), installed, workspace)
    asked = planner.plan(request_)
    assert question in (asked.question or "")
    assert planner.plan(request_, answers=[answer]).steps[0].args[field] == answer


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        ("restricted to group sre (mine). Then", ["sre"]),
        ("only the group sre may read it. As a member of that group I ask:", ["sre"]),
        ("restricted to group sre. Then", None),
        ("restricted to group sre. I'm not in that group. Then", None),
        ("restricted to group sre. Nobody outside that group may read it. Then", None),
        ("restricted to group sre. I'm in IT. Then", ["IT"]),
    ],
)
def test_who_asks_is_of_the_group_that_may_read_where_they_say_so(
    said: str, groups: list[str] | None, workspace: Path, installed: dict[str, Tool]
) -> None:
    drafts = Drafts(("rag_index", {"path": ["F1"]}), ("rag_answer", {}), score=SURE)
    index, answer = plan_of(f"read in notes/, {said} what is the failover procedure?", workspace, installed, drafts).steps
    assert index.args["access"] == ["sre"]
    assert answer.args.get("groups") == groups


@pytest.mark.parametrize(
    ("said", "access"), [("restricted to IT", ["IT"]), ("access for groups hr and IT only", ["hr", "IT"]), ("visible to IT only", ["IT"])]
)
def test_a_group_may_be_called_it(said: str, access: list[str], workspace: Path, installed: dict[str, Tool]) -> None:
    drafts = Drafts(("rag_index", {"path": ["F1"]}), score=SURE)
    assert plan_of(f"index notes/ as kb, {said}", workspace, installed, drafts).steps[0].args["access"] == access


def test_an_answer_is_used_once(workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, FILES)
    planner = Planner(Drafts(("evaluate", {"model": ["M1"]}), score=SURE), installed, workspace)
    request = "score m.gguf with the metric regex"
    assert "pattern" in (planner.plan(request, answers=["a.jsonl"]).question or "")
    assert "'(((' does not answer this" in (planner.plan(request, answers=["a.jsonl", "((("]).question or "")
    (step,) = planner.plan(request, answers=["a.jsonl", "^yes"]).steps
    assert (step.args["dataset"], step.args["pattern"]) == ("a.jsonl", "^yes")


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ("ask the index kb what was agreed on", "what was agreed on"),
        ("ask the index kb: which exclusions are mentioned?", "which exclusions are mentioned?"),
        ("ask the index kb what Mrs Petersen wanted to know this morning", None),
        ("frag den Index kb, was Frau Petersen heute früh wissen wollte", None),
    ],
)
def test_a_question_that_somebody_asked_elsewhere_is_not_in_the_request(
    request_: str, asked: str | None, workspace: Path, installed: dict[str, Tool]
) -> None:
    plan = plan_of(request_, workspace, installed, Drafts(("rag_answer", {}), score=SURE))
    assert [step.args["question"] for step in plan.steps] == ([asked] if asked else [])


@pytest.mark.parametrize(
    "request_",
    [
        "fine-tune on a.jsonl; leave everything else as usual",
        "fine-tune on a.jsonl, leave the base model untouched in memory",
        "fine-tune on a.jsonl with dropout set to low",
    ],
)
def test_ordinary_words_are_no_place_to_write(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    (step,) = plan_of(request_, workspace, installed, Drafts(("finetune", {"dataset": ["D1"]}), score=SURE)).steps
    assert "output" not in step.args


@pytest.mark.parametrize(
    ("request_", "same"),
    [
        ("train it on a.jsonl and then compare on the test questions that Sam made", False),
        ("trainiere das Modell auf a.jsonl und vergleiche es dann auf denselben Daten", True),
        ("use a.jsonl for everything: tune the model, then compare it with the original", True),
    ],
)
def test_what_is_learnt_from_is_not_measured_on_where_other_data_is_spoken_of(
    request_: str, same: bool, workspace: Path, installed: dict[str, Tool]
) -> None:
    drafts = Drafts(("finetune", {"dataset": ["D1"]}), ("compare", {"dataset": ["D1"]}), score=SURE)
    plan = plan_of(request_, workspace, installed, drafts)
    assert (plan.kind, plan.question) == (("plan", None) if same else ("question", "Which data set should the models be compared on?"))
