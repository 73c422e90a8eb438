from __future__ import annotations

import builtins
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize as rouge_tokenize

from modelwright.errors import EngineMissing
from modelwright.scoring import text_metrics as metrics


def lcs(a: list[str], b: list[str]) -> int:
    """The obvious recursion."""
    if not a or not b:
        return 0
    if a[0] == b[0]:
        return 1 + lcs(a[1:], b[1:])
    return max(lcs(a[1:], b), lcs(a, b[1:]))


def test_exact_match_ignores_case_punctuation_articles_and_spaces() -> None:
    assert metrics.exact_match("The  answer, is: 42!", "answer is 42") == 1
    assert metrics.exact_match("answer is 43", "answer is 42") == 0
    assert [metrics.exact_match(answer, "...") for answer in ("", "the", "... ")] == [0, 0, 1]


def test_contains_wants_whole_words() -> None:
    assert metrics.contains("It is Paris, of course.", "paris") == 1
    assert metrics.contains("Parisian food", "paris") == 0
    assert metrics.contains("anything", "the") == 0


@given(st.lists(st.sampled_from("abcd"), max_size=6), st.lists(st.sampled_from("abcd"), max_size=6))
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(answer: list[str], reference: list[str]) -> None:
    common = lcs(answer, reference)
    expected = 2 * common / (len(answer) + len(reference)) if common else 0.0
    assert metrics.rouge_l(" ".join(answer), " ".join(reference)) == pytest.approx(expected)


@given(st.text(alphabet=st.characters(max_codepoint=126)))
def test_on_ascii_the_words_are_those_of_rouge_score(text: str) -> None:
    assert metrics.tokens(text) == rouge_tokenize(text, None)


def test_rouge_l_of_text_in_other_scripts_is_not_zero() -> None:
    assert metrics.rouge_l("Привет, мир", "привет мир") == 1
    assert metrics.rouge_l("東京です", "東京") == pytest.approx(2 * 2 / 6)


def test_sentence_and_corpus_bleu_agree_on_a_perfect_answer() -> None:
    text = "the quick brown fox jumps over the lazy dog"
    score, signature = metrics.corpus_bleu([text], [text])
    assert metrics.sentence_bleu(text, text) == pytest.approx(100)
    assert score == pytest.approx(100)
    assert "version:" in signature


def test_bleu_of_other_words_is_low() -> None:
    assert metrics.sentence_bleu("completely other words", "the quick brown fox") < 5


@pytest.mark.parametrize(
    ("score", "package", "cached"),
    [
        (metrics.rouge_l, "rouge_score", metrics._rouge_scorer),
        (metrics.sentence_bleu, "sacrebleu", metrics._sacrebleu),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, score: Any, package: str, cached: Any
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith(package):
            raise ImportError(name)
        return real(name, *rest)

    cached.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EngineMissing, match="pip install 'modelwright\\[eval\\]'"):
        score("a", "a")
