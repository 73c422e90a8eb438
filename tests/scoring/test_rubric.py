from __future__ import annotations

import threading
from pathlib import Path

import pytest

from modelwright.errors import BadRequest
from modelwright.scoring import patterns, rubric

GREETING = """
name = "tone"
pass_score = 0.75
[[check]]
name = "greeting"
kind = "regex"
pattern = '^Hello'
weight = 3
[[check]]
name = "short"
kind = "max_words"
value = 4
"""


def load(tmp_path: Path, text: str) -> rubric.Rubric:
    path = tmp_path / "rubric.toml"
    path.write_text(text, encoding="utf-8")
    return rubric.load(path)


def one_check(tmp_path: Path, body: str) -> rubric.Check:
    return load(tmp_path, f'[[check]]\nname = "it"\n{body}\n').checks[0]


def test_the_score_is_the_weighted_share_of_the_checks_that_pass(tmp_path: Path) -> None:
    scored = load(tmp_path, GREETING).score("Hello to all of you out there")
    assert scored == rubric.Scored(0.75, True, {"greeting": True, "short": False})


def test_an_answer_below_the_pass_score_does_not_pass(tmp_path: Path) -> None:
    scored = load(tmp_path, GREETING).score("Good day")
    assert (scored.score, scored.passed) == (0.25, False)


def test_equal_thirds_add_up_to_a_full_score(tmp_path: Path) -> None:
    checks = "".join(f'[[check]]\nname = "c{i}"\nkind = "min_words"\nvalue = 1\nweight = 0.1\n' for i in range(3))
    assert load(tmp_path, checks).score("one").passed


@pytest.mark.parametrize(
    ("body", "passing", "failing"),
    [
        ("kind = 'regex'\npattern = '^hello'\nflags = 'i'", "HELLO", "oh hello"),
        ("kind = 'not_regex'\npattern = '^- '\nflags = 'm'", "a - b", "list\n- one"),
        ("kind = 'regex'\npattern = 'a.b'\nflags = 's'", "a\nb", "ab"),
        ("kind = 'count'\npattern = 'next'\nmin = 1\nmax = 1", "next", "next next"),
        ("kind = 'count'\npattern = 'next'\nmin = 1", "next next", ""),
        ("kind = 'max_words'\nvalue = 2", "two words", "now three words"),
        ("kind = 'min_words'\nvalue = 2", "two words", "one"),
        ("kind = 'mean_word_length'\nmax = 3.0", "the cat", "elephants"),
        ("kind = 'mean_word_length'\nmin = 2.0", "the cat", ""),
    ],
)
def test_each_kind_passes_and_fails_where_it_says(tmp_path: Path, body: str, passing: str, failing: str) -> None:
    check = one_check(tmp_path, body)
    assert check.passes(passing)
    assert not check.passes(failing)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no checks"),
        ("check = 3", "no checks"),
        ("[[check]]\nname = 'a'\nkind = 'regexp'\npattern = 'x'", "did you mean regex?"),
        ("[[check]]\nname = 'a'\nkind = 'regex'\npatern = 'x'", "did you mean pattern?"),
        ("[[check]]\nname = 'a'\nkind = 'regex'", "pattern is missing"),
        ("[[check]]\nname = 'a'\nkind = 'regex'\npattern = '(x'", "check 1 (a): '(x' is not a regular expression"),
        ("[[check]]\nname = 'a'\nkind = 'regex'\npattern = 'x'\nflags = 'x'", "unknown flag 'x'"),
        ("[[check]]\nname = 'a'\nkind = 'max_words'\nvalue = 'ten'", "value must be a number, got 'ten'"),
        ("[[check]]\nname = 'a'\nkind = 'max_words'\nvalue = true", "value must be a number"),
        ("[[check]]\nname = 'a'\nkind = 'max_words'\nvalue = nan", "value must be a number"),
        ("[[check]]\nname = 'a'\nkind = 'count'\npattern = 'x'", "neither min nor max"),
        ("[[check]]\nname = 'a'\nkind = 'count'\npattern = 'x'\nmin = 2\nmax = 1", "min 2 is above max 1"),
        ("[[check]]\nname = 'a'\nkind = 'min_words'\nvalue = 1\nweight = 0", "weights add up to 0"),
        ("[[check]]\nname = 'a'\nkind = 'min_words'\nvalue = 1\nweight = -1", "weight must be between 0"),
        ("[[check]]\nkind = 'min_words'\nvalue = 1", "name must be a text"),
        ("pass_scor = 1\n[[check]]\nname = 'a'\nkind = 'min_words'\nvalue = 1", "did you mean pass_score?"),
        ("pass_score = 2\n[[check]]\nname = 'a'\nkind = 'min_words'\nvalue = 1", "between 0 and 1, got 2"),
        ("[[check]]\nname = 'a'\nkind = 'min_words'\nvalue = 1\n" * 2, "two checks are called 'a'"),
        ("[[check]", "not readable as TOML"),
    ],
)
def test_a_wrong_rubric_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert "rubric.toml" in str(caught.value)
    assert "\n" not in caught.value.message


def test_a_missing_file_a_folder_and_other_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    for path, said in ((tmp_path / "no.toml", "no rubric at"), (tmp_path, "is a folder"), (tmp_path / "bytes.toml", "not readable")):
        with pytest.raises(BadRequest, match=said):
            rubric.load(path)


def test_a_pattern_that_backtracks_without_end_is_stopped_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "PATTERN_SECONDS", 0.2)
    check = one_check(tmp_path, "kind = 'regex'\npattern = '(a+)+$'")
    with pytest.raises(BadRequest, match=r"check 'it': the pattern took more than 0\.2 s"):
        check.passes("a" * 40 + "b")
    assert check.passes("aaa")


def test_outside_the_main_thread_a_check_still_works(tmp_path: Path) -> None:
    check, seen = one_check(tmp_path, "kind = 'regex'\npattern = 'a'"), []
    thread = threading.Thread(target=lambda: seen.append(check.passes("cat")))
    thread.start()
    thread.join()
    assert seen == [True]


def test_only_the_first_20_000_characters_are_looked_at(tmp_path: Path) -> None:
    check = one_check(tmp_path, "kind = 'regex'\npattern = 'end'")
    assert check.passes("x" * 19_000 + "end")
    assert not check.passes("x" * 20_000 + "end")
