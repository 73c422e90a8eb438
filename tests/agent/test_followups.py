"""What a request means after others: things it refers to, an earlier plan again, a question about what was done."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from modelwright.agent.followups import Again, Answer, Ask, GoOn, read
from modelwright.agent.followups.answers import kind_of
from modelwright.agent.followups.mentions import mentions
from modelwright.agent.followups.things import made_models
from modelwright.agent.followups.turns import is_own, listed
from modelwright.agent.past import Past
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning.evidence import unsupported
from modelwright.graphs.planning.planner import Planner
from modelwright.tools import load_all
from modelwright.types import Thing
from modelwright.workspace import Workspace
from tests.agent.past_runs import compare, evaluate, export, finetune, quantize, score, write_run


@pytest.fixture
def place(workspace: Path) -> Workspace:
    for name in ("train.jsonl", "dev.jsonl", "eval.jsonl", "other.jsonl"):
        (workspace / name).write_text('{"prompt": "q", "completion": "a"}\n', encoding="utf-8")
    for name in ("a.gguf", "b.gguf"):
        (workspace / name).write_bytes(b"GGUF")
    return Workspace(workspace)


def spoken(request: str, pasts: list[Past], place: Workspace) -> list[Thing]:
    """The things that the request's words stand for."""
    meaning = read(request, pasts, place)
    assert isinstance(meaning, Ask), meaning
    return [thing for thing in meaning.things if thing.label]


def models(request: str, pasts: list[Past], place: Workspace) -> list[str]:
    return [thing.value for thing in spoken(request, pasts, place) if thing.kind == "model"]


# references ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    ["now quantize it", "quantize that model to Q8_0", "quantize the adapter", "jetzt quantisiere das Modell", "cuantiza el modelo"],
)
def test_it_is_the_model_that_was_made_last_with_its_source(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "fine-tune builtin on train.jsonl", finetune(place.root))
    thing = next(t for t in spoken(request_, [past], place) if t.kind == "model")
    assert (thing.value, thing.source) == ("tuned", f"session: run {past.run.id} step s1 model")
    assert thing.label.lower() in request_.lower()


def test_a_plan_says_that_the_model_it_takes_comes_from_a_step_that_was_not_verified(db: sqlite3.Connection, place: Workspace) -> None:
    failed = [{"name": "loss fell", "passed": False, "detail": "4.13 to 4.32"}]
    past = write_run(db, "tune", finetune(place.root), status="unverified", checks=failed)
    meaning = read("now quantize it to Q8_0", [past], place)
    assert isinstance(meaning, Ask)
    plan = Planner(None, load_all(), place.root).plan("now quantize it to Q8_0", (), meaning.things)
    assert plan.steps[0].args["model"] == "tuned"
    assert plan.steps[0].sources["model"] == f"session: run {past.run.id} step s1 model (not verified)"
    assert unsupported(plan, place.root, things=meaning.things) == []


def test_a_model_is_not_a_data_set(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "fine-tune", finetune(place.root))
    assert [(t.kind, t.value) for t in spoken("evaluate it", [past], place)] == [("model", "tuned")]
    assert [(t.kind, t.value) for t in spoken("inspect it", [past], place)] == [("dataset", "train.jsonl")]
    assert [(t.kind, t.value) for t in spoken("fine-tune a new one on it", [past], place)][-1] == ("dataset", "train.jsonl")
    assert [(t.kind, t.value) for t in spoken("train qlora on the same data", [past], place)] == [("dataset", "train.jsonl")]


def test_the_same_data_is_that_of_the_tool_that_is_named(db: sqlite3.Connection, place: Workspace) -> None:
    scores = (score(0.3, 0.2, 0.4), score(0.8, 0.7, 0.9))
    past = write_run(db, "tune and compare", finetune(place.root), compare("builtin", "tuned", scores, "better"))
    assert [t.value for t in spoken("compare a.gguf with b.gguf on the same data", [past], place)] == ["eval.jsonl"]
    assert [t.value for t in spoken("fine-tune a.gguf on the same data", [past], place)] == ["train.jsonl"]


def test_what_quantize_made_is_not_quantized_again(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "all of it", finetune(place.root), export(place.root), quantize(place.root))
    assert models("quantize it to Q4_K_M", [past], place) == ["tuned.gguf"]
    assert models("how good is it on eval.jsonl?", [past], place) == ["tuned-Q8_0.gguf"]
    assert models("export the adapter to hf", [past], place) == ["tuned"]
    assert models("evaluate the quantized one on eval.jsonl", [past], place) == ["tuned-Q8_0.gguf"]


