"""How an error reads on one line."""

from __future__ import annotations

import pytest

from modelwright.errors import BadRequest


@pytest.mark.parametrize(
    ("message", "fix", "read"),
    [
        ("no file a.jsonl", "there is b.jsonl", "no file a.jsonl. there is b.jsonl"),
        ("no type 'Q8'; did you mean Q8_0?", "see the tool", "no type 'Q8'; did you mean Q8_0? see the tool"),
        ("it ended.", "try again", "it ended. try again"),
        ("it ended after:", "a.jsonl", "it ended after: a.jsonl"),
        ("it is long…", "shorten it", "it is long… shorten it"),
        ("no file", "", "no file"),
        ("", "try again", "try again"),
    ],
)
def test_a_message_and_its_fix_are_joined_by_one_mark(message: str, fix: str, read: str) -> None:
    assert str(BadRequest(message, fix=fix)) == read
