"""The check before training: what is counted, what is dropped, and what is refused."""

from __future__ import annotations

import pytest

from modelwright.engines.chat_template import Encoded
from modelwright.engines.loss_mask import IGNORED, Example, check, make_example, trains_a_stop
from modelwright.errors import TrainingFailed

STOP = 2


def row(line: int, prompt: int, answer: int, max_length: int = 100) -> Example:
    """`prompt` tokens that are not counted, then `answer` tokens and the stop token that are."""
    ids = [*range(10, 10 + prompt + answer), STOP]
    return make_example(line, Encoded(ids, [False] * prompt + [True] * (answer + 1)), max_length)


def test_only_marked_tokens_get_labels() -> None:
    assert row(1, 3, 2).labels == [IGNORED, IGNORED, IGNORED, 13, 14, STOP]


def test_the_first_token_is_never_counted_because_nothing_predicts_it() -> None:
    example = make_example(1, Encoded([5, 6, STOP], [True] * 3), 100)
    assert example.labels == [IGNORED, 6, STOP]


def test_the_report_counts_rows_tokens_and_the_share_that_is_trained() -> None:
    kept, report = check([row(1, 3, 2), row(2, 5, 3)], {STOP}, source="data.jsonl", max_length=100)
    assert len(kept) == 2
    assert (report.rows, report.tokens, report.trained_tokens, report.longest) == (2, 15, 7, 9)
    assert report.trained_share == pytest.approx(7 / 15, abs=1e-4)
    assert report.truncated_rows == report.rows_without_stop == 0


def test_rows_that_truncation_emptied_are_dropped_and_named_by_line() -> None:
    examples = [row(1, 3, 2, max_length=8), row(4, 9, 3, max_length=8), row(9, 8, 1, max_length=8)]
    kept, report = check(examples, {STOP}, source="data.jsonl", max_length=8)
    assert [example.line for example in kept] == [1]
    assert report.dropped_lines == [4, 9]
    assert report.truncated_rows == 0


def test_a_row_cut_before_its_stop_token_is_counted() -> None:
    cut = row(2, 3, 20, max_length=8)
    assert cut.truncated
    assert not trains_a_stop(cut, {STOP})
    _, report = check([row(1, 3, 2), cut], {STOP}, source="data.jsonl", max_length=8)
    assert (report.truncated_rows, report.rows_without_stop) == (1, 1)


def test_no_trained_token_at_all_is_refused() -> None:
    with pytest.raises(TrainingFailed, match="no token would be trained") as caught:
        check([row(1, 9, 3, max_length=5)], {STOP}, source="data.jsonl", max_length=5)
    assert "raise max_length above 5" in caught.value.fix


def test_no_stop_token_in_any_row_is_refused() -> None:
    with pytest.raises(TrainingFailed, match="the stop token would not be trained"):
        check([row(1, 2, 30, max_length=8), row(2, 2, 30, max_length=8)], {STOP}, source="data.jsonl", max_length=8)


def test_a_stop_token_that_another_role_writes_does_not_count() -> None:
    ids = [10, STOP, 11, 12]
    example = make_example(1, Encoded(ids, [False, False, True, True]), 100)
    with pytest.raises(TrainingFailed, match="would never stop"):
        check([example], {STOP}, source="data.jsonl", max_length=100)
