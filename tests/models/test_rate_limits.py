from __future__ import annotations

import pytest

from modelwright.models.failures import CallFailed
from modelwright.models.rate_limits import asked_wait, wait_before_next


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-reset-tokens": "1.2.3s"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, now=10.0) == seconds


def test_without_a_word_of_the_server_the_wait_doubles() -> None:
    waits = [wait_before_next(CallFailed("x", again=True), tries, retries=5, longest=30) or 0 for tries in (1, 2, 3, 4)]
    for wait, base in zip(waits, (0.5, 1, 2, 4), strict=True):
        assert base * 0.5 <= wait <= base * 1.5


def test_no_wait_for_what_is_not_worth_it() -> None:
    assert wait_before_next(CallFailed("wrong key"), 1, retries=5, longest=30) is None
    assert wait_before_next(CallFailed("busy", again=True), 6, retries=5, longest=30) is None
    assert wait_before_next(CallFailed("busy", again=True, wait_seconds=31), 1, retries=5, longest=30) is None
    assert wait_before_next(CallFailed("busy", again=True, wait_seconds=0), 1, retries=5, longest=30) == 0
