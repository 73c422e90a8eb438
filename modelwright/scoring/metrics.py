"""The metrics by name, and a whole set of answers scored by them, item by item.

`rubric` gives two columns: `rubric` (weighted share of checks) and `rubric_pass` (0 or 1). A perplexity column holds
-NLL divided by the mean number of tokens an item has, so that higher is better, its mean is minus the log of the
perplexity, and a difference of two columns is nats per token saved.

Not here: intervals and tests (stats), and the generation of answers.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from modelwright.errors import BadRequest
from modelwright.scoring import stats, text_metrics
from modelwright.scoring.patterns import compile_pattern, matches
from modelwright.scoring.rubric import Rubric

MetricName = Literal["rubric", "exact_match", "contains", "regex", "rouge_l", "bleu", "perplexity"]

NEEDS_REFERENCE = frozenset({"exact_match", "contains", "rouge_l", "bleu"})
PACKAGE = {"rouge_l": ("rouge_score", "rouge-score"), "bleu": ("sacrebleu", "sacrebleu")}
"""Of each metric that needs a package: its import name and its name in the index."""
PERPLEXITIES = frozenset({"perplexity", "answer_perplexity"})


def require(metrics: Sequence[str], *, rubric: bool, pattern: str | None) -> None:
    """Raise before hours of generation what would otherwise be raised after them."""
    for metric in metrics:
        module, package = PACKAGE.get(metric, ("", ""))
        if module and importlib.util.find_spec(module) is None:
            raise text_metrics.missing(package)
    if "rubric" in metrics and not rubric:
        raise BadRequest("the metric rubric needs a rubric file", fix="give rubric=FILE or put rubric.toml beside the data set")
    if "regex" in metrics and not pattern:
        raise BadRequest("the metric regex needs a pattern", fix="give pattern=…")
    if pattern is not None:
        compile_pattern(pattern, "pattern")


@dataclass
class Columns:
    """Scores of one model: one list an item long for each metric and each check of the rubric."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    checks: dict[str, list[bool]] = field(default_factory=dict)


def score_answers(
    answers: Sequence[str],
    references: Sequence[str | None],
    metrics: Sequence[str],
    *,
    rubric: Rubric | None = None,
    pattern: str | None = None,
) -> Columns:
    """Every metric but perplexity, of every answer."""
    columns = Columns()
    for metric in metrics:
        if metric == "rubric" and rubric is not None:
            _score_rubric(answers, rubric, columns)
        elif metric in NEEDS_REFERENCE:
            score = {
                "exact_match": text_metrics.exact_match,
                "contains": text_metrics.contains,
                "rouge_l": text_metrics.rouge_l,
                "bleu": text_metrics.sentence_bleu,
            }[metric]
            columns.scores[metric] = [score(answer, reference or "") for answer, reference in zip(answers, references, strict=True)]
        elif metric == "regex":
            compiled = compile_pattern(pattern or "", "pattern")
            columns.scores[metric] = [float(matches(compiled, answer, "pattern")) for answer in answers]
    return columns


def _score_rubric(answers: Sequence[str], rubric: Rubric, columns: Columns) -> None:
    scored = [rubric.score(answer) for answer in answers]
    columns.scores["rubric"] = [one.score for one in scored]
    columns.scores["rubric_pass"] = [float(one.passed) for one in scored]
    columns.checks = {check.name: [one.checks[check.name] for one in scored] for check in rubric.checks}


def perplexity_column(nll: Sequence[float], tokens: Sequence[int]) -> list[float]:
    """-NLL of each item over the mean number of tokens: pairs subtract, and the mean weighs tokens equally."""
    mean_tokens = sum(tokens) / len(tokens)
    return [-value / mean_tokens for value in nll]


def perplexity_interval(nll: Sequence[float], tokens: Sequence[int], *, seed: int) -> stats.Interval:
    """exp of the interval of total NLL over total tokens; the ratio is made linear first (Cochran 1977, 6.4)."""
    mean_tokens, ratio = sum(tokens) / len(tokens), sum(nll) / sum(tokens)
    linear = [ratio + (value - ratio * count) / mean_tokens for value, count in zip(nll, tokens, strict=True)]
    interval = stats.bootstrap_mean(linear, seed=seed)
    return stats.Interval(math.exp(ratio), _exp(interval.low), _exp(interval.high), interval.n, f"{interval.method}, of the log")


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf
