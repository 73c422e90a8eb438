"""What a request speaks of without naming it is asked about: a model, data, documents, a question. What is of nothing here is declined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.paths import find_paths, is_measure
from modelwright.graphs.planning.unnamed import model
from modelwright.tools import load_all

from .test_arguments import Drafts, plan_of

Fields = Mapping[str, Sequence[str]]
Steps = Sequence[tuple[str, Fields]]
SURE = -0.02
TRAINS: tuple[str, Fields] = ("finetune", {"dataset": ["D1"]})


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


def asked(request: str, drafted: Steps, workspace: Path, tools: Mapping[str, Tool], **beside: float) -> str:
    plan = plan_of(request, workspace, tools, Drafts(*drafted, score=SURE, **beside))
    return plan.question or plan.kind


def steps(request: str, drafted: Steps, workspace: Path, tools: Mapping[str, Tool]) -> list[dict[str, Any]]:
    plan = plan_of(request, workspace, tools, Drafts(*drafted, score=SURE))
    assert plan.kind == "plan", plan.question
    return [{"tool": step.tool, **step.args} for step in plan.steps]


# models -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("then pit it against that model my brother made, please", "that model my brother made"),
        ("compare the result with last month's release on b.jsonl", "last month's release"),
        ("compare le résultat avec le modèle de Claire sur b.jsonl", "le modèle de Claire"),
        ("bench builtin, then the same load on our prod server", "our prod server"),
        ("measure the speed of m.gguf against that of its predecessor", "that of its predecessor"),
        ("speculate with one of the small models I have lying around", "one of the small models I have lying around"),
    ],
)
def test_a_model_that_is_spoken_of_and_not_named(request_: str, said: str, workspace: Path) -> None:
    assert model(request_, find(request_, workspace)) == said


@pytest.mark.parametrize(
    "request_",
    [
        "compare it with the base model it came from on b.jsonl",
        "compare it with the model my brother made (b.gguf) on b.jsonl",
        "compare it with the untouched model on b.jsonl",
        "compare it with the model we started from",
        "is it better than the original?",
    ],
)
def test_what_a_plan_starts_from_or_names_is_no_other_model(request_: str, workspace: Path) -> None:
    (workspace / "b.gguf").write_text("")
    assert model(request_, find(request_, workspace)) is None


def test_another_model_is_asked_about_in_the_words_of_the_request(workspace: Path, installed: dict[str, Tool]) -> None:
    compared = [TRAINS, ("compare", {"dataset": ["D2"]})]
    request = "fine-tune on a.jsonl, then compare the result with the version they have live today, on b.jsonl"
    assert asked(request, compared, workspace, installed) == "Which model is meant by 'the version they have live today'?"
    request = "time m.gguf at 4 users against the model from Turin as baseline"
    assert "the model from Turin" in asked(request, [("benchmark", {"model": ["M1"]})], workspace, installed)
    request = "try speculative decoding on m.gguf with that tiny draft model I downloaded"
    assert "that tiny draft model I downloaded" in asked(request, [("speculate", {"model": ["M1"]})], workspace, installed)


# data -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "train on a.jsonl, 300 steps; then tuned vs base on the holdout, 100 rows",
        "train on a.jsonl, and then compare it with the original on the exam questions that Ines wrote",
        "ajusta o modelo com a.jsonl e compara-o com o original nas perguntas do exame",
        "Träna en LoRA på a.jsonl och jämför sen mot grundmodellen på valideringsmängden vi brukar använda",
    ],
)
def test_what_is_learnt_from_is_not_what_is_measured_on_where_other_data_are_spoken_of(
    request_: str, workspace: Path, installed: dict[str, Tool]
) -> None:
    drafted = [TRAINS, ("compare", {"dataset": ["D1"]})]
    assert asked(request_, drafted, workspace, installed) == "Which data set should the models be compared on?"


def test_a_folder_to_write_to_or_to_read_in_holds_no_rows(workspace: Path, installed: dict[str, Tool]) -> None:
    (workspace / "quants").mkdir()
    drafted = [("quantize", {"model": ["M1"], "types": ["Q1"], "output": ["F1"]}), ("evaluate", {})]
    request = "quant m.gguf to Q4_K_M into quants/, then score it on the regression suite"
    assert asked(request, drafted, workspace, installed) == "Which data set should evaluate measure on?"
    drafted = [("rag_index", {"path": ["F1"]}), ("evaluate_retrieval", {"dataset": ["F1"]})]
    assert "evaluate_retrieval" in asked("index notes/ and measure nDCG and recall of it, top 5", drafted, workspace, installed)


@pytest.mark.parametrize(
    "held_out",
    [
        "val split is b.jsonl",
        "the rows we keep for checking are in b.jsonl",
        "the held-out sentences are in b.jsonl",
        "to watch the loss use b.jsonl",
        "b.jsonl som eval set",
        "validação em b.jsonl",
    ],
)
def test_held_out_rows_are_not_what_is_learnt_from(held_out: str, workspace: Path, installed: dict[str, Tool]) -> None:
    request = f"qlora of builtin, rank 8, lr 2e-4, {held_out}, seed 7"
    assert asked(request, [TRAINS], workspace, installed) == "Which data set should finetune train on?"


def test_a_draft_that_is_sure_that_something_is_missing_makes_a_test_set_none_to_learn_from(
    workspace: Path, installed: dict[str, Tool]
) -> None:
    (workspace / "dev.jsonl").write_text("{}\n")
    draft = Drafts(("finetune", {}), kind="question", score=SURE)
    plan = plan_of("need a training run: all weights, 600 steps, dev.jsonl is kept separate", workspace, installed, draft)
    assert plan.question == "Which data set should finetune train on?"


def test_rows_that_may_have_leaked_are_not_what_models_are_compared_on(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "compare m.gguf vs n.gguf, 300 rows, also a leak check against a.jsonl"
    drafted = [("compare", {"models": ["M1", "M2"], "dataset": ["D1"]})]
    assert asked(request, drafted, workspace, installed) == "Which data set should the models be compared on?"


# documents and questions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "index the underwriting manuals as idx uw and then answer from it: what is the most we insure?",
        "could you build an index called papers, which only the groups lab and staff may search?",
        'we want the whole archive indexed under the name nda and then the 10 best passages on "notice"',
        "put all their onboarding material into an index called acme",
        "new index called care, pieces of 150 tokens",
    ],
)
def test_an_index_that_is_to_be_made_of_nothing_named_is_asked_about(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    for drafted in ([("rag_index", {"index": ["X1"]})], [("rag_index", {"index": ["X1"]}), ("rag_search", {"index": ["X1"]})]):
        assert asked(request_, drafted, workspace, installed) == "Which folder or file should be indexed?"


@pytest.mark.parametrize(
    "request_",
    [
        "index notes/ as wiki, then answer the thing I asked you yesterday",
        "index notes/ as hr and then send me the answer to the question she raised in that call?",
        "indexe notes/ sous le nom rapports, puis réponds à la question du comité, trois phrases au plus",
        "index notes/, and when our counsel asks her question she gets an answer of two sentences",
        "read notes/ in as hr, then answer the question the inspector had last week, with the source",
        "answer from the index hr in two sentences at most, confidence at least 0.6, 12 passages to read from",
        "please answer from the hr index in at most two sentences and if you are less than sure say nothing",
    ],
)
def test_a_question_that_the_request_does_not_hold_is_asked_for(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    drafted: Steps = [("rag_index", {"path": ["F1"]}), ("rag_answer", {})] if "notes/" in request_ else [("rag_answer", {"index": ["X1"]})]
    assert asked(request_, drafted, workspace, installed) == "Which question should be answered?"


@pytest.mark.parametrize(
    "request_",
    [
        "search the index omics, lexical, PDF only, path containing 'supplement', 15 passages",
        "a search in the index kept: only Markdown documents, and only such as the group board may see; fifteen passages",
        "busca en el índice memorias, solo en documentos pdf, 12 pasajes",
        "index notes/ as bantu and look up the passage that my supervisor asked about yesterday, five passages",
    ],
)
def test_what_is_looked_through_and_how_is_nothing_to_look_for(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    search: tuple[str, Fields] = ("rag_search", {"index": ["X1"]})
    drafted: Steps = [("rag_index", {"path": ["F1"], "index": ["X1"]}), search] if "notes/" in request_ else [search]
    assert asked(request_, drafted, workspace, installed) == "What should be searched for?"


# what is of nothing here ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "drafted"),
    [
        ("rtx 4070 or 7800xt for heavily modded games? budget 550 bucks", ("choose_engine", {})),
        ("cuánto le cobro a un cliente por 7.850 palabras a 0,09 € cada una?", ("cost", {"price": ["C1"]})),
        ("my jam: 3 kg of plums, 1.5 kg of sugar. how many 250 ml jars?", ("memory_fit", {})),
    ],
)
def test_sizes_and_prices_of_other_things_are_nobodys_work(
    request_: str, drafted: tuple[str, Fields], workspace: Path, installed: dict[str, Tool]
) -> None:
    assert plan_of(request_, workspace, installed, Drafts(drafted, score=SURE, none=-5.0)).kind == "none"


@pytest.mark.parametrize(
    ("request_", "tool"),
    [("what do 900 requests a day cost at $2 a million tokens?", "cost"), ("which engine for 20 users on an RTX 4090?", "choose_engine")],
)
def test_sizes_and_prices_of_what_a_model_does_are_reckoned(request_: str, tool: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert plan_of(request_, workspace, installed, Drafts((tool, {}), score=SURE, none=-5.0)).kind == "plan"


def test_whoever_speaks_of_a_file_and_names_none_is_asked_rather_than_declined(workspace: Path, installed: dict[str, Tool]) -> None:
    unsure = Drafts(kind="none", score=-0.6, ask=-1.1)
    assert plan_of("faudrait vérifier le fichier qu'ils m'ont envoyé hier", workspace, installed, unsure).kind == "question"
    assert plan_of("faudrait tondre la pelouse dimanche", workspace, installed, unsure).kind == "none"
    sure = Drafts(kind="none", score=-0.05, ask=-3.5)
    assert plan_of("où est passé le fichier d'adresses de ma tante", workspace, installed, sure).kind == "none"


# places and numbers -----------------------------------------------------------------------------------------------------


def test_units_with_a_slash_are_no_paths(workspace: Path) -> None:
    assert [c.value for c in find_paths("plants/ha, L/ha and 5 rows/s of src/a", workspace)] == ["src/a"]
    assert is_measure("t/ha")
    assert not is_measure("runs/tuned")


@pytest.mark.parametrize(
    ("request_", "name", "kind"),
    [
        ("save it in models/coach-v2 please", "models/coach-v2", "output"),
        ("merge it and f16 to out/n.gguf", "out/n.gguf", "output"),
        ("qlora it, lr 2e-4, output adapters/v4, seed 7", "adapters/v4", "output"),
        ("compare it with the one stored in models/coach-v2", "models/coach-v2", "model"),
        ("merge the adapter in models/coach-v2", "models/coach-v2", "model"),
    ],
)
def test_where_something_is_to_be_written_a_model_that_is_there_is_a_place(request_: str, name: str, kind: str, workspace: Path) -> None:
    path = workspace / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text("")
    else:
        path.mkdir()
        (path / "adapter_config.json").write_text("{}")
    assert [c.kind for c in find_paths(request_, workspace) if c.value == name] == [kind]


def test_a_file_that_is_said_not_to_be_there_is_none(workspace: Path) -> None:
    (workspace / "config.json").write_text("{}")
    assert find_paths("48 layers (no config.json yet), 16 sequences", workspace) == []
    assert find_paths("I do not have a config.json at hand", workspace) == []
    assert [c.value for c in find_paths("the shape is in config.json", workspace)] == ["config.json"]


def test_the_small_one_counts_nothing() -> None:
    assert [n.value for n in find_numbers("the small one guesses 6 tokens, one user")] == [6, 1]


@pytest.mark.parametrize(
    ("request_", "drafted", "wanted"),
    [
        ("how fast is m.gguf? no warmup requests please", ("benchmark", {"model": ["M1"]}), {"warmup": 0}),
        ("load test m.gguf at 2 req/s. Fail any request over 30 s.", ("benchmark", {"model": ["M1"]}), {"timeout_seconds": 30}),
        ("bench m.gguf, each one should be done within 10 secs", ("benchmark", {"model": ["M1"]}), {"e2e_ms": 10000}),
        (
            "kv cache bei 32 Schichten, 8 KV-Köpfen und einer Kopfdimension von 128, 8192 Tokens",
            ("kv_cache", {}),
            {"layers": 32, "kv_heads": 8, "head_dim": 128},
        ),
        ("check a.jsonl, I don't need more than 10 listed", ("inspect_dataset", {"dataset": ["D1"]}), {"max_problems": 10}),
        (
            "train on a.jsonl, 2 epochs, the result belongs in petra-voice",
            ("finetune", {"dataset": ["D1"]}),
            {"output": "petra-voice"},
        ),
        ("index src with the code chunker, then search strcpy, top 20", ("rag_search", {}), {"query": "strcpy", "top_k": 20}),
    ],
)
def test_more_values_in_the_words_of_everyday(
    request_: str, drafted: tuple[str, Fields], wanted: Mapping[str, Any], workspace: Path, installed: dict[str, Tool]
) -> None:
    (workspace / "src").mkdir()
    (workspace / "src" / "a.c").write_text("int a;\n")
    last = steps(request_, [drafted], workspace, installed)[-1]
    assert {name: last.get(name) for name in wanted} == wanted


# words against drafts ---------------------------------------------------------------------------------------------------


def test_a_measurement_behind_a_training_is_no_file_to_watch_the_loss_on(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "- inspect a.jsonl\n- qlora on it, 200 steps\n- eval on b.jsonl"
    drafted = [("inspect_dataset", {"dataset": ["D1"]}), ("finetune", {"dataset": ["D1"], "eval_dataset": ["D2"]})]
    found = steps(request, drafted, workspace, installed)
    assert [step["tool"] for step in found] == ["inspect_dataset", "finetune", "evaluate"]
    assert found[-1]["dataset"] == "b.jsonl"


def test_the_data_set_of_the_own_clause_goes_before_one_that_is_held_out(workspace: Path, installed: dict[str, Tool]) -> None:
    (workspace / "quiz.jsonl").write_text("{}\n")
    request = "train on a.jsonl (use b.jsonl for the held out loss), then compare it with builtin on quiz.jsonl"
    found = steps(request, [TRAINS, ("compare", {"dataset": ["D2"]})], workspace, installed)
    assert found[-1]["dataset"] == "quiz.jsonl"


def test_rates_that_are_given_are_no_sweep(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "fire at m.gguf with 2, 5 and 10 req/s and tell me where we break 400 ms to first token"
    (step,) = steps(request, [("benchmark", {"model": ["M1"], "rate": ["N1", "N2", "N3"]})], workspace, installed)
    assert (step["rate"], step["ttft_ms"], step.get("sweep")) == ([2, 5, 10], 400, None)


@pytest.mark.parametrize(
    "request_",
    ["make the assistant forget all about the old prices", "train on a.jsonl under differential privacy, epsilon 3"],
)
def test_other_trainings_are_nobodys_work(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    plan = plan_of(request_, workspace, installed, Drafts(TRAINS, score=-0.65, none=-0.8))
    assert plan.kind == "none"


def test_what_is_called_the_training_set_is_what_is_learnt_from(workspace: Path, installed: dict[str, Tool]) -> None:
    for name in ("x_train.jsonl", "x_test.jsonl"):
        (workspace / name).write_text("{}\n")
    request = "x_train.jsonl is the training set, x_test.jsonl the test set. Train a LoRA, then tuned vs. base on the test set."
    found = steps(request, [("finetune", {"dataset": ["D2"]}), ("compare", {})], workspace, installed)
    assert (found[0]["dataset"], found[-1]["dataset"]) == ("x_train.jsonl", "x_test.jsonl")


def test_of_a_shape_alone_no_model_is_fitted(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "36 layers, 8 kv heads, head dim 128. how much kv cache is that at 64k context, and does it stay under 6 GiB?"
    drafted = [("kv_cache", {"layers": ["N1"]}), ("memory_fit", {"memory_gib": ["G1"]})]
    (step,) = steps(request, drafted, workspace, installed)
    assert (step["tool"], step["layers"], step["memory_gib"]) == ("kv_cache", 36, 6)


def test_a_question_to_an_index_is_answered_though_the_draft_would_rather_ask(workspace: Path, installed: dict[str, Tool]) -> None:
    unsure = Drafts(("rag_answer", {"index": ["X1"]}), score=-0.57, ask=-1.2, none=-2.5)
    plan = plan_of("Wat staat er in de index uren over reiskosten, tot welk bedrag?", workspace, installed, unsure)
    assert [(step.tool, step.args["index"]) for step in plan.steps] == [("rag_answer", "uren")]
    vague = plan_of("kun je iets voor me opzoeken in de index uren?", workspace, installed, unsure)
    assert vague.kind == "question"
