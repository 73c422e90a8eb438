"""The scores of the child beside a slow, obvious reference, and what it reads again."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines.complete_hf import Scorer, serve
from modelwright.modelrefs import Model
from tests.engines import tiny

pytest.importorskip("transformers")
ASKED = [{"role": "user", "content": "make it smaller, please"}]
OPTIONS = [["quantize", False], ["quantile model", False], ["none", True]]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tiny.make(tmp_path_factory.mktemp("tiny") / "model")
    return Scorer(Model(str(folder), "hf", str(folder)), "unused", 1)


def reference(scorer: Scorer, text: str, ends: bool) -> tuple[list[int], list[float]]:
    """Ids and the log-probability of each, read in one go without any cache."""
    import torch

    ids = scorer._ids(scorer._rendered(ASKED) + text, ends)
    with torch.inference_mode():
        rows = torch.log_softmax(scorer._weights(torch.tensor([ids])).logits[0].float(), -1)
    return ids, [0.0, *(float(rows[i - 1, ids[i]]) for i in range(1, len(ids)))]


def question(answer: str = "", *, exact: bool = True, options: list[Any] = OPTIONS) -> dict[str, Any]:
    return {"messages": ASKED, "answer": answer, "options": options, "exact": exact}


def test_exact_scores_are_those_of_one_plain_reading(scorer: Scorer) -> None:
    scores = scorer.answer(question())["scores"]
    plain = [reference(scorer, text, ends) for text, ends in OPTIONS]
    shared = next(i for i, column in enumerate(zip(*(ids for ids, _ in plain), strict=False)) if len(set(column)) > 1)
    assert scores == pytest.approx([sum(logs[shared:]) for _, logs in plain], abs=1e-3)


def test_along_the_tree_the_shares_of_each_fork_add_up(scorer: Scorer) -> None:
    scores = scorer.answer(question(exact=False))["scores"]
    assert sum(map(math.exp, scores)) == pytest.approx(1, rel=1e-4)


def test_what_two_questions_share_is_read_once(scorer: Scorer) -> None:
    first = scorer.answer(question("quant", exact=False, options=[["ize model", False], ["none", False]]))
    again = scorer.answer(question("quantize model", exact=False, options=[["=M1", False], [" dataset", False]]))
    assert again["read_tokens"] < 10 < first["prompt_tokens"]
    fresh = scorer.answer(question("quantize model", exact=True, options=[["=M1", False], [" dataset", False]]))
    plain = [sum(reference(scorer, "quantize model" + text, False)[1]) for text in ("=M1", " dataset")]
    assert fresh["scores"][0] - fresh["scores"][1] == pytest.approx(plain[0] - plain[1], abs=1e-3)


def test_a_damaged_folder_is_told_and_ends_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    out = io.StringIO()
    assert serve(Model(str(tmp_path), "hf", str(tmp_path)), "unused", 1, io.StringIO(""), out) == 1
    error = json.loads(out.getvalue())["error"]
    assert error["type"] == "ModelRefError"
    assert "cannot be read as a model" in error["message"]


def test_a_question_that_is_none_is_answered_with_its_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tiny.make(tmp_path_factory.mktemp("tiny") / "other")
    out = io.StringIO()
    assert serve(Model(str(folder), "hf", str(folder)), "unused", 1, io.StringIO('{"x": 1}\n' + json.dumps(question()) + "\n"), out) == 0
    ready, wrong, right = map(json.loads, out.getvalue().splitlines())
    assert ready == {"ready": True}
    assert "messages" in wrong["error"]["message"]
    assert len(right["scores"]) == 3
