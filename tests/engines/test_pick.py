"""Choosing among texts on a vocabulary of a few tokens, where the right answer can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.engines.pick import pick, trie

SIZE = 8


class Fixed:
    """A model whose logits depend on the last token alone."""

    def __init__(self, seed: int = 0) -> None:
        self._table = np.random.default_rng(seed).normal(size=(SIZE, SIZE)) * 2
        self.last = self._table[0]
        self.batches: list[list[int]] = []

    def read(self, ids: list[int]) -> None:
        self.batches.append(ids)
        self.last = self._table[ids[-1]]


def log_softmax(row: np.ndarray[tuple[int, ...], np.dtype[np.float64]], tokens: list[int]) -> dict[int, float]:
    total = math.log(sum(math.exp(row[t]) for t in tokens))
    return {t: float(row[t]) - total for t in tokens}


def test_one_text_is_read_without_asking() -> None:
    model = Fixed()
    assert pick(trie([[1, 2, 3]]), model, 1) == (0, [0.0])
    assert model.batches == [[1, 2, 3]]


def test_what_is_forced_after_a_choice_is_read_in_one_batch() -> None:
    model = Fixed(3)
    index, scores = pick(trie([[1, 2, 3], [4, 5, 6, 7]]), model, 2)
    wanted = log_softmax(Fixed(3)._table[0], [1, 4])
    assert scores == pytest.approx([wanted[1], wanted[4]])
    assert index == int(wanted[4] > wanted[1])
    assert model.batches == [[[1, 2, 3], [4, 5, 6, 7]][index]]


def test_a_common_beginning_is_read_before_the_choice() -> None:
    model = Fixed(1)
    index, scores = pick(trie([[1, 2, 3], [1, 2, 4]]), model, 2)
    wanted = log_softmax(model._table[2], [3, 4])
    assert model.batches[0] == [1, 2]
    assert scores == pytest.approx([wanted[3], wanted[4]])
    assert scores[index] == max(scores)


@pytest.mark.parametrize("ends", [True, False])
def test_a_text_that_begins_another_is_told_by_what_follows(ends: bool) -> None:
    model = Fixed()
    model._table[2][[6, 3]] = (5.0, 1.0) if ends else (1.0, 5.0)
    index, scores = pick(trie([[2], [2, 3]], [[6, 7], [7]]), model, 2)
    assert index == (0 if ends else 1)
    assert math.exp(scores[0]) + math.exp(scores[1]) < 1 + 1e-9
    assert model.batches == ([[2]] if ends else [[2], [3]])


def test_without_what_follows_such_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="begins another"):
        pick(trie([[2], [2, 3]]), Fixed(), 2)


@given(
    st.lists(st.lists(st.integers(1, SIZE - 2), min_size=3, max_size=3), min_size=1, max_size=9, unique_by=tuple),
    st.integers(0, 1000),
)
def test_it_picks_one_of_the_texts_and_reads_exactly_that(texts: list[list[int]], seed: int) -> None:
    model = Fixed(seed)
    index, scores = pick(trie(texts), model, len(texts))
    assert [token for batch in model.batches for token in batch] == texts[index]
    assert sum(map(math.exp, scores)) == pytest.approx(1)
