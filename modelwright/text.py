"""Text from outside, made safe: terminal escapes and invisible characters neutralised, secrets redacted.

Applied once, where an event is stamped, so that everything downstream (terminal, JSON, trace, report) is clean.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any

# C0 except tab and newline, DEL, C1, bidi controls, zero-width characters, BOM, Unicode tags.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_SECRETS = re.compile(
    r"hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|AKIA[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{35}|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_ASSIGNED = re.compile(
    r"(?i)((?:api[_-]?key|secret|passw(?:or)?d|access[_-]?token|auth[_-]?token)[\"']?\s*[=:]\s*[\"']?)([^\s\"',;]{6,})"
    r"|(bearer\s+)([A-Za-z0-9._~+/=-]{12,})"
)
_SECRET_NAME = re.compile(r"(?i)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)")


def safe_text(text: str) -> str:
    """`text` with control and invisible characters written out as \\xNN or \\uNNNN; lone surrogates too."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda m: m.group().encode("unicode_escape").decode(), text)


def one_line(text: str, limit: int = 200) -> str:
    """Safe text on one line, cut at `limit` characters."""
    flat = " ".join(safe_text(text.replace("\r\n", "\n")).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


@lru_cache(maxsize=1)
def _environment_secrets() -> tuple[str, ...]:
    return tuple(v for k, v in os.environ.items() if _SECRET_NAME.search(k) and len(v) >= 8)


def redact(text: str) -> str:
    """`text` without what looks like a secret: known token shapes, `password=…`, and secrets of this environment."""
    for secret in _environment_secrets():
        text = text.replace(secret, "[secret]")
    text = _SECRETS.sub("[secret]", text)
    return _ASSIGNED.sub(lambda m: (m.group(1) or m.group(3)) + "[secret]", text)


def clean(value: Any) -> Any:
    """Redacted and safe, through lists and dicts."""
    if isinstance(value, str):
        return safe_text(redact(value))
    if isinstance(value, dict):
        return {safe_text(redact(str(k))): clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    return value


def human_bytes(count: float) -> str:
    """1536 -> '1.5 kB' (powers of 1000, as disks are sold)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def human_seconds(seconds: float) -> str:
    """75 -> '1:15 min'; below a minute '12 s'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d} min"
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d} h"


def counted(number: int, noun: str) -> str:
    """1 -> '1 step', 2000 -> '2,000 steps'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def with_range(value: str, low: str, high: str) -> str:
    """'12 s (8.1 s to 18 s)'; the value alone where its ends are the same or unknown (empty)."""
    return f"{value} ({low} to {high})" if low and high and low != high else value
