"""What a plan's steps take together: sums, the largest memory, and ends that are added."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelwright.totals import total
from modelwright.types import Estimate

LEARNED = Estimate(seconds=100, seconds_low=80, seconds_high=130, memory_bytes=900, memory_low=800, memory_high=1000, learned_from=3)
SMALL = Estimate(seconds=50, seconds_low=30, seconds_high=90, memory_bytes=700, memory_low=500, memory_high=1500, disk_bytes=5)


def test_times_and_disk_add_up_with_their_ends_and_memory_is_the_largest() -> None:
    found = total([LEARNED, SMALL])
    assert (found.seconds, found.seconds_low, found.seconds_high) == (150, 110, 220)
    assert (found.memory_bytes, found.memory_low, found.memory_high) == (900, 800, 1500)
    assert found.disk_bytes == 5
    assert found.first_guess is None


def test_a_step_without_ends_counts_as_itself() -> None:
    found = total([LEARNED, Estimate(seconds=0.5)])
    assert (found.seconds_low, found.seconds, found.seconds_high) == (80.5, 100.5, 130.5)


def test_with_a_first_guess_among_them_the_sum_is_one_too_and_has_no_ends() -> None:
    found = total([LEARNED, Estimate(seconds=7, first_guess=True)])
    assert (found.seconds, found.first_guess, found.seconds_low, found.memory_high) == (107, True, None, None)


def test_with_an_unknown_step_there_are_no_ends() -> None:
    found = total([LEARNED, None])
    assert (found.seconds, found.seconds_high) == (100, None)


def test_nothing_takes_nothing() -> None:
    assert total([]) == Estimate()


@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0.1, 1), st.floats(1, 10)), min_size=1, max_size=8))
def test_the_sum_lies_between_its_ends(steps: list[tuple[float, float, float]]) -> None:
    found = total([Estimate(seconds=s, seconds_low=s * low, seconds_high=s * high) for s, low, high in steps])
    assert found.seconds_low is not None
    assert found.seconds_high is not None
    assert found.seconds_low <= found.seconds <= found.seconds_high
