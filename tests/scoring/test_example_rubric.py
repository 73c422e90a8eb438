from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.scoring import rubric

TONE = Path(__file__).parents[2] / "examples" / "tone"


@pytest.mark.parametrize("name", ["train.jsonl", "eval.jsonl"])
def test_every_reference_answer_of_the_example_passes_its_rubric(name: str) -> None:
    form = rubric.load(TONE / "rubric.toml")
    rows = [json.loads(line) for line in (TONE / name).read_text(encoding="utf-8").splitlines()]
    failed = [row["messages"][-1]["content"] for row in rows if not form.score(row["messages"][-1]["content"]).passed]
    assert failed == []


def test_the_rejected_answers_of_the_example_fail_its_rubric() -> None:
    form = rubric.load(TONE / "rubric.toml")
    rows = [json.loads(line) for line in (TONE / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["rejected"] for row in rows if form.score(row["rejected"]).passed] == []
