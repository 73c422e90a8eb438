from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import BadRequest, EngineMissing
from modelwright.scoring import metrics, rubric, stats


def test_every_metric_gives_one_score_an_item(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("pass_score = 1.0\n[[check]]\nname = 'short'\nkind = 'max_words'\nvalue = 2\n")
    names = ["rubric", "exact_match", "contains", "regex", "rouge_l", "bleu"]
    found = metrics.score_answers(["It is Paris", "Rome"], ["Paris", "Rome"], names, rubric=rubric.load(tmp_path / "r.toml"), pattern="R")
    assert {name: len(values) for name, values in found.scores.items()} == dict.fromkeys([*names, "rubric_pass"], 2)
    assert found.scores["exact_match"] == [0, 1]
    assert found.scores["contains"] == [1, 1]
    assert found.scores["regex"] == [0, 1]
    assert found.checks == {"short": [False, True]}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["rubric"], "needs a rubric file"),
        (["regex"], "needs a pattern"),
    ],
)
def test_what_a_metric_needs_is_asked_for_before_any_work(names: list[str], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        metrics.require(names, rubric=False, pattern=None)


def test_a_bad_pattern_is_refused_before_any_work() -> None:
    with pytest.raises(BadRequest, match="not a regular expression"):
        metrics.require(["regex"], rubric=False, pattern="(")


def test_a_missing_package_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == "sacrebleu" else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    metrics.require(["rouge_l"], rubric=False, pattern=None)
    with pytest.raises(EngineMissing, match="sacrebleu"):
        metrics.require(["bleu"], rubric=False, pattern=None)


def test_the_perplexity_interval_is_around_total_loss_over_total_tokens() -> None:
    nll, tokens = [10.0, 40.0, 12.0, 30.0, 9.0, 22.0], [5, 16, 6, 14, 5, 10]
    found = metrics.perplexity_interval(nll, tokens, seed=1)
    assert found.mean == pytest.approx(math.exp(sum(nll) / sum(tokens)))
    assert found.low < found.mean < found.high


def test_a_difference_of_perplexity_columns_is_nats_per_token_saved() -> None:
    tokens = [5, 15, 10]
    a, b = metrics.perplexity_column([10, 30, 20], tokens), metrics.perplexity_column([5, 15, 10], tokens)
    assert stats.compare(a, b, seed=1).difference == pytest.approx(1.0)


def test_importing_the_metrics_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'rouge_score', 'sacrebleu', 'torch', 'scipy'}"
    code = f"import sys, modelwright.scoring.metrics, modelwright.scoring.overlap; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
