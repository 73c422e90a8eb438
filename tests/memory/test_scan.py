"""Scanning many texts at once gives what splitting them one by one gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelwright.memory.scan import scan
from modelwright.memory.words import split

MIXED = st.text(st.sampled_from("abAB01 _-\n\x00éé\u0301İﬃ東京🙂ß"))


def scanned(texts: list[str]) -> list[list[str]]:
    which, counts, words = scan(texts)
    assert len(set(words)) == len(words)
    tokens = iter([words[place] for place in which.tolist()])
    return [[next(tokens) for _ in range(count)] for count in counts.tolist()]


@given(st.lists(st.text() | MIXED, max_size=6))
def test_the_words_are_those_of_split(texts: list[str]) -> None:
    assert scanned(texts) == [split(text) for text in texts]


def test_texts_without_words_and_words_of_a_hundred_thousand_letters() -> None:
    long = "ab" * 50_000
    assert scanned([]) == []
    assert scanned(["", " ", long, "x", long + "c"]) == [[], [], [long], ["x"], [long + "c"]]
