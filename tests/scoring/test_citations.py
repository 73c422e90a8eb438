"""A quote must stand where it is said to, and carry the sentence: numbers, names and denials to the letter."""

from __future__ import annotations

import pytest

from modelwright.scoring.citations import stands, stem, supports, words

QUOTE = "The warranty of the Tidewell 40 is 36 months; seals are not covered."


@pytest.mark.parametrize(
    ("sentence", "carried"),
    [
        (QUOTE, True),
        ("The Tidewell 40 has a warranty of 36 months.", True),
        ("The Tidewell 40 has a warranty of 24 months.", False),
        ("The Aquanorm 40 has a warranty of 36 months.", False),
        ("The pump was built in Rotterdam by hand.", False),
        ("Seals are covered by the warranty.", False),
        ("", False),
    ],
)
def test_a_sentence_needs_its_numbers_names_and_denials_in_the_quote(sentence: str, carried: bool) -> None:
    quote = "The warranty of the Tidewell 40 is 36 months." if "has a warranty" in sentence else QUOTE
    assert supports(sentence, [quote]).carried is carried


def test_two_quotes_carry_together() -> None:
    assert supports("The pump is red and the tank holds 4 litres.", ["The pump is red.", "Its tank holds 4 litres."]).carried


def test_a_moved_quote_is_not_the_same_as_an_absent_one() -> None:
    text = "abc def ghi"
    assert stands(text, 4, 7, "def") == "verbatim"
    assert stands(text, 0, 3, "def") == "moved"
    assert stands(text, 0, 3, "xyz") == "absent"
    assert stands(text, 0, 0, "") == "absent"


def test_words_and_stems() -> None:
    assert words("TW-2208 costs 1,000.50 € (E3), 漢字") == ["TW-2208", "costs", "1000.50", "E3", "漢", "字"]
    assert {stem("delivery"), stem("delivered")} == {"deliver"}
    assert stem("batteries") == stem("battery")
