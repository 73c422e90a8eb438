"""What is asked of documents in the request that has them read in, and the names, groups and ways of searching beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning.asked_texts import find
from modelwright.graphs.planning.candidates import find as candidates
from modelwright.graphs.planning.fill_text import text_for
from modelwright.graphs.planning.nouns import find_indexes
from modelwright.graphs.planning.phrases import captured
from modelwright.tools import load_all

from .conftest import put_files
from .test_arguments import Drafts, plan_of, used
from .test_turns_of_speech import args_of

DOUBTFUL = -0.12


@pytest.fixture(scope="module")
def installed() -> dict[str, Tool]:
    return load_all()


@pytest.mark.parametrize(
    ("request_", "drafted", "last", "text"),
    [
        ('index notes/ as kb and then tell me: "who oils the pump?"', ["rag_index"], "rag_answer", "who oils the pump?"),
        ("index notes/ as kb. And who oils the pump?", ["rag_index"], "rag_answer", "who oils the pump?"),
        ('index notes/ and find "oil of the pump", 4 hits', ["rag_index"], "rag_search", "oil of the pump"),
        ('Indexa la carpeta notes y busca "aceite de bomba", dame 4 fragmentos', ["rag_index"], "rag_search", "aceite de bomba"),
        (
            'index notes/, test the search with a.jsonl, keyword search only, and finally "is the pump oiled?"',
            ["rag_index", "evaluate_retrieval"],
            "rag_answer",
            "is the pump oiled?",
        ),
        (
            "Indexiere notes/ als kb. Danach würde ich gern wissen, warum die Pumpe stillsteht.",
            ["rag_index"],
            "rag_answer",
            "warum die Pumpe stillsteht",
        ),
    ],
)
def test_what_is_asked_behind_an_index_is_a_step(
    request_: str, drafted: Sequence[str], last: str, text: str, workspace: Path, installed: dict[str, Tool]
) -> None:
    plan = plan_of(request_, workspace, installed, Drafts(*((tool, {}) for tool in drafted), score=DOUBTFUL))
    assert used(plan) == [*drafted, last]
    args = args_of(plan, last)
    assert text == args.get("question", args.get("query"))
    assert args.get("top_k") == (4 if last == "rag_search" else None)


@pytest.mark.parametrize(
    "request_",
    [
        'index notes/ as "kb"',
        "index notes/ as kb. Can you do that today?",
        "index notes/ as kb. How good is the search then?",
        "index notes/ as kb and tell me when it is done",
        "what is an index good for? index notes/",
    ],
)
def test_a_name_or_a_question_about_the_work_is_no_step(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    assert used(plan_of(request_, workspace, installed, Drafts(("rag_index", {}), score=DOUBTFUL))) == ["rag_index"]


def test_a_measurement_with_a_number_of_hits_is_no_search(workspace: Path, installed: dict[str, Tool]) -> None:
    draft = Drafts(("evaluate_retrieval", {}), ("rag_search", {"top_k": ["N1"]}), score=DOUBTFUL)
    plan = plan_of("measure the index kb with a.jsonl, je 6 Treffer", workspace, installed, draft)
    assert used(plan) == ["evaluate_retrieval"]
    assert args_of(plan, "evaluate_retrieval")["top_k"] == 6


def test_who_wants_no_answer_gets_passages(workspace: Path, installed: dict[str, Tool]) -> None:
    request = 'Wo steht im Index "kb" etwas zu Pumpen? Nur die Fundstellen, keine fertige Antwort.'
    assert used(plan_of(request, workspace, installed, Drafts(("rag_answer", {"index": ["X1"]}), score=-0.02))) == ["rag_search"]


def test_a_text_of_its_own_is_found_with_what_leads_to_it(workspace: Path) -> None:
    request = 'read notes/ in, see where "oil" comes up and answer "who oils it?"'
    assert [(t.tool, request[t.start :][:4]) for t in find(request, candidates(request, workspace))] == [
        ("rag_search", '"oil'),
        ("rag_answer", '"who'),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("index name: wills", ["wills"]),
        ("the index's name is wills", ["wills"]),
        ("Der Index heißt wills.", ["wills"]),
        ("Index → wills. Hits → 3.", ["wills"]),
        ("the letters are indexed as wills since May", ["wills"]),
        ("Letzte Woche indexiert (wills).", ["wills"]),
        ('into its own index, say "wills"', ["wills"]),
        ("the index we call wills, please", ["wills"]),
        ("the documents are in wills-idx", ["wills-idx"]),
        ('look up "a pesar de" in gram, please', ["gram"]),
        ('look up "a pesar de" in German', []),
        ("ask whichever index suits", []),
        ("the default index is fine", ["default"]),
        ('look up "LM317 thermal resistance"', []),
        ("I am in the group staff_2b", []),
    ],
)
def test_an_index_is_known_by_the_words_around_it(text: str, names: list[str]) -> None:
    assert [c.value for c in find_indexes(text)] == names


def test_an_index_may_have_the_name_of_its_folder(workspace: Path) -> None:
    kinds = {(c.kind, c.value) for c in candidates("read notes/page.md into the index notes", workspace)}
    assert ("index", "notes") in kinds


@pytest.mark.parametrize(
    ("field", "text", "names"),
    [
        ("access", "index notes/, visible only to hr and legal", ["hr", "legal"]),
        ("access", "sichtbar nur für hr und leitung", ["hr", "leitung"]),
        ("access", "acceso solo para rrhh y dirección", ["rrhh", "dirección"]),
        ("access", "and only team-legal may find it", ["team-legal"]),
        ("access", "for the hr and works-council groups", ["hr", "works-council"]),
        ("access", "just for the research group", ["research"]),
        ("access", "keep it to legal + finance, 20 tokens overlap", ["legal", "finance"]),
        ("access", "solo para el grupo chefs", ["chefs"]),
        ("access", "for the groups that I told you", []),
        ("access", "one part for each group", []),
        ("access", "keep it to one page", []),
        ("groups", "for a reader who belongs to sales and support, who signed?", ["sales", "support"]),
        ("groups", "als Mitglied der Gruppe azubis", ["azubis"]),
    ],
)
def test_groups_in_many_words(field: str, text: str, names: list[str]) -> None:
    assert [c.value for c in captured(field, text)] == names


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("question", "does the lease allow it? (index: kb, it is all in there)", "does the lease allow it?"),
        ("question", "Wie hoch ist die Kaution? Antworte in einem Satz", "Wie hoch ist die Kaution?"),
        ("query", "where do the rules mention pencils? only the places", "pencils"),
        ("query", "look up toll rights in it, twelve hits", "toll rights"),
        ("query", 'find "clause 7.2(c)" in it', "clause 7.2(c)"),
        ("query", 'look up "BC547 collector current"', "BC547 collector current"),
        ("query", "the 10 best passages on data retention, I'll read them myself", "data retention"),
        ("query", "could you show me the passages that best fit parental leave?", "parental leave"),
        ("query", "list the passages about fees, and after that answer this: who signs?", "fees"),
        ("question", "I know I read it in there... who coined the term clitic? Two sentences", "who coined the term clitic?"),
        ("question", "and after that answer one question from it: is harmony progressive?", "is harmony progressive?"),
    ],
)
def test_the_words_that_are_asked(name: str, text: str, said: str, workspace: Path) -> None:
    found: Any = text_for(name, text, candidates(text, workspace))
    assert found.value == said


@pytest.mark.parametrize(
    "request_", ['Wo steht etwas zu "Telearbeit"? Nur die Fundstellen.', "Is the loan free? Ask whichever index suits."]
)
def test_words_that_are_sure_what_to_find_outweigh_a_refusal(request_: str, workspace: Path, installed: dict[str, Tool]) -> None:
    plan = plan_of(request_, workspace, installed, Drafts(kind="none", score=-0.3))
    assert used(plan) == ["rag_search" if "Wo" in request_ else "rag_answer"]


def test_the_index_that_was_made_is_asked_again(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "can you put notes/*.md into an index named onb, and then ask it how many days off there are. nothing under 0.6 confidence"
    draft = Drafts(("rag_index", {"path": ["F1"], "index": ["X1"]}), ("rag_answer", {"index": ["X1"]}), score=-0.26)
    plan = plan_of(request, workspace, installed, draft)
    assert used(plan) == ["rag_index", "rag_answer"]
    assert args_of(plan, "rag_answer")["threshold"] == 0.6


def test_an_index_that_is_named_for_a_measurement_is_not_made(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "with a.jsonl choose the best fusion and threshold for index main and remember them"
    plan = plan_of(request, workspace, installed, Drafts(("evaluate_retrieval", {}), ("rag_index", {}), score=DOUBTFUL))
    assert used(plan) == ["evaluate_retrieval"]
    assert args_of(plan, "evaluate_retrieval")["index"] == "main"


def test_a_text_that_is_read_in_is_indexed_before_it_is_searched(workspace: Path, installed: dict[str, Tool]) -> None:
    put_files(workspace, ["notes/page.md"])
    request = 'read notes/page.md, see how good the search is on a.jsonl, then answer "who oils it?"'
    draft = Drafts(
        ("inspect_dataset", {"dataset": ["D1"]}), ("evaluate_retrieval", {"dataset": ["D1"]}), ("rag_answer", {}), score=DOUBTFUL
    )
    plan = plan_of(request, workspace, installed, draft)
    assert used(plan) == ["rag_index", "evaluate_retrieval", "rag_answer"]
    assert (args_of(plan, "rag_index")["path"], args_of(plan, "evaluate_retrieval")["dataset"]) == ("notes/page.md", "a.jsonl")


@pytest.mark.parametrize("text", ["The dump is at notes/. Index it.", "My colleague keeps the pages in notes/. Index them."])
def test_where_documents_are_is_no_place_to_write(text: str, workspace: Path) -> None:
    put_files(workspace, ["notes/page.md"])
    assert [c.kind for c in candidates(text, workspace)] == ["folder"]


def test_a_way_to_search_makes_an_evaluation_one_of_the_search(workspace: Path, installed: dict[str, Tool]) -> None:
    request = "eval it on a.jsonl, hybrid, only the first 100, 10 passages each"
    plan = plan_of(request, workspace, installed, Drafts(("evaluate", {"dataset": ["D1"]}), score=DOUBTFUL))
    assert plan.steps[0].args == {"dataset": "a.jsonl", "mode": "hybrid", "limit": 100, "top_k": 10}
