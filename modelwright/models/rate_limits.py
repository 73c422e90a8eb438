"""How long a server asks to be left alone, and how long we wait before the next try.

Read are `Retry-After` (RFC 9110, seconds or a date), `retry-after-ms`, and the `x-ratelimit-reset-…` of hosted servers
("1s", "6m0s"). Without any of them the wait doubles: 0.5, 1, 2 … seconds, each times a random 0.5 to 1.5, so that
several programs do not come back at the same moment.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from modelwright.models.failures import CallFailed

FIRST_WAIT_SECONDS = 0.5
_PART = re.compile(r"([0-9.]+)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def asked_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds, or None when the headers ask for nothing that can be read."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if headers.get("retry-after"):
        return _seconds_or_date(headers["retry-after"], time.time() if now is None else now)
    resets = [_duration(headers.get(f"x-ratelimit-reset-{what}", "")) for what in ("requests", "tokens")]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def wait_before_next(failure: CallFailed, tries: int, *, retries: int, longest: float) -> float | None:
    """Seconds to wait after `tries` tries; None when the same model is not worth another one."""
    if not failure.again or tries > retries:
        return None
    wait = failure.wait_seconds
    if wait is None:
        wait = FIRST_WAIT_SECONDS * 2 ** (tries - 1) * random.uniform(0.5, 1.5)
    return wait if wait <= longest else None


def _seconds_or_date(text: str, now: float) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError):
        return None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d+(\.\d+)?", text.strip()) else None


def _duration(text: str) -> float | None:
    """ "6m0s" -> 360.0"""
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    try:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    except ValueError:
        return None
