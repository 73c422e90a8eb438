from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference

from modelwright.scoring import stats

PASSES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


@given(st.integers(1, 200), st.data())
def test_wilson_is_the_interval_that_scipy_gives(n: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, n))
    expected = reference.binomtest(passed, n).proportion_ci(method="wilson")
    found = stats.wilson(passed, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("df", [1, 2, 3, 9, 30, 199])
def test_the_t_quantile_is_the_one_that_scipy_gives(df: int) -> None:
    assert stats._t_quantile(df) == pytest.approx(reference.t.ppf(0.975, df))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_a_binomial_test_on_the_items_that_disagree(only_a: int, only_b: int) -> None:
    expected = reference.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert stats.mcnemar(only_a, only_b) == pytest.approx(expected)


def test_mcnemar_holds_with_more_items_than_a_float_can_count() -> None:
    assert stats.mcnemar(1000, 1100) == pytest.approx(reference.binomtest(1000, 2100).pvalue)


def test_newcombe_gives_the_interval_that_its_paper_prints() -> None:
    assert stats.newcombe(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)


@given(PASSES)
def test_swapping_the_models_mirrors_the_comparison_of_pass_rates(outcomes: list[tuple[bool, bool]]) -> None:
    a, b = [float(x) for x, _ in outcomes], [float(y) for _, y in outcomes]
    forth, back = stats.compare(a, b, seed=1), stats.compare(b, a, seed=1)
    assert (forth.difference, forth.low, forth.high) == pytest.approx((-back.difference, -back.high, -back.low))
    assert forth.p_value == back.p_value
    assert forth.low - 1e-9 <= forth.difference <= forth.high + 1e-9


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7))
def test_sign_flip_is_the_share_of_sign_patterns_at_least_as_far_from_zero(gains: list[int]) -> None:
    patterns = [sum(s * g for s, g in zip(signs, gains, strict=True)) for signs in itertools.product((1, -1), repeat=len(gains))]
    expected = sum(abs(total) >= abs(sum(gains)) for total in patterns) / len(patterns)
    assert stats.sign_flip([float(g) for g in gains], seed=1) == pytest.approx(expected)


def test_with_many_pairs_sign_flip_comes_near_the_t_test() -> None:
    rng = random.Random(5)
    gains = [rng.gauss(0.25, 1) for _ in range(60)]
    assert stats.sign_flip(gains, seed=1) == pytest.approx(reference.ttest_1samp(gains, 0).pvalue, abs=0.02)


def test_the_bootstrap_interval_comes_near_the_t_interval_for_normal_data() -> None:
    rng = random.Random(3)
    values = [rng.gauss(10, 2) for _ in range(50)]
    found, (low, high) = stats.bootstrap_mean(values, seed=1), reference.t.interval(0.95, 49, sum(values) / 50, reference.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [math.sin(i) for i in range(30)]
    assert stats.bootstrap_mean(values, seed=4) == stats.bootstrap_mean(values, seed=4)
    assert stats.bootstrap_mean(values, seed=4) != stats.bootstrap_mean(values, seed=5)


def test_a_large_set_is_resampled_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [float(i % 7) for i in range(300)]
    whole = stats.bootstrap_mean(values, seed=1, resamples=500)
    monkeypatch.setattr(stats, "BLOCK_NUMBERS", 1000)
    parts = stats.bootstrap_mean(values, seed=1, resamples=500)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.05)


def test_fewer_than_two_values_have_no_interval() -> None:
    assert stats.bootstrap_mean([0.5], seed=1).low == -math.inf
    assert stats.compare([0.5], [0.7], seed=1).verdict == "cannot tell"
    assert stats.wilson(0, 0).n == 0


