"""What arguments a request speaks of, and what follows from them for the choice of tools; drafts here are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning import arguments, candidates, documents, fill_text
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.units import in_own_unit
from modelwright.models.base import Choice, Draft, DraftQuestion, DraftStep
from modelwright.tools import load_all
from modelwright.types import Plan

from .conftest import put_files

FILES = ["a.jsonl", "b.jsonl", "calib.txt", "m.gguf", "n.gguf", "notes/page.md"]


class Drafts:
    """A planning model that gives one draft: tools with their fields, or a kind."""

    name = "drafts"

    def __init__(self, *steps: tuple[str, Mapping[str, Sequence[str]]], kind: str = "plan", score: float = -0.3, **beside: float) -> None:
        made = tuple(DraftStep(tool, {k: list(v) for k, v in fields.items()}) for tool, fields in steps)
        first = steps[0][0] if steps and kind == "plan" else "none" if kind == "none" else "ask"
        self._draft = Draft(kind, made, score, alternatives=((first, score), *beside.items()))

    def choose(self, prompt: str, choices: list[str], *, purpose: str, examples: Mapping[str, Sequence[str]]) -> Choice:
        raise AssertionError("it drafts")

    def draft(self, question: DraftQuestion) -> Draft:
        return self._draft

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


def plan_of(request: str, workspace: Path, tools: Mapping[str, Tool], model: Drafts) -> Plan:
    put_files(workspace, FILES)
    return Planner(model, tools, workspace).plan(request)


def used(plan: Plan) -> list[str]:
    return [step.tool for step in plan.steps]


# one tool's arguments -------------------------------------------------------------------------------------------------

PRICED = [
    "the API wants $0.40 per million in and $1.20 per million out; how much a month?",
    "we lease the card for 1.75 dollars an hour and it does 700 output tokens/s",
    "electricity is 0.31 $/kWh, the box draws 600 watts",
    "solving one case takes 7 calls, a million input tokens is $0.15",
    "Rechner für 4.500 Euro, Strom kostet 0,33 Euro je kWh",
]
NOT_PRICED = ["train on a.jsonl, I paid 200 dollars for it", "benchmark m.gguf with 8 users", "is m.gguf worth its price?"]


@pytest.mark.parametrize("request_", PRICED)
def test_prices_and_rates_speak_for_the_tool_that_reckons_costs(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    told = arguments.said(request_, candidates.find(request_, workspace), installed)
    assert arguments.spoken_of(told) == "cost"


@pytest.mark.parametrize("request_", NOT_PRICED)
def test_money_alone_speaks_for_no_tool(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    told = arguments.said(request_, candidates.find(request_, workspace), installed)
    assert arguments.spoken_of(told) != "cost"


def test_a_share_in_an_argument_counts_half(workspace: Path, installed: dict[str, Tool]) -> None:
    told = arguments.said("300 tokens in, 150 out", [], installed)
    assert told == []
    request = "300 tokens in, 150 out"
    told = arguments.said(request, candidates.find(request, workspace), installed)
    assert {(s.tool, s.points) for s in told if s.field == "output_tokens"} == {("cost", 0.5), ("benchmark", 0.5)}
    assert arguments.spoken_of(told) == ""


@pytest.mark.parametrize("request_", PRICED[:4])
def test_a_draft_of_other_tools_yields_to_the_arguments_that_are_said(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    wrong = Drafts(("choose_engine", {"users": ["N1"]}), ("inspect_dataset", {}))
    assert used(plan_of(request_, workspace, installed, wrong)) in (["cost"], [])


# what a draft repeats or adds -----------------------------------------------------------------------------------------


def test_the_second_of_two_like_steps_fills_what_the_first_left_empty(workspace: Path, installed: dict[str, Tool]) -> None:
    twice = Drafts(("speculate", {"model": ["M1"], "draft_model": ["M2"]}), ("speculate", {"model": ["M2"], "dataset": ["D1"]}))
    plan = plan_of("speculative decoding of m.gguf with n.gguf as draft, prompts from a.jsonl", workspace, installed, twice)
    assert [(s.tool, s.args["dataset"]) for s in plan.steps] == [("speculate", "a.jsonl")]


def test_two_like_steps_on_two_things_stay_two(workspace: Path, installed: dict[str, Tool]) -> None:
    two = Drafts(("evaluate", {"model": ["M1"], "dataset": ["D1"]}), ("evaluate", {"model": ["M1"], "dataset": ["D2"]}))
    assert used(plan_of("evaluate m.gguf on a.jsonl and evaluate m.gguf on b.jsonl", workspace, installed, two)) == ["evaluate"] * 2


def test_a_file_beside_the_name_of_one_steps_argument_is_no_other_steps(workspace: Path, installed: dict[str, Tool]) -> None:
    stolen = Drafts(
        ("quantize", {"model": ["M1"], "types": ["Q1"]}),
        ("evaluate", {"dataset": ["D1"], "metrics": ["rouge_l"]}),
        ("evaluate", {"dataset": ["D2"]}),
    )
    request = "make a Q4_K_M of m.gguf, calibrate on calib.txt, and score it on a.jsonl (rouge-l)"
    plan = plan_of(request, workspace, installed, stolen)
    assert [(s.tool, s.args.get("dataset")) for s in plan.steps] == [("quantize", None), ("evaluate", "a.jsonl")]


@pytest.mark.parametrize(
    ("request_", "order"),
    [
        ("I want to train m.gguf on a.jsonl. First inspect a.jsonl", ["inspect_dataset", "finetune"]),
        ("evaluate m.gguf on b.jsonl after training it on a.jsonl", ["finetune", "evaluate"]),
        ("before you train m.gguf on a.jsonl, inspect it", ["inspect_dataset", "finetune"]),
        ("train m.gguf on a.jsonl but first inspect a.jsonl", ["inspect_dataset", "finetune"]),
        ("train m.gguf on a.jsonl, then evaluate it on b.jsonl", ["finetune", "evaluate"]),
    ],
)
def test_words_say_what_comes_first_whatever_the_order_of_the_draft(
    request_: str, order: list[str], workspace: Path, installed: dict[str, Tool]
) -> None:
    turned = Drafts(*((tool, {}) for tool in reversed(order)), score=-0.01)
    assert used(plan_of(request_, workspace, installed, turned)) == order


# what no tool does ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "transcribe talk.mp3",
        "train a diffusion model on notes/",
        "deploy m.gguf to kubernetes",
        "fine-tune gpt-4 via the api on a.jsonl",
        "average the weights of m.gguf and n.gguf",
        "train a new tokenizer on calib.txt",
        "upload m.gguf to the hub",
    ],
)
@pytest.mark.parametrize("kind", ["plan", "question"])
def test_what_no_tool_does_is_declined_against_an_unsure_draft(
    request_: str, kind: str, workspace: Path, installed: dict[str, Tool]
) -> None:
    wrong = Drafts(("quantization_quality", {}), kind=kind, score=-0.8)
    assert plan_of(request_, workspace, installed, wrong).kind == "none"


@pytest.mark.parametrize(
    ("request_", "tool"),
    [
        ("what does notes/ say about kubernetes?", "rag_answer"),
        ("fine-tune m.gguf on a.jsonl, then upload it", "finetune"),
        ("evaluate m.gguf on a.jsonl and send me the table", "evaluate"),
    ],
)
def test_a_word_of_another_trade_declines_nothing_that_is_ours(
    request_: str, tool: str, workspace: Path, installed: dict[str, Tool]
) -> None:
    assert tool in used(plan_of(request_, workspace, installed, Drafts((tool, {}), score=-0.05)))


@pytest.mark.parametrize("request_", ["is the new checkpoint better than the old one?", "compare the two models", "which model is better?"])
def test_a_comparison_of_models_without_their_names_is_asked_about(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert plan_of(request_, workspace, installed, Drafts(kind="none", score=-0.4, ask=-1.4)).kind == "question"


# weighing is no order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "would training all the weights of m.gguf fit into 24 GiB?",
        "LoRA of m.gguf, rank 16: is 16 GiB of memory enough?",
        "can QLoRA on m.gguf go into 12 GiB?",
        "will fine-tuning m.gguf fit on a 24 GB card? don't start it",
        "whether a LoRA on m.gguf fits into 8 GB",
    ],
)
def test_a_question_whether_a_training_fits_starts_none(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    wrong = Drafts(("cost", {}), score=-0.9)
    assert used(plan_of(request_, workspace, installed, wrong)) == ["memory_fit"]


@pytest.mark.parametrize(
    "request_",
    ["fine-tune m.gguf on a.jsonl", "train m.gguf on a.jsonl, it fits our style", "does it fit 8 GB? then train m.gguf on a.jsonl"],
)
def test_an_order_to_train_trains(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert "finetune" in used(plan_of(request_, workspace, installed, Drafts(("finetune", {"dataset": ["D1"]}), score=-0.9)))


# documents and texts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("where does it say force majeure? no summary please", documents.SEARCH),
        ("list the spots about fees", documents.SEARCH),
        ("who signs? don't write an answer", documents.SEARCH),
        ("dove si parla di ferie, senza risposta", documents.SEARCH),
        ("beantworte mir: wie viele Tage", documents.ANSWER),
        ("كم يوم إجازة؟", documents.ANSWER),
        ("who signs the lease?", documents.ANSWER),
    ],
)
def test_a_denied_answer_is_a_search(text: str, tool: str) -> None:
    assert documents.tool_meant(text) == tool


@pytest.mark.parametrize(
    "request_",
    [
        "look something up in the index hr",
        "answer in two sentences at most",
        "search for something",
        "could you please index our papers?",
        "can you search the hr index for me",
    ],
)
def test_something_is_no_question(request_: str) -> None:
    assert fill_text.text_for("query", request_, []) is None


@pytest.mark.parametrize("request_", ["كم يوم إجازة مرضية؟", "Prima cosa. Il cane dorme?", "答えは何ですか？"])
def test_a_sentence_with_a_question_mark_is_the_question(request_: str) -> None:
    found = fill_text.text_for("question", request_, [])
    assert found is not None
    assert str(found.value).rstrip("?؟？") in request_


# numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lifetime_years", "36 months", 3),
        ("lifetime_years", "3 years", 3),
        ("power_watts", "0.45 kW", 450),
        ("power_watts", "450 W", 450),
        ("rate", "30 requests a minute", 0.5),
        ("rate", "2 per second", 2),
        ("rate", "2 of them", 2),
        ("tokens_per_second", "54000 tokens per minute", 900),
    ],
)
def test_years_watts_and_rates_are_told_in_the_unit_of_the_argument(name: str, text: str, value: float) -> None:
    number = text.partition(" ")[0]
    assert in_own_unit(name, None, float(number), text, len(number)) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("rank 16. Then go", [16]),
        ("12.000 Anfragen", [12000]),
        ("3.200 Euro", [3200]),
        ("3.200 epochs", [3.2]),
        ("(1) kv cache (2) memory", []),
        ("0,45 kW and 1.5", [0.45, 1.5]),
    ],
)
def test_dots_commas_and_marks_around_numbers(text: str, values: list[float], workspace: Path) -> None:
    found = [c.value for c in candidates.find(text, workspace) if c.kind in ("number", "money")]
    assert found == values
    assert all(isinstance(v, int) for v in found if float(v).is_integer())


# paths ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ("write it as f16 to n.gguf", "output"),
        ("save the outcome to n.gguf", "output"),
        ("it goes to n.gguf", "output"),
        ("compare m.gguf to n.gguf", "model"),
        ("save it, then score what it says against n.gguf", "model"),
        ("hold-out = n.gguf", "model"),
        ("out = n.gguf", "output"),
    ],
)
def test_a_place_to_write_is_one_even_if_something_is_there(request_: str, kind: str, workspace: Path) -> None:
    put_files(workspace, FILES)
    assert [c.kind for c in candidates.find(request_, workspace) if c.value == "n.gguf"] == [kind]


def test_a_filter_of_paths_is_nothing_to_read(workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, ["2023/x.md"])
    request = "who signs, going by the index hr, only documents whose path contains 2023/ please?"
    plan = plan_of(request, workspace, installed, Drafts(("rag_answer", {"index": ["X1"]}), score=-0.1))
    assert [(s.tool, s.args.get("path")) for s in plan.steps] == [("rag_answer", "2023/")]
