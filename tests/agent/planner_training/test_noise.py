"""Noise changes words, never slots and values."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from modelwright.agent.planner_training.noise import noisy, slip

TEXT = "Please quantise {m} down to {q}, using perplexity. Thanks!"


@given(st.integers(0, 2**32))
def test_slots_and_values_stay_whole(seed: int) -> None:
    text = noisy(TEXT, random.Random(seed), keep={"perplexity"})
    assert "{m}" in text
    assert "{q}" in text
    assert "perplexity" in text.lower()


def test_half_of_the_requests_are_changed_and_the_same_way_each_time() -> None:
    texts = [noisy(TEXT, random.Random(seed)) for seed in range(200)]
    assert texts == [noisy(TEXT, random.Random(seed)) for seed in range(200)]
    assert 60 < sum(text != TEXT for text in texts) < 180


@given(st.text("abcdefgh", min_size=5), st.integers(0, 100))
def test_a_slip_keeps_the_first_letter_and_nearly_the_length(word: str, seed: int) -> None:
    slipped = slip(word, random.Random(seed))
    assert slipped[0] == word[0]
    assert abs(len(slipped) - len(word)) <= 1
