"""What counts as too near a held-out request."""

from __future__ import annotations

import pytest

from modelwright.agent.planner_training.overlap import HeldOut

SEALED = HeldOut(["make q5_k_m out of mine.gguf and see what that costs in quality on talk.txt", "is it clean"])


@pytest.mark.parametrize(
    ("request_", "near"),
    [
        ("Make Q5_K_M out of mine.gguf, and see what that costs in quality on talk.txt!", True),
        ("please take it and see what that costs in quality on talk.txt, ok?", True),
        ("is it clean", True),
        ("is it clean enough to train on", False),
        ("make q5_k_m out of yours.gguf", False),
        ("see what that costs", False),
        ("", False),
    ],
)
def test_eight_words_in_a_row_or_most_runs_of_three(request_: str, near: bool) -> None:
    assert SEALED.near(request_) is near
