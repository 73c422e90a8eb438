"""Ranking metrics against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from modelwright.errors import DataError
from modelwright.scoring.retrieval import (
    average_precision,
    context_precision,
    context_recall,
    ndcg,
    read_beir,
    recall,
    reciprocal_rank,
    score,
)

GRADES = {"a": 3.0, "b": 1.0, "c": 0.0, "d": 2.0}


def test_ndcg_has_linear_gains_and_a_log2_discount() -> None:
    ranked = ["c", "a", "x", "b"]
    gained = 3 / math.log2(3) + 1 / math.log2(5)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(ranked, GRADES) == pytest.approx(gained / ideal)
    assert ndcg(["a", "d", "b"], GRADES) == 1.0
    assert ndcg(["x", "y"], GRADES) == 0.0


def test_recall_rank_and_average_precision() -> None:
    ranked = ["c", "a", "x", "b"]
    assert recall(ranked, GRADES, 2) == pytest.approx(1 / 3)
    assert reciprocal_rank(ranked, GRADES) == 0.5
    assert average_precision(ranked, GRADES) == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_a_query_without_a_ranking_counts_zero_and_one_without_relevant_documents_not_at_all() -> None:
    made = score({"q1": ["a"]}, {"q1": {"a": 1.0}, "q2": {"b": 1.0}, "q3": {"c": 0.0}})
    assert made["ndcg@10"] == {"q1": 1.0, "q2": 0.0}


def test_contexts_are_compared_without_regard_to_spaces_and_case() -> None:
    assert context_recall(["The  pump\nis red", "absent"], ["we say: the pump is RED."]) == 0.5
    assert context_precision([True, False, True]) == pytest.approx((1 + 2 / 3) / 2)


def test_a_folder_that_is_not_as_beir_writes_it_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "title": "t", "text": "x"}\n', encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "?"}\n', encoding="utf-8")
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t2\n", encoding="utf-8")
    assert read_beir(tmp_path).judgements == {"q": {"1": 2.0}}
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq 1 2\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_beir(tmp_path)
