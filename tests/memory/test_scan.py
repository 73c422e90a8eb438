"""Scanning many texts at once gives what splitting them one by one gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelwright.memory.scan import scan
from modelwright.memory.words import split

MIXED = st.text(st.sampled_from("abAB01 _-\n\x00éé\u0301İﬃ東京🙂ß"))


def scanned(texts: list[str]) -> list[list[str]]:
    found = scan(texts)
    words = found.words(slice(None))
    assert len(set(words)) == len(words)
    tokens = iter([words[place] for place in found.which.tolist()])
    return [[next(tokens) for _ in range(count)] for count in found.counts.tolist()]


def sum_of(word: str, *others: str) -> int:
    found = scan([word, *others])
    return int(found.sums[found.which[0]])


def test_a_word_has_the_same_sum_beside_any_others() -> None:
    assert sum_of("pump") == sum_of("pump", "valve " * 9, "a" * 70_000) != sum_of("pumps")


@given(st.lists(st.text() | MIXED, max_size=6))
def test_the_words_are_those_of_split(texts: list[str]) -> None:
    assert scanned(texts) == [split(text) for text in texts]


def test_texts_without_words_and_words_of_a_hundred_thousand_letters() -> None:
    long = "ab" * 50_000
    assert scanned([]) == []
    assert scanned(["", " ", long, "x", long + "c"]) == [[], [], [long], ["x"], [long + "c"]]