def test_what_one_step_made_several_of_is_asked_about(db: sqlite3.Connection, place: Workspace) -> None:
    made = ("quantize", {"model": "a.gguf"}, {"models": ["a-Q6_K.gguf", "a-Q8_0.gguf"]})
    past = write_run(db, "quantize a.gguf", made)
    with pytest.raises(QuestionOpen, match=r"(?s)'it' can be any of these.*a-Q6_K\.gguf, a-Q8_0\.gguf.*say both"):
        read("now measure how fast it is", [past], place)
    assert set(models("compare both on eval.jsonl", [past], place)) == {"a-Q6_K.gguf", "a-Q8_0.gguf"}


def test_the_latest_turn_counts(db: sqlite3.Connection, place: Workspace) -> None:
    first = write_run(db, "tune", finetune(place.root))
    second = write_run(db, "how good is a.gguf", evaluate("a.gguf", score(0.5, 0.4, 0.6)))
    assert models("quantize it", [second, first], place) == ["a.gguf"]


def test_both_are_the_last_two_with_the_baseline_first(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "compare", compare("a.gguf", "b.gguf", (score(0.3, 0.2, 0.4), score(0.8, 0.7, 0.9)), "better"))
    assert models("evaluate both on other.jsonl", [past], place) == ["a.gguf", "b.gguf"]
    tuned = write_run(db, "tune", finetune(place.root))
    assert models("compare both on eval.jsonl", [tuned], place) == ["builtin", "tuned"]


