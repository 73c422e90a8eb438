from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.text import clean, counted, human_bytes, human_seconds, one_line, redact, safe_text


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "\x1b]52;c;aGk=\x07", "\x9b31m", "a\rb", "\u202egnp.exe", "zero\u200bwidth", "\U000e0041tag", "\ud800"]
)
def test_escapes_and_invisible_characters_are_written_out(hostile: str) -> None:
    assert safe_text(hostile).isprintable()


@given(st.text())
def test_safe_text_holds_no_control_character_and_is_stable(text: str) -> None:
    safe = safe_text(text)
    assert not any(ord(c) < 32 and c not in "\t\n" for c in safe)
    assert safe_text(safe) == safe
    safe.encode("utf-8")


@pytest.mark.parametrize(
    "secret",
    ["hf_abcdefghijklmnopqrstuvwx", "sk-proj-abcdefghijklmnop1234", "AKIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnopqrstuvwxyz012345"],
)
def test_secrets_are_redacted_wherever_they_stand(secret: str) -> None:
    assert secret not in str(clean({"a": [f"token {secret} here"], "b": {"c": secret}}))


def test_assigned_secrets_are_redacted_but_their_names_stay() -> None:
    assert redact("password=hunter2hunter2") == "password=[secret]"
    assert redact("Authorization: Bearer abcdefghijklmnop") == "Authorization: Bearer [secret]"
    assert redact("max_tokens=128, tokens: 5000000") == "max_tokens=128, tokens: 5000000"


def test_one_line_is_one_line_and_short() -> None:
    assert one_line("a\nb\t c" + "x" * 500, 20) == "a b cxxxxxxxxxxxxxx…"


def test_numbers_for_people() -> None:
    assert [human_bytes(n) for n in (12, 1500, 2_500_000)] == ["12 B", "1.5 kB", "2.5 MB"]
    assert [human_seconds(n) for n in (1.25, 42, 75, 3700)] == ["1.2 s", "42 s", "1:15 min", "1:01 h"]


def test_one_thing_is_not_said_in_the_plural() -> None:
    assert [counted(n, "step") for n in (0, 1, 2, 2000)] == ["0 steps", "1 step", "2 steps", "2,000 steps"]
