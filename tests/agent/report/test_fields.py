"""Results of tools that nothing here knows: by shape alone, and never a crash."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.agent.report import charts, fields, findings, wording
from modelwright.agent.report.scale import Scale, ticks
from modelwright.agent.report.verdicts import rate_table, sentence
from modelwright.types import Spent

ROOT = Path("/work")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMED = st.sampled_from(
    ["models", "pairs", "scores", "samples", "losses", "checks", "files", "notes", "verdict_metric", "quantizations", "bits_per_weight"]
)


@settings(deadline=None)
@given(st.dictionaries(NAMED, ANY_JSON, max_size=4))
def test_no_shape_of_result_breaks_the_report(result: dict[str, Any]) -> None:
    found, shown = findings.of(result), fields.of(result, ROOT)
    assert all(isinstance(cell, str) for table in shown.tables for row in table.rows for cell in row)
    assert all(isinstance(text, str) for row in shown.rows for text in row)
    assert all(math.isfinite(score.mean) for score in found.scores)


def test_scalars_have_the_unit_of_their_name() -> None:
    shown = fields.of(
        {"file_bytes": 2_000_000, "train_seconds": 75, "seed": 1234567, "ok": True, "rate": 0.123456, "none": None, "path": "/work/a/b"},
        ROOT,
    )
    assert dict(shown.rows) == {
        "file bytes": "2.0 MB",
        "train seconds": "1:15 min",
        "seed": "1234567",
        "ok": "yes",
        "rate": "0.123",
        "path": "a/b",
    }


def test_records_become_rows_and_lists_of_records_tables() -> None:
    shown = fields.of(
        {"parts": {"weights_bytes": 1000, "kv_bytes": 10}, "rows": [{"name": "a", "n": 1, "deep": {"x": 1}}, {"name": "b"}]}, ROOT
    )
    assert shown.rows == [("parts: weights bytes", "1.0 kB"), ("parts: kv bytes", "10 B")]
    assert shown.tables == [fields.Table("rows", ["name", "n"], [["a", "1"], ["b", ""]])]


def test_records_with_the_same_fields_share_a_table() -> None:
    spread = {"min": 1, "median": 2.5, "max": 9}
    shown = fields.of({"words": spread, "tokens": {**spread, "max": 12}, "other": {"x": 1, "y": 2}}, ROOT)
    assert shown.tables == [
        fields.Table("words, tokens", ["", "min", "median", "max"], [["words", "1", "2.5", "9"], ["tokens", "1", "2.5", "12"]])
    ]
    assert shown.rows == [("other: x", "1"), ("other: y", "2")]


def test_long_tables_and_lists_say_how_much_more_there_is() -> None:
    shown = fields.of({"rows": [{"n": i} for i in range(25)], "lines": list(range(30))}, ROOT)
    assert (len(shown.tables[0].rows), shown.tables[0].more) == (20, 5)
    assert dict(shown.rows)["lines"].endswith("… 30 in all")


def test_scores_are_found_in_the_result_and_in_its_models() -> None:
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3, "method": "Wilson"}
    result = {
        "name": "own",
        "scores": {"rubric": interval},
        "models": [{"name": "m", "scores": {"f1": interval}, "pass_rate": interval, "checks": {"greeting": interval}}],
    }
    assert [(s.model, s.metric) for s in findings.scores(result)] == [("own", "rubric"), ("m", "f1"), ("m", "rubric_pass")]
    assert rate_table(findings.rates(result)) == (["check", "m"], [["greeting", "0.5 [0.4, 0.6]"]])


def test_an_interval_without_ends_is_left_out_and_not_drawn() -> None:
    score = findings.scores({"name": "m", "scores": {"f1": {"mean": 1.0, "low": -math.inf, "high": math.inf, "n": 1}}})[0]
    assert (score.low, score.high) == (None, None)
    assert "whisker" not in charts.score_bars("f1", [score]).svg


@pytest.mark.parametrize(
    ("verdict", "lead"),
    [
        ("better", "t is better than b on f1: +0.1"),
        ("worse", "t is worse than b on f1: +0.1"),
        ("cannot tell", "cannot tell whether t is better than b on f1: +0.1"),
    ],
)
def test_a_verdict_is_said_as_the_tool_gave_it(verdict: str, lead: str) -> None:
    assert sentence(findings.Difference(a="b", b="t", metric="f1", difference=0.1, verdict=verdict)) == lead


def test_the_decisive_difference_is_of_the_last_model_against_the_first() -> None:
    pairs = [{"a": a, "b": b, "metric": m, "difference": 0.1} for a, b in (("x", "y"), ("x", "z"), ("y", "z")) for m in ("rubric", "f1")]
    found = findings.of({"models": [{"name": n} for n in "xyz"], "pairs": pairs, "verdict_metric": "f1"})
    assert [(d.a, d.b, d.metric) for d in found.decisive] == [("x", "z", "f1")]


def test_samples_are_read_as_mapping_list_or_before_and_after() -> None:
    samples = findings.samples(
        {
            "samples": [
                {"prompt": "p", "answers": {"a": "1"}},
                {"prompt": [{"role": "user", "content": "q"}], "answers": [{"name": "a", "answer": "2"}]},
                {"prompt": "r", "before": "3", "after": "4"},
                {"prompt": "no answers"},
                "nothing",
            ]
        }
    )
    assert [(s.prompt, s.answers) for s in samples] == [("p", {"a": "1"}), ("q", {"a": "2"}), ("r", {"before": "3", "after": "4"})]


def test_losses_are_numbers_or_points_and_one_point_is_no_curve() -> None:
    assert findings.losses({"losses": [3.0, 2.0]}) == {"training": [(1, 3), (2, 2)]}
    assert findings.losses({"losses": [{"step": 5, "loss": 1.0, "eval_loss": 2.0}, {"step": 6, "loss": 0.5, "eval_loss": 1.0}]}) == {
        "training": [(5, 1), (6, 0.5)],
        "evaluation": [(5, 2), (6, 1)],
    }
    assert findings.losses({"losses": [3.0]}) == {}


def test_sizes_are_read_with_their_true_bits() -> None:
    found = findings.weights(
        {"quantizations": [{"type": "Q4_K_M", "bytes": 10, "bits_per_weight": 6.27}, {"type": "no size", "bits_per_weight": 1}]}
    )
    assert [(w.name, w.bytes, w.bits_per_weight) for w in found] == [("Q4_K_M", 10, 6.27)]


@settings(deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e6), st.integers(1, 8))
def test_ticks_are_few_round_and_inside(first: float, width: float, about: int) -> None:
    last = first + width
    found = ticks(first, last, about)
    assert len(found) <= about + 1
    assert all(first - width / 1e6 <= value <= last + width / 1e6 for value in found)


def test_a_scale_of_equal_ends_does_not_divide_by_zero() -> None:
    assert Scale(2, 2, 0, 100)(2) == 0


@settings(deadline=None)
@given(st.lists(st.floats(0, 10), min_size=2, max_size=200))
def test_a_curve_table_keeps_its_ends_and_stays_short(losses: list[float]) -> None:
    chart = charts.loss_lines("s1", findings.losses({"losses": losses}))
    assert [chart.rows[0][1], chart.rows[-1][1]] == ["1", str(len(losses))]
    assert len(chart.rows) <= 26


def test_budgets_are_said_with_units() -> None:
    rows = wording.spent_rows(Spent(steps=3, seconds=75, cost=0.5), {"steps": 50, "seconds": 3600, "cost": None})
    assert ("steps", "3", "50") in rows
    assert ("seconds", "1:15 min", "1:00 h") in rows
    assert ("cost", "$0.50", "no limit") in rows


def test_the_span_of_a_request_is_quoted() -> None:
    assert wording.source("request[8:11]", "look at abc") == "the request: “abc”"
    assert wording.source("request[80:90]", "short") == "the request"
    assert wording.source("step s1", "") == "step s1"
