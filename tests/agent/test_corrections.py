"""What is said to a plan that waits: a change of it, a no, a request of its own, or words that come to nothing."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from modelwright import Agent
from modelwright.agent.conversation import open_conversation
from modelwright.agent.followups import Again, Answer, Ask, Reply, corrections, of_plan, read
from modelwright.agent.followups.corrections import Change, Question, Refusal, Request, Unclear, Yes
from modelwright.errors import QuestionOpen
from modelwright.types import Decision, Estimate, Plan, Step
from modelwright.workspace import Workspace
from tests.agent.past_runs import write_run

Json = dict[str, Any]
ASKING = 'version = 1\n[[rule]]\nid = "all-asked"\nwhy = "a test asks for everything"\ndecide = "ask"\ntools = ["*"]\n'
QUANTIZE: Json = {"model": "a.gguf", "types": ["Q4_K_M"]}
TUNE: Json = {"model": "builtin", "dataset": "train.jsonl", "epochs": 3, "lora_rank": 16}


@pytest.fixture(autouse=True)
def files(workspace: Path) -> None:
    row = json.dumps({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})
    (workspace / "data").mkdir()
    for name in ("train.jsonl", "data/b.jsonl", "b.jsonl"):
        (workspace / name).write_text(row + "\n", encoding="utf-8")
    for name in ("a.gguf", "b.gguf"):
        (workspace / name).write_bytes(b"GGUF")
    (workspace / "asking.toml").write_text(ASKING)


@pytest.fixture
def place(workspace: Path) -> Workspace:
    return Workspace(workspace)


def plan(tool: str, args: Json) -> Plan:
    return Plan(steps=[Step(id="s1", tool=tool, args=args)])


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("no, use Q6_K", {"types": ["Q6_K"]}),
        ("No. Use Q6_K please", {"types": ["Q6_K"]}),
        ("q6_k", {"types": ["Q6_K"]}),
        ("Q6_K instead of Q4_K_M", {"types": ["Q6_K"]}),
        ("not Q4_K_M but Q6_K", {"types": ["Q6_K"]}),
        ("don't use Q4_K_M, use Q6_K", {"types": ["Q6_K"]}),
        ("nein, nimm Q6_K", {"types": ["Q6_K"]}),
        ("with b.gguf instead", {"model": "b.gguf"}),
        ("no, quantize b.gguf to Q8_0", {"model": "b.gguf", "types": ["Q8_0"]}),
        ("make it Q5_K_M and Q8_0", {"types": ["Q5_K_M", "Q8_0"]}),
        ("also Q8_0", {"types": ["Q4_K_M", "Q8_0"]}),
        ("and Q3_K_M too", {"types": ["Q4_K_M", "Q3_K_M"]}),
        ("and Q3_K_M", {"types": ["Q4_K_M", "Q3_K_M"]}),
        ("hmm, I'd like Q8_0 as well please", {"types": ["Q4_K_M", "Q8_0"]}),
        ("not only Q4_K_M but also Q8_0", {"types": ["Q4_K_M", "Q8_0"]}),
        ("and only Q8_0", {"types": ["Q8_0"]}),
        ("can you use Q6_K?", {"types": ["Q6_K"]}),
        ("what about Q6_K?", {"types": ["Q6_K"]}),
        ("yes, but use Q6_K", {"types": ["Q6_K"]}),
    ],
)
def test_only_what_is_said_changes_in_a_quantization(said: str, changes: Json, workspace: Path) -> None:
    assert corrections.read(said, plan("quantize", QUANTIZE), workspace) == Change({"s1": changes})


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("no, only 2 epochs", {"epochs": 2}),
        ("use rank 8 instead", {"lora_rank": 8}),
        ("not rank 16 but rank 8", {"lora_rank": 8}),
        ("rank 8 please", {"lora_rank": 8}),
        ("with the other file data/b.jsonl", {"dataset": "data/b.jsonl"}),
        ("no, train on b.jsonl", {"dataset": "b.jsonl"}),
        ("no, with learning rate 1e-4 and 2 epochs", {"learning_rate": 1e-4, "epochs": 2}),
        ("epochs=1", {"epochs": 1}),
    ],
)
def test_only_what_is_said_changes_in_a_training(said: str, changes: Json, workspace: Path) -> None:
    assert corrections.read(said, plan("finetune", TUNE), workspace) == Change({"s1": changes})


def test_a_list_that_is_not_given_is_added_to_what_it_would_be(workspace: Path) -> None:
    bare = plan("quantize", {"model": "a.gguf"})
    assert corrections.read("also Q4_K_M", bare, workspace) == Change({"s1": {"types": ["Q8_0", "Q4_K_M"]}})
    told = Plan(steps=[bare.steps[0].model_copy(update={"defaults": {"types": ["Q5_K_M"]}})])
    assert corrections.read("also Q4_K_M", told, workspace) == Change({"s1": {"types": ["Q5_K_M", "Q4_K_M"]}})


@pytest.mark.parametrize("said", ["yes", "ok", "Yes, go ahead.", "sure", "looks good", "go on", "ja", "y"])
def test_a_yes_in_words_is_no_consent(said: str, workspace: Path) -> None:
    assert corrections.read(said, plan("quantize", QUANTIZE), workspace) == Yes()


@pytest.mark.parametrize(
    "said", ["how long will it take?", "yes, but how long will it take?", "why?", "how much memory does it need", "is it safe?", "help"]
)
def test_a_question_about_the_plan_is_no_change_and_no_request(said: str, workspace: Path) -> None:
    assert isinstance(corrections.read(said, plan("quantize", QUANTIZE), workspace), Question)


def test_the_plan_answers_from_its_estimates(workspace: Path) -> None:
    step = Step(id="s1", tool="quantize", args=QUANTIZE, sources={"model": "request[0:6]"}, defaults={"threads": 2})
    known = Plan(
        steps=[step.model_copy(update={"estimate": Estimate(seconds=90, memory_bytes=10**9), "decision": Decision.ASK, "rule": "made"})]
    )
    place = Workspace(workspace)
    assert of_plan.answer("how long will it take?", known, place).startswith("s1 quantize: about 1:30")
    assert "rule made" in of_plan.answer("why?", known, place)
    assert "types is Q4_K_M" in of_plan.answer("what does it do?", known, place)
    assert "the plan does not tell" in of_plan.answer("is it safe?", known, place)


@pytest.mark.parametrize("said", ["no", "No.", "nope", "no thanks", "nein", "n", "never mind", "cancel", "stop it", "forget it"])
def test_a_plain_no_refuses(said: str, workspace: Path) -> None:
    assert corrections.read(said, plan("quantize", QUANTIZE), workspace) == Refusal()


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("evaluate b.gguf on train.jsonl", Request("evaluate b.gguf on train.jsonl")),
        ("quantize b.gguf to Q8_0", Request("quantize b.gguf to Q8_0")),
        ("no, evaluate it on train.jsonl", Request("evaluate it on train.jsonl", instead=True)),
        ("what is in train.jsonl?", Request("what is in train.jsonl?")),
    ],
)
def test_a_request_of_its_own_changes_nothing(said: str, wanted: Request, workspace: Path) -> None:
    assert corrections.read(said, plan("quantize", QUANTIZE), workspace) == wanted


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("no, too slow", "nothing of the plan is changed"),
        ("can you make it faster?", "nothing of the plan is changed"),
        ("I am not quite sure whether this is what I had in mind", "nothing of the plan is changed"),
        ("add an evaluation on train.jsonl at the end", "add no step"),
        ("wait", "nothing runs until it is allowed"),
        ("no, use c.jsonl", "c.jsonl does not exist"),
        ("use 3 epochs", "what is 'use 3 epochs'|what is '3 epochs'"),
    ],
)
def test_words_that_come_to_nothing_say_why(said: str, why: str, workspace: Path) -> None:
    found = corrections.read(said, plan("quantize", QUANTIZE), workspace)
    assert isinstance(found, Unclear), found
    assert re.search(why, found.why), found.why


# in a session, without anybody at the terminal -----------------------------------------------------------------------------


def test_words_to_a_run_that_waits_change_that_run(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize a.gguf", ("quantize", QUANTIZE, None), status="waiting", asked=["s1"])
    meaning = read("no, use Q6_K", [past], place)
    assert isinstance(meaning, Reply)
    assert (meaning.run, meaning.reply) == (past.run.id, {"edit": {"s1": {"types": ["Q6_K"]}}})
    assert read("no", [past], place) == Reply(past.run.id, {"reject": {"s1": ""}})
    assert read("never mind", [past], place) == Reply(past.run.id, {"reject": {"s1": ""}})


def test_a_yes_or_a_question_to_a_run_that_waits_starts_nothing(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize a.gguf", ("quantize", QUANTIZE, None), status="waiting", asked=["s1"])
    assert read("yes", [past], place) == Answer(f"words allow nothing: `modelwright resume {past.run.id} --approve` does", 3)
    asked = read("yes, but how long will it take?", [past], place)
    assert isinstance(asked, Answer)
    assert asked.text == "s1 quantize: unknown, as it could not be estimated"


def test_words_after_a_refusal_make_the_same_plan_with_a_change(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize a.gguf", ("quantize", QUANTIZE, None), status="denied", rejected="s1")
    meaning = read("use Q6_K", [past], place)
    assert isinstance(meaning, Again)
    assert meaning.plan.steps[0].args == {"model": "a.gguf", "types": ["Q6_K"]}


def test_after_a_run_that_is_done_only_words_that_correct_it_do(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize a.gguf", ("quantize", QUANTIZE, {}))
    assert isinstance(read("no, use Q6_K", [past], place), Again)
    assert isinstance(read("use Q6_K", [past], place), Ask)


def test_a_correction_that_comes_to_nothing_is_a_question(db: sqlite3.Connection, place: Workspace) -> None:
    past = write_run(db, "quantize a.gguf", ("quantize", QUANTIZE, None), status="waiting", asked=["s1"])
    with pytest.raises(QuestionOpen, match=r"c\.gguf does not exist"):
        read("no, with c.gguf", [past], place)


# with a real run -----------------------------------------------------------------------------------------------------------

SCRIPT = """
[[plan]]
request = "look at it"
steps = [{ tool = "inspect_dataset", args = { dataset = "train.jsonl" }, sources = { dataset = "workspace" } }]

