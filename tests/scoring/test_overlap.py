from __future__ import annotations

from modelwright.scoring.overlap import contaminated

LONG = "please tell me how many days the parcel takes to reach a small island in winter"


def test_a_prompt_that_stands_in_training_as_a_whole_is_found_despite_case_and_punctuation() -> None:
    assert contaminated(["Where is it?", "Something else"], ["where is it", "a text"]) == [0]


def test_a_short_prompt_inside_a_longer_text_is_not_a_copy() -> None:
    assert contaminated(["where is it"], ["I wonder where is it now"]) == []


def test_a_shared_run_of_thirteen_words_is_found_inside_other_text() -> None:
    thirteen = " ".join(LONG.split()[1:14])
    assert contaminated([LONG], [f"He asked: {thirteen} And more."]) == [0]


def test_a_shared_run_of_twelve_words_is_not_enough() -> None:
    twelve = " ".join(LONG.split()[1:13])
    assert contaminated([LONG], [f"He asked: {twelve} and more words that differ from it"]) == []


def test_an_empty_prompt_is_in_nothing() -> None:
    assert contaminated(["", "?!"], ["anything", ""]) == []
