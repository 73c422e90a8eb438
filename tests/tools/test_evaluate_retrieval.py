"""evaluate_retrieval: a BEIR folder with known answers, and questions sorted by the stage that failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.config import Settings
from modelwright.errors import DataError
from modelwright.graphs.context import RunContext
from modelwright.tools.evaluate_retrieval import Args, Result, checks, evaluate_retrieval


def run(context: RunContext, **args: object) -> tuple[Args, Result]:
    checked = evaluate_retrieval.validate(args)
    assert isinstance(checked, Args)
    result = evaluate_retrieval.run(checked, context)
    assert isinstance(result, Result)
    return checked, result


def rows(path: Path, values: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def test_search_is_scored_on_a_judged_collection(tool_context: RunContext, workspace: Path) -> None:
    tool_context.settings = Settings(embedder="hashing")
    folder = workspace / "beir"
    (folder / "qrels").mkdir(parents=True)
    words = ["zebra", "walrus", "ocelot", "badger", "heron", "marmot"]
    rows(folder / "corpus.jsonl", [{"_id": f"d{n}", "title": "", "text": f"the {word} lives here"} for n, word in enumerate(words)])
    rows(folder / "queries.jsonl", [{"_id": f"q{n}", "text": f"where does the {word} live"} for n, word in enumerate(words)])
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(5)) + "q5\td0\t1\n"  # the last is judged wrongly: rank 2 at best
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    args, result = run(tool_context, dataset="beir")
    assert all(check.passed for check in checks(args, result))
    lexical = next(one for one in result.systems if one.name == "lexical")
    assert lexical.ndcg_at_10 is not None
    assert 5 / 6 < lexical.ndcg_at_10 < 1
    assert lexical.recall_at_100 == 1.0
    assert {one.name for one in result.systems} == {"lexical", "dense", "hybrid minmax", "hybrid rrf"}
    assert result.chosen_fusion == "minmax"
    assert {one.verdict for one in result.comparisons} == {"cannot tell"}


def test_questions_are_sorted_by_the_stage_that_failed(handbook: RunContext, workspace: Path) -> None:
    questions: list[dict[str, object]] = [
        {"question": "Can the tanks go in a dishwasher?", "evidence": ["Never put the tanks in a dishwasher"]},
        {"question": "How loud is the dishwasher of the Zebra 9?", "evidence": []},
        {"question": "Can the tanks go in a dishwasher?", "evidence": ["a sentence that no document holds"]},
        {"question": "Can the tanks go in a dishwasher?", "evidence": []},
    ]
    rows(workspace / "q.jsonl", questions)
    args, result = run(handbook, dataset="q.jsonl", tune=True)
    assert all(check.passed for check in checks(args, result))
    assert result.stages == {"right": 2, "retrieval": 1, "should have abstained": 1}
    assert result.answers is not None
    assert result.answers.citation_correctness == 1.0
    assert handbook.documents.describe("default")["threshold"] == result.answers.best_threshold
    rows(workspace / "bad.jsonl", [{"question": "x"}])
    with pytest.raises(DataError, match="line 1"):
        run(handbook, dataset="bad.jsonl")
    with pytest.raises(DataError, match="no BEIR folder"):
        run(handbook, dataset="docs")