def test_the_original_is_what_the_made_model_started_from(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune and export", finetune(place.root), export(place.root))
    assert models("evaluate it and the original on eval.jsonl", [past], place) == ["tuned.gguf", "builtin"]


@pytest.mark.parametrize(
    "said", ["it with the original", "the quantized one to the original", "the original with it", "it against the base model"]
)
def test_a_comparison_has_the_original_first_as_its_baseline(said: str, db: sqlite3.Connection, place: Workspace) -> None:
    (place.root / "tuned.gguf").write_bytes(b"GGUF")
    tuned = write_run(db, "tune", finetune(place.root))
    small = write_run(db, "quantize it", export(place.root, "tuned"), quantize(place.root, "$s1.model"))
    (place.root / "tuned-Q8_0.gguf").write_bytes(b"GGUF")
    meaning = read(f"compare {said} on eval.jsonl", [small, tuned], place)
    assert isinstance(meaning, Ask)
    plan = Planner(None, load_all(), place.root).plan(f"compare {said} on eval.jsonl", (), meaning.things)
    assert plan.steps[0].args["models"] == ["tuned", "tuned-Q8_0.gguf"]


def test_the_best_one_is_the_one_that_measured_best(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "compare", compare("a.gguf", "b.gguf", (score(0.3, 0.2, 0.4), score(0.8, 0.7, 0.9)), "better"))
    assert models("quantize the best one", [past], place) == ["b.gguf"]


def test_the_best_one_is_asked_about_when_the_numbers_do_not_tell(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "compare", compare("a.gguf", "b.gguf", (score(0.5, 0.2, 0.8), score(0.6, 0.3, 0.9)), "cannot tell"))
    with pytest.raises(QuestionOpen, match=r"(?s)cannot tell which is best.*name the model") as caught:
        read("quantize the best one", [past], place)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "request_",
    [
        "take a.gguf and quantize it",
        "it would be nice to have a joke",
        "is that file.gguf broken?",
        "check that the weather is fine",
        'inspect "it.jsonl"',
    ],
)
def test_words_that_stand_for_nothing_earlier_are_left_alone(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", finetune(place.root))
    assert models(request_, [past], place) == []


def test_what_is_not_spoken_of_is_only_offered(db: sqlite3.Connection, place: Workspace) -> None:
    meaning = read("quantize something", [write_run(db, "tune", finetune(place.root))], place)
    assert isinstance(meaning, Ask)
    assert {thing.label for thing in meaning.things} == {""}
    assert meaning.things[0].value == "tuned"


def test_models_stay_on_offer_however_many_questions_came_since(db: sqlite3.Connection, place: Workspace) -> None:
    made = write_run(db, "fine-tune", finetune(place.root))
    for n in range(25):
        write_run(db, f"question {n}", evaluate("a.gguf", score(0.5, 0.4, 0.6)))
    assert made_models(place) == {"tuned": f"finetune, run {made.run.id}"}


def test_without_a_past_nothing_is_meant(place: Workspace) -> None:
    assert read("now quantize it", [], place) == Ask()


def test_a_longer_phrase_is_not_read_as_a_shorter_one(place: Workspace) -> None:
    assert [m.text for m in mentions("evaluate the best one on the same data", place.root)] == ["the best one", "the same data"]


# again -----------------------------------------------------------------------------------------------------------------


def changes(request: str, pasts: list[Past], place: Workspace) -> dict[str, dict[str, object]]:
    meaning = read(request, pasts, place)
    assert isinstance(meaning, Again), meaning
    return meaning.changes


@pytest.mark.parametrize(
    ("request_", "changed"),
    [
        ("again with rank 32", {"s1": {"lora_rank": 32}}),
        ("same but 3 epochs", {"s1": {"epochs": 3}}),
        ("once more with q5_k_m", {"s3": {"types": ["Q5_K_M"]}}),
        ("the same thing with dora and learning rate 1e-4", {"s1": {"method": "dora", "learning_rate": 1e-4}}),
        ("repeat that, lora_rank=8", {"s1": {"lora_rank": 8}}),
        ("train again on other.jsonl", {"s1": {"dataset": "other.jsonl"}}),
        ("noch einmal mit 3 epochs", {"s1": {"epochs": 3}}),
        ("otra vez con rank 32", {"s1": {"lora_rank": 32}}),
        ("again", {}),
    ],
)
def test_again_changes_what_is_said_and_nothing_else(request_: str, changed: object, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "all of it", finetune(place.root), export(place.root), quantize(place.root))
    meaning = read(request_, [past], place)
    assert isinstance(meaning, Again)
    assert meaning.changes == changed
    for step, old in zip(meaning.plan.steps, past.plan.steps if past.plan else [], strict=True):
        assert step.args == {**old.args, **meaning.changes.get(step.id, {})}
        assert set(step.sources) == set(step.args)


@pytest.mark.parametrize(
    "request_",
    [
        "now the same for other.jsonl", "the same with other.jsonl", "again for other.jsonl", "do that with other.jsonl too",
        "das gleiche für other.jsonl", "mach das auch mit other.jsonl", "jetzt dasselbe mit other.jsonl",
    ],
)  # fmt: skip
def test_the_same_for_another_file_replaces_the_file(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "what is in train.jsonl?", ("inspect_dataset", {"dataset": "train.jsonl"}, None))
    assert changes(request_, [past], place) == {"s1": {"dataset": "other.jsonl"}}


def test_a_bare_name_is_looked_for_beside_what_the_plan_took(db: sqlite3.Connection, place: Workspace) -> None:
    (place.root / "tone").mkdir()
    for name in ("train.jsonl", "exam.jsonl"):
        (place.root / "tone" / name).write_text("{}\n", encoding="utf-8")
    past = write_run(db, "what is in tone/train.jsonl?", ("inspect_dataset", {"dataset": "tone/train.jsonl"}, None))
    assert changes("now the same for exam.jsonl", [past], place) == {"s1": {"dataset": "tone/exam.jsonl"}}
    with pytest.raises(QuestionOpen, match=r"gone\.jsonl does not exist"):
        read("now the same for gone.jsonl", [past], place)


@pytest.mark.parametrize(
    ("said", "own"),
    [
        *(("how long did it take?", True), ("now quantize it", True), ("help", True), ("again with rank 32", True), ("go on", True)),
        *(("what is in other.jsonl?", True), ("evaluate builtin on eval.jsonl", True)),
        *(("train.jsonl", False), ("take train.jsonl please", False), ("train", False), ("other.jsonl?", False), ("yes", False)),
        *(("the second one", False), ("fine-tune on other.jsonl", False), ("help.jsonl", False)),
    ],
)  # fmt: skip
def test_what_is_a_turn_of_its_own_is_no_answer(said: str, own: bool, place: Workspace) -> None:
    pending = {"question": "Which data set should finetune train on?", "choices": ["train.jsonl", "dev.jsonl"]}
    assert is_own(said, pending, place.root) is own


@pytest.mark.parametrize(
    ("said", "choice"),
    [
        *(("the train one", "data/train.jsonl"), ("use dev please", "dev.jsonl"), ("the second one", "dev.jsonl")),
        *(("the data one", ""), ("jsonl", ""), ("the third", ""), ("yes", ""), ("something else", "")),
    ],
)  # fmt: skip
def test_words_that_point_to_one_listed_answer_are_that_answer(said: str, choice: str) -> None:
    assert listed(said, ["data/train.jsonl", "dev.jsonl"]) == choice


def test_words_that_are_asked_for_are_answers_and_an_unclear_request_is_said_anew(place: Workspace) -> None:
    wanted = {"question": "Which question should be answered?", "choices": []}
    assert not is_own("how long is the warranty?", wanted, place.root)
    assert is_own("the tone thing", {"question": "What should be done, and with which model or data?", "choices": []}, place.root)


def test_sources_tell_old_from_new(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", finetune(place.root))
    meaning = read("again with rank 32", [past], place)
    assert isinstance(meaning, Again)
    sources = meaning.plan.steps[0].sources
    assert (sources["dataset"], sources["lora_rank"]) == (f"session: run {past.run.id}", "request[16:18]")


def test_again_means_the_newest_plan_with_the_tool_that_is_named(db: sqlite3.Connection, place: Workspace) -> None:
    tuned = write_run(db, "tune", finetune(place.root))
    measured = write_run(db, "how good", evaluate("tuned", score(0.5, 0.4, 0.6)))
    assert changes("train again with rank 4", [measured, tuned], place) == {"s1": {"lora_rank": 4}}
    assert changes("again with the first 20 rows", [measured, tuned], place) == {"s1": {"limit": 20}}


@pytest.mark.parametrize("request_", ["and with Q8_0?", "what about Q8_0", "und in Q8_0?"])
def test_a_request_without_a_verb_is_the_newest_plan_that_takes_its_value(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize", quantize(place.root, "a.gguf"))
    later = write_run(db, "score", evaluate("a.gguf", score(0.5, 0.4, 0.6)))
    meaning = read(request_, [later, past], place)
    assert isinstance(meaning, Again)
    assert (meaning.run, meaning.changes) == (past.run.id, {"s1": {"types": ["Q8_0"]}})


def test_what_its_words_are_about_tells_the_plan(db: sqlite3.Connection, place: Workspace) -> None:
    cache = write_run(db, "how big is the cache", ("kv_cache", {"model": "mistral-7b", "context_length": 8192}, {}))
    later = write_run(db, "quantize", quantize(place.root, "a.gguf"))
    meaning = read("and the cache in q8_0?", [later, cache], place)
    assert isinstance(meaning, Again)
    assert (meaning.run, meaning.changes) == (cache.run.id, {"s1": {"dtype": "q8_0"}})


@pytest.mark.parametrize("request_", ["and quantize it to Q8_0?", "and what is the capital of France?", "is Q8_0 good?"])
def test_a_request_with_a_verb_or_without_a_value_is_a_new_one(request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize", quantize(place.root, "a.gguf"))
    assert not isinstance(read(request_, [past], place), Again)


def test_a_tool_that_no_plan_had_goes_to_the_planner(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", finetune(place.root))
    assert isinstance(read("quantize it once more", [past], place), Ask)


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ("again with dropout 0.1", "what is 'again with dropout 0.1' for"),
        ("again on nope.jsonl", "nope.jsonl does not exist"),
        ("again with q4_k_m", "Q4|q4"),
    ],
)
def test_a_value_that_no_step_takes_is_asked_about(request_: str, asked: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", finetune(place.root))
    with pytest.raises(QuestionOpen, match=asked):
        read(request_, [past], place)


def test_a_file_that_could_take_two_places_is_asked_about(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "two", evaluate("a.gguf", score(0.5, 0.4, 0.6)), evaluate("b.gguf", score(0.5, 0.4, 0.6), data="dev.jsonl"))
    with pytest.raises(QuestionOpen, match=r"s1\.dataset eval\.jsonl; s2\.dataset dev\.jsonl"):
        read("again on other.jsonl", [past], place)


@pytest.mark.parametrize("status", ["failed", "interrupted", "running"])
@pytest.mark.parametrize("request_", ["try again", "again please", "go on", "continue"])
def test_after_a_failure_again_goes_on_with_it(status: str, request_: str, db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", ("finetune", {"dataset": "train.jsonl"}, None), status=status)
    assert read(request_, [past], place) == GoOn(past.run.id)


def test_go_on_means_what_was_stopped_before_what_failed(db: sqlite3.Connection, place: Workspace) -> None:
    stopped = write_run(db, "tune", finetune(place.root), status="interrupted")
    failed = write_run(db, "how fast is it", ("benchmark", {"model": "a.gguf"}, None), status="failed", error={"message": "x", "fix": ""})
    assert read("go on", [failed, stopped], place) == GoOn(stopped.run.id)
    assert read("resume the fine-tuning", [failed, stopped], place) == GoOn(stopped.run.id)
    assert read("try again", [failed, stopped], place) == GoOn(failed.run.id)
    assert read("resume the benchmark", [failed, stopped], place) == GoOn(failed.run.id)


def test_go_on_in_a_new_session_means_what_another_one_left(db: sqlite3.Connection, place: Workspace) -> None:
    left = write_run(db, "tune", finetune(place.root), status="interrupted")
    assert read("go on", [], place, lambda: [left]) == GoOn(left.run.id)
    assert read("resume the fine-tuning", [], place, lambda: [left]) == GoOn(left.run.id)
    nothing = read("go on", [], place)
    assert isinstance(nothing, Answer)
    assert "nothing was left unfinished" in nothing.text


def test_a_stop_where_nothing_runs_says_so(db: sqlite3.Connection, place: Workspace) -> None:
    left = write_run(db, "tune", finetune(place.root), status="interrupted")
    said = read("stop", [left], place)
    assert isinstance(said, Answer)
    assert said.text.startswith(f"nothing is running; run {left.run.id} was stopped")


# questions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ("why?", "why"),
        ("Why did it fail?", "why"),
        ("warum?", "why"),
        ("¿por qué falló?", "why"),
        ("which run was best?", "best"),
        ("and which one is better", "best"),
        ("what did you do", "did"),
        ("where is the file?", "where"),
        ("wo ist die Datei?", "where"),
        ("how long did it take?", "time"),
        ("what did it cost", "cost"),
        ("show me the report", "report"),
        ("what can you do?", "able"),
        ("how far did it get?", "progress"),
        ("what is the loss now?", "progress"),
        ("why can't you tell?", "untold"),
        ("how do I quit?", "quit"),
        ("how far is Paris?", None),
        ("thanks for evaluating a.gguf", None),
        ("hi, quantize builtin", None),
        ("help", "help"),
        ("?", "help"),
        ("why is lora better than full fine-tuning", None),
        ("which is better, a.gguf or b.gguf on eval.jsonl?", None),
        ("where is Paris?", None),
        ("help me fine-tune builtin on train.jsonl", None),
        ("how long is the context of a.gguf", None),
        ("show the report on attention papers", None),
        ("what is in train.jsonl?", None),
    ],
)
def test_a_question_is_about_what_was_done_only_without_other_words(request_: str, kind: str | None) -> None:
    assert kind_of(request_) == kind


def answered(request: str, pasts: list[Past], place: Workspace) -> str:
    meaning = read(request, pasts, place)
    assert isinstance(meaning, Answer), meaning
    return meaning.text


def test_why_names_the_error_the_step_and_how_to_mend_it(db: sqlite3.Connection, place: Workspace) -> None:
    error = {"type": "DataError", "message": "train.jsonl line 3 is not JSON", "fix": "mend line 3"}
    past = write_run(db, "tune", ("finetune", {"dataset": "train.jsonl"}, None), status="failed", error=error)
    said = answered("why did it fail?", [past], place)
    for part in (past.run.id, "s1 finetune failed", "line 3 is not JSON", "mend line 3"):
        assert part in said


def test_why_names_the_check_that_did_not_pass(db: sqlite3.Connection, place: Workspace) -> None:
    checks = [{"name": "the loss fell", "passed": False, "detail": "3.1 to 3.2"}]
    past = write_run(db, "tune", finetune(place.root), status="unverified", checks=checks)
    assert "'the loss fell' did not pass: 3.1 to 3.2" in answered("why?", [past], place)


def test_why_names_the_rule_that_denied_or_asks(db: sqlite3.Connection, place: Workspace) -> None:
    decision = {"decision": "deny", "rule": "outside-not-written", "reason": "files are written in the workspace only"}
    denied = write_run(db, "tune", ("finetune", {"dataset": "train.jsonl"}, None), status="denied", decision=decision)
    assert "outside-not-written: files are written in the workspace only" in answered("why not?", [denied], place)
    asking = {"decision": "ask", "rule": "long", "reason": "it takes more than a minute"}
    waits = write_run(db, "tune", ("finetune", {"dataset": "train.jsonl"}, None), status="waiting", decision=asking, asked=["s1"])
    assert "rule long: it takes more than a minute" in answered("why?", [waits], place)


def test_which_was_best_gives_numbers_and_runs(db: sqlite3.Connection, place: Workspace) -> None:
    first = write_run(db, "one", evaluate("a.gguf", score(0.31, 0.25, 0.37)))
    second = write_run(db, "two", evaluate("b.gguf", score(0.82, 0.76, 0.88)))
    said = answered("which run was best?", [second, first], place)
    assert said.startswith(f"b.gguf of run {second.run.id} is best by rubric over eval.jsonl (32 rows)")
    assert f"a.gguf 0.310 [0.250, 0.370] (run {first.run.id} s1)" in said


def test_overlapping_intervals_cannot_tell(db: sqlite3.Connection, place: Workspace) -> None:
    first = write_run(db, "one", evaluate("a.gguf", score(0.5, 0.4, 0.6)))
    second = write_run(db, "two", evaluate("b.gguf", score(0.55, 0.45, 0.65)))
    assert answered("which run was best?", [second, first], place).startswith("cannot tell which is best by rubric")


def test_a_paired_test_outweighs_intervals_that_overlap(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "compare", compare("a.gguf", "b.gguf", (score(0.5, 0.4, 0.6), score(0.58, 0.48, 0.68)), "better"))
    said = answered("which one is better?", [past], place)
    assert said.startswith("b.gguf")
    assert "paired: b.gguf better than a.gguf: +0.080" in said


def test_a_low_perplexity_is_the_better_one(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(
        db,
        "two",
        evaluate("a.gguf", score(12.0, 11.5, 12.5), metric="perplexity"),
        evaluate("b.gguf", score(20.0, 19.0, 21.0), metric="perplexity"),
    )
    assert answered("which run was best?", [past], place).startswith("a.gguf")


def test_scores_over_different_data_are_never_set_against_each_other(db: sqlite3.Connection, place: Workspace) -> None:
    first = write_run(db, "one", evaluate("a.gguf", score(0.9, 0.85, 0.95), data="train.jsonl"))
    second = write_run(db, "two", evaluate("b.gguf", score(0.5, 0.45, 0.55)))
    said = answered("which run was best?", [second, first], place)
    assert said.startswith("only one model was measured by rubric over eval.jsonl")
    assert "a.gguf" not in said


def test_which_was_best_without_measurements_says_so_or_asks_the_planner(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", finetune(place.root))
    assert "no run of this session measured a model" in answered("which run was best?", [past], place)
    assert isinstance(read("which one is better?", [past], place), Ask)


def test_what_where_how_long_and_how_dear_come_from_the_records(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune it", finetune(place.root))
    assert "s1 finetune: done: finetune was run" in answered("what did you do?", [past], place)
    assert f"s1 adapter: {place.root / 'tuned'} (9.8 MB)" in answered("where is the file?", [past], place)
    assert "1:15 min in all" in answered("how long did it take?", [past], place)
    assert "no money, 120 tokens" in answered("what did it cost?", [past], place)
    assert "has no report" in answered("show the report", [past], place)


def test_a_file_that_is_gone_is_said_to_be_gone(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune it", finetune(place.root))
    (place.root / "tuned" / "adapter_config.json").unlink()
    (place.root / "tuned").rmdir()
    assert "no longer there" in answered("where is the file?", [past], place)


def test_the_report_is_shown_with_its_place(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune it", finetune(place.root))
    folder = place.run_dir(past.run.id)
    folder.mkdir(parents=True)
    (folder / "report.md").write_text("# Done\n" + "line\n" * 200, encoding="utf-8")
    said = answered("show the report", [past], place)
    assert said.startswith("# Done")
    assert "121 more lines" in said
    assert str(folder / "report.html") in said


def test_a_cut_run_is_told_with_the_step_it_was_cut_at(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "tune", ("finetune", {"dataset": "train.jsonl"}, None), status="running", started="s1")
    assert (past.unfinished, past.stands()) == (True, f"run {past.run.id} was cut off at s1 finetune")


def test_help_and_tools_need_no_past(place: Workspace) -> None:
    assert "again with rank 32" in answered("help", [], place)
    assert "finetune" in answered("what can you do?", [], place)
    assert answered("why?", [], place) == "nothing was run in this session yet"