@pytest.mark.parametrize("n", [10, 30])
def test_the_interval_holds_the_true_mean_about_95_times_in_100(n: int) -> None:
    rng = random.Random(n)
    held = 0
    for seed in range(300):
        found = stats.bootstrap_mean([rng.gauss(1, 1) for _ in range(n)], seed=seed, resamples=2000)
        held += found.low <= 1 <= found.high
    assert 0.91 <= held / 300 <= 0.98  # the plain percentile interval gives 0.90 at n = 10


@pytest.mark.parametrize("n", [6, 20])
def test_two_equal_models_are_called_different_at_most_5_times_in_100(n: int) -> None:
    rng = random.Random(n)
    named = sum(
        stats.compare([0.0] * n, [rng.choice([0.0, 0.0, 0.125, -0.125, 0.25, -0.25]) for _ in range(n)], seed=seed).verdict != "cannot tell"
        for seed in range(300)
    )
    assert named / 300 <= 0.07  # 5% and the noise of 300 draws


def test_two_equal_pass_rates_are_called_different_at_most_5_times_in_100() -> None:
    rng, named = random.Random(8), 0
    for seed in range(600):
        a = [float(rng.random() < 0.4) for _ in range(50)]
        b = [x if rng.random() < 0.6 else float(rng.random() < 0.4) for x in a]
        named += stats.compare(a, b, seed=seed).verdict != "cannot tell"
    assert named / 600 <= 0.06


def test_a_clear_gain_is_better_and_a_clear_loss_is_worse() -> None:
    low, high = [0.1 + i % 3 / 100 for i in range(20)], [0.9 - i % 5 / 100 for i in range(20)]
    assert stats.compare(low, high, seed=1).verdict == "better"
    assert stats.compare(high, low, seed=1).verdict == "worse"
    assert stats.compare([0.0] * 20, [1.0] * 20, seed=1).verdict == "better"


def test_a_model_against_itself_cannot_tell_and_says_so_with_zero() -> None:
    found = stats.compare([0.2, 0.7, 0.4], [0.2, 0.7, 0.4], seed=1)
    assert (found.difference, found.p_value, found.smallest_detectable, found.verdict) == (0, 1, None, "cannot tell")


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_fewer_than_six_pairs_name_no_winner_however_clear_it_looks(n: int) -> None:
    assert stats.compare([0.0] * n, [1.0] * n, seed=1).verdict == "cannot tell"
    assert stats.compare([0.1] * n, [0.9] * n, seed=1).verdict == "cannot tell"


def test_pairs_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="not pairs"):
        stats.compare([1.0], [1.0, 0.0], seed=1)


@pytest.mark.parametrize(
    ("difference", "discordance", "n"),
    [
        (0.05, 0.1, 312),
        (0.05, 0.2, 626),
        (0.05, 0.3, 940),
        (0.10, 0.1, 77),
        (0.10, 0.2, 155),
        (0.10, 0.3, 234),
        (0.03, 0.2, 1742),
    ],
)
def test_the_smallest_detectable_difference_agrees_with_published_sample_sizes(difference: float, discordance: float, n: int) -> None:
    assert stats.smallest_detectable_rate(discordance, n) == pytest.approx(difference, rel=0.01)


def test_the_smallest_detectable_difference_is_found_four_times_in_five() -> None:
    rng, n, spread = random.Random(2), 40, 1.0
    gain = (stats.Z_975 + stats.Z_80) * spread / math.sqrt(n)
    found = sum(stats.compare([0.0] * n, [rng.gauss(gain, spread) for _ in range(n)], seed=s).verdict == "better" for s in range(200))
    assert 0.70 <= found / 200 <= 0.88
    assert stats.smallest_detectable_mean([rng.gauss(0, spread) for _ in range(4000)]) == pytest.approx(2.8016 / math.sqrt(4000), rel=0.05)


def test_no_difference_is_detectable_where_nothing_disagrees() -> None:
    assert stats.smallest_detectable_rate(0.0, 100) is None
    assert stats.smallest_detectable_rate(0.5, 2) is None
    assert stats.smallest_detectable_mean([0.5, 0.5]) is None
