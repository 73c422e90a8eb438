"""The arithmetic of guessing ahead beside a simulation of it."""

from __future__ import annotations

import random

import pytest

from modelwright.scoring import speculation


def simulated_tokens(acceptance: float, draft: int, rounds: int) -> tuple[float, float | None]:
    chance, written, accepted, refused = random.Random(2), 0, 0, 0
    for _ in range(rounds):
        good = 0
        while good < draft and chance.random() < acceptance:
            good += 1
        written, accepted, refused = written + good + 1, accepted + good, refused + (good < draft)
    return written / rounds, speculation.acceptance_of(accepted, refused)


@pytest.mark.parametrize(("acceptance", "draft"), [(0.0, 4), (0.3, 4), (0.8, 6), (1.0, 3)])
def test_tokens_a_round_and_acceptance_are_those_of_a_simulation(acceptance: float, draft: int) -> None:
    tokens, found = simulated_tokens(acceptance, draft, 20_000)
    assert speculation.tokens_a_round(acceptance, draft) == pytest.approx(tokens, rel=0.02)
    assert found == pytest.approx(acceptance, abs=0.01)


def test_at_the_break_even_the_speed_up_is_one() -> None:
    even = speculation.break_even(4, 2.5, 0.1)
    assert even is not None
    assert speculation.speed_up(even, 4, 2.5, 0.1) == pytest.approx(1)
    assert speculation.break_even(4, 5.5, 0.0) is None
    assert speculation.acceptance_of(0, 0) is None


def test_rounds_without_a_draft_are_plain_steps() -> None:
    assert speculation.speed_up(0.9, 4, 2.0, 0.0, share=0.0) == 1
    half, whole = (speculation.speed_up(0.9, 4, 2.0, 0.0, share=share) for share in (0.5, 1.0))
    assert 1 < half < whole


def test_the_best_draft_is_long_when_guesses_are_good_and_short_when_they_are_not() -> None:
    long, gain = speculation.best_draft(0.95, 4, 1.2, 0.05)
    short, loss = speculation.best_draft(0.1, 4, 3.0, 0.05)
    assert long > 4
    assert gain > 2
    assert short == 1
    assert loss < 1