[[plan]]
request = "evaluate it"
steps = [{ tool = "inspect_dataset", args = { dataset = "data/b.jsonl" }, sources = { dataset = "workspace" } }]
"""


class Person:
    """Answers what is asked, one reply after the other; keeps what was asked."""

    def __init__(self, *replies: Json | None) -> None:
        self.replies, self.asked = list(replies), list[Json]()

    def __call__(self, pending: Json) -> Json | None:
        self.asked.append(pending)
        return self.replies.pop(0) if self.replies else None


def agent_of(person: Person, workspace: Path) -> Agent:
    (workspace / "script.toml").write_text(SCRIPT)
    return Agent(".", model="scripted:script.toml", policy="asking.toml", approver=person)


def test_words_edit_the_plan_that_waits_and_it_is_asked_about_again(workspace: Path) -> None:
    person = Person({"said": "no, with the other file data/b.jsonl"}, {"said": "only 3 problems"}, {"allow": ["s1"]})
    done = agent_of(person, workspace).run("look at it")
    assert [pending["calls"][0]["args"] for pending in person.asked][:2] == [{"dataset": "train.jsonl"}, {"dataset": "data/b.jsonl"}]
    assert done.status == "done"
    assert done.steps[0].args["dataset"] == "data/b.jsonl"


def test_the_reason_of_a_no_that_says_what_to_change_refuses_nothing(workspace: Path) -> None:
    person = Person({"reject": {"s1": "no, use data/b.jsonl"}}, {"reject": {"s1": "it is too long"}})
    done = agent_of(person, workspace).run("look at it")
    assert person.asked[1]["calls"][0]["args"] == {"dataset": "data/b.jsonl"}
    assert (done.status, done.error and done.error["message"]) == ("denied", "s1 was rejected: it is too long")


def test_a_reason_that_begins_otherwise_but_says_what_to_change_refuses_nothing(workspace: Path) -> None:
    person = Person({"reject": {"s1": "wrong file, I meant data/b.jsonl, and only 3 problems"}}, {"allow": ["s1"]})
    done = agent_of(person, workspace).run("look at it")
    assert person.asked[1]["calls"][0]["args"] == {"dataset": "data/b.jsonl", "max_problems": 3}
    assert done.status == "done"


def test_a_yes_and_a_question_are_told_back_and_the_run_still_waits(workspace: Path) -> None:
    person = Person({"said": "yes"}, {"said": "how long will it take?"}, None)
    waits = agent_of(person, workspace).run("look at it")
    assert waits.status == "waiting"
    assert [pending["said"]["means"] for pending in person.asked[1:]] == ["yes", "question"]
    assert person.asked[2]["said"]["why"].startswith("s1 inspect_dataset: about")


def test_words_that_change_nothing_are_told_back_and_the_run_still_waits(workspace: Path) -> None:
    person = Person({"said": "no, use gone.jsonl"}, {"said": "evaluate builtin on b.jsonl"}, None)
    waits = agent_of(person, workspace).run("look at it")
    assert waits.status == "waiting"
    assert "gone.jsonl does not exist" in person.asked[1]["said"]["why"]
    assert person.asked[2]["said"] == {"text": "evaluate builtin on b.jsonl", "means": "request", "why": ""}


def test_what_is_wanted_instead_is_taken_after_the_refusal(workspace: Path) -> None:
    person = Person({"said": "no, evaluate it"}, {"allow": ["s1"]})
    with open_conversation(agent_of(person, workspace), "t") as conversation:
        done = conversation.say("look at it")
    assert done.result is not None
    assert (done.result.status, done.result.steps[0].args["dataset"]) == ("done", "data/b.jsonl")


def test_a_turn_of_a_session_edits_the_run_that_the_last_one_left_waiting(workspace: Path) -> None:
    with open_conversation(agent_of(Person(), workspace), "t") as conversation:
        first = conversation.say("look at it").result
        second = conversation.say("no, with the other file data/b.jsonl").result
        assert first is not None
        assert second is not None
        assert (first.run, first.status) == (second.run, "waiting")
        assert second.plan is not None
        assert second.plan.steps[0].args == {"dataset": "data/b.jsonl"}
        refused = conversation.say("no").result
        assert refused is not None
        assert (refused.run, refused.status) == (first.run, "denied")
        again = conversation.say("no, with b.jsonl").result
        assert again is not None
        assert again.plan is not None
        assert (again.status, again.plan.steps[0].args) == ("waiting", {"dataset": "b.jsonl"})
