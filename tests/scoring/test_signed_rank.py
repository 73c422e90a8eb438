"""The exact interval beside SciPy's test, and the promise that equal sides seldom have a winner."""

from __future__ import annotations

import math
import random

import pytest
from scipy.stats import wilcoxon

from modelwright.scoring.signed_rank import difference, interval, tail_counts


def test_the_interval_leaves_out_zero_just_when_scipys_exact_test_says_so() -> None:
    chance = random.Random(3)
    outcomes = set()
    for _ in range(200):
        gains = [chance.gauss(0.7, 1) for _ in range(chance.randint(8, 14))]
        found = interval(gains)
        assert found is not None
        without_zero = not found[0] <= 0 <= found[1]
        assert without_zero == (wilcoxon(gains, method="exact").pvalue <= 0.01)
        outcomes.add(without_zero)
    assert outcomes == {True, False}


def test_seven_blocks_have_no_interval_at_99_percent() -> None:
    assert interval([1.0] * 7) is None
    assert interval([1.0, 2, 3, 4, 5, 6, 7, 8]) == (1.0, 8.0)
    assert sum(tail_counts(10)) == 2**10


def test_fifty_comparisons_of_equal_sides_on_a_drifting_machine_name_at_most_three_winners() -> None:
    chance, winners = random.Random(11), 0
    for _ in range(50):
        a, b, speed = [], [], 100.0
        for block in range(8):
            pair = []
            for _ in range(2):
                speed *= math.exp(chance.gauss(-0.01, 0.02))  # the machine slows down, and jitters
                pair.append(speed * math.exp(chance.gauss(0, 0.03)) * (0.6 if chance.random() < 0.05 else 1))
            first, second = pair if block % 2 == 0 else pair[::-1]
            a.append(first)
            b.append(second)
        winners += difference("x", "", a, b, more_is_better=True).verdict != "cannot tell"
    assert winners <= 3


@pytest.mark.parametrize(("more_is_better", "winner"), [(True, "B is better"), (False, "A is better")])
def test_a_real_difference_is_found_although_one_block_was_disturbed(more_is_better: bool, winner: str) -> None:
    chance = random.Random(5)
    a = [100 * math.exp(chance.gauss(0, 0.01)) for _ in range(16)]
    b = [110 * math.exp(chance.gauss(0, 0.01)) for _ in range(16)]
    b[4] = 55
    found = difference("speed", "", a, b, more_is_better=more_is_better)
    assert found.verdict == winner
    assert found.low is not None
    assert found.high is not None
    assert found.low < 10 < found.high
    assert found.percent == pytest.approx(10, abs=2)
