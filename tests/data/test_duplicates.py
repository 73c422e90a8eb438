"""Which rows count as said before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelwright.data.duplicates import Repeat, normalised, repeats

TEXTS = st.lists(st.sampled_from(["a b", "A  b!", "c", "", "...", "---", "\uff41 b"]), max_size=12)


def test_case_punctuation_spaces_and_letter_width_do_not_make_a_row_new() -> None:
    assert repeats((i, {"text": t}) for i, t in enumerate(["Ab, c", "aB c.", "\uff21b c", "ab d"], 1)) == [
        Repeat(2, 1, False),
        Repeat(3, 1, False),
    ]


def test_rows_without_words_are_not_near_duplicates_of_each_other() -> None:
    assert repeats([(1, {"text": "..."}), (2, {"text": "---"}), (3, {"text": "..."})]) == [Repeat(3, 1, True)]


@given(TEXTS)
def test_it_agrees_with_comparing_every_pair(texts: list[str]) -> None:
    found = {r.line: r.exact for r in repeats((i, {"text": t}) for i, t in enumerate(texts, 1))}
    for i, text in enumerate(texts, 1):
        exact = text in texts[: i - 1]
        near = bool(normalised(text)) and normalised(text) in [normalised(t) for t in texts[: i - 1]]
        assert found.get(i) == (True if exact else False if near else None)
