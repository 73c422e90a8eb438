"""Fusion against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.memory.documents.fusion import fuse, minmax, rrf, scaled

A, B = [(1, 9.0), (2, 5.0), (3, 1.0)], [(3, 0.9), (4, 0.1)]


def test_reciprocal_ranks_add_up() -> None:
    assert dict(rrf([A, B]))[3] == pytest.approx(1 / 63 + 1 / 61)
    assert rrf([A, B])[0][0] == 3


def test_scaled_scores_are_averaged_and_absence_counts_nothing() -> None:
    assert dict(minmax([A, B])) == {1: 0.5, 2: 0.25, 3: 0.5, 4: 0.0}
    assert scaled([(1, 2.0), (2, 2.0)]) == {1: 1.0, 2: 1.0}


def test_one_list_alone_keeps_its_scores() -> None:
    assert fuse("minmax", [A, []]) == A
    assert fuse("rrf", [[], []]) == []


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 100)), max_size=30, unique_by=lambda pair: pair[0]))
def test_fusing_a_list_with_itself_keeps_its_order(pairs: list[tuple[int, float]]) -> None:
    ranked = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    assert [one for one, _ in rrf([ranked, ranked])] == [one for one, _ in ranked]
