"""rag_search on the example handbook: exact spans, filters, other ways to ask, a cross-encoder in a child."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.data.documents.loading import load
from modelwright.errors import ModelRefError
from modelwright.graphs.context import RunContext
from modelwright.tools._rag_queries import variants
from modelwright.tools.rag_search import Args, Result, checks, rag_search


def run(context: RunContext, **args: object) -> tuple[Args, Result]:
    checked = rag_search.validate(args)
    assert isinstance(checked, Args)
    result = rag_search.run(checked, context)
    assert isinstance(result, Result)
    assert all(check.passed for check in checks(checked, result)), checks(checked, result)
    return checked, result


def test_passages_are_spans_of_what_the_loader_gives(handbook: RunContext) -> None:
    args, result = run(handbook, query="dishwasher tanks seals", top_k=3, multi_query=True, graph=True)
    assert Path(result.passages[0].document).name == "maintenance.md"
    for one in result.passages:
        assert load(Path(one.document)).text[one.start : one.end] == one.text
    assert "graph" in {name for one in result.passages for name in one.ranks}
    bad = result.model_copy(deep=True)
    bad.passages[0].end += 1
    bad.passages[0].score = -1
    assert [check.passed for check in checks(args, bad)] == [False, False]


def test_filters_leave_only_what_they_say(handbook: RunContext) -> None:
    _, result = run(handbook, query="Tidewell", kinds=["pdf"], mode="lexical")
    assert {one.kind for one in result.passages} == {"pdf"}
    assert result.passages[0].page == 1
    _, nothing = run(handbook, query="xyzzy", mode="lexical")
    assert nothing.summary == "nothing found for 'xyzzy'"


def test_a_model_that_is_no_cross_encoder_is_named(handbook: RunContext, workspace: Path) -> None:
    (workspace / "model").mkdir()
    with pytest.raises(ModelRefError, match="not a model folder"):
        run(handbook, query="pump", rerank_model="model")


def test_rewrites_use_the_questions_own_words() -> None:
    question = "How long is the warranty and who repairs the pump?"
    made = variants(question)
    assert made[0] == "long warranty repairs pump"
    assert all(set(one.lower().strip("?").split()) <= set(question.lower().strip("?").split()) for one in made)
    assert variants("pump") == []
