"""Comparing one answer with its reference: exact match, contains, ROUGE-L, BLEU. One number an item.

exact_match and contains look at normalised text, as SQuAD does: lower case, no punctuation, no English articles,
single spaces (Rajpurkar et al. 2016, evaluate-v1.1.py). ROUGE-L is the F1 of rouge-score without stemming; BLEU is
sacrebleu's, by sentence for pairing and over all answers for quoting, with its signature. Both on 0..1 for ROUGE and
0..100 for BLEU, as their fields quote them.

rouge-score's own tokenizer drops every letter outside a-z, so text in other scripts would score 0; here its
tokenizer is replaced by one that is the same on ASCII and keeps other letters (CJK characters one by one).

Not here: metrics that need a model (BERTScore, judges).
"""

from __future__ import annotations

import importlib.metadata
import re
import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from modelwright.errors import EngineMissing

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])[^\W_])+")


def normalise(text: str) -> str:
    """SQuAD's normalisation: lower case, no punctuation, no a/an/the, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, reference: str) -> float:
    """1 when both are the same after normalisation; where nothing is left of them ("..."), to the letter."""
    left, wanted = normalise(answer), normalise(reference)
    return float(left == wanted if wanted else answer.strip() == reference.strip())


def contains(answer: str, reference: str) -> float:
    """1 when the normalised reference stands in the normalised answer as whole words. An empty reference never does."""
    wanted = normalise(reference)
    return float(bool(wanted) and f" {wanted} " in f" {normalise(answer)} ")


def tokens(text: str) -> list[str]:
    """Lower-case words and numbers; CJK characters one by one. On ASCII the same as rouge-score's own."""
    return _TOKEN.findall(text.lower())


class _Tokenizer:
    """The interface that rouge-score asks for."""

    def tokenize(self, text: str) -> list[str]:
        return tokens(text)


@lru_cache(maxsize=1)
def _rouge_scorer() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise missing("rouge-score") from None
    return RougeScorer(["rougeL"], tokenizer=_Tokenizer())


def rouge_l(answer: str, reference: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004), 0..1."""
    return float(_rouge_scorer().score(reference, answer)["rougeL"].fmeasure)


@lru_cache(maxsize=1)
def _sacrebleu() -> Any:
    try:
        import sacrebleu
    except ImportError:
        raise missing("sacrebleu") from None
    return sacrebleu


def sentence_bleu(answer: str, reference: str) -> float:
    """BLEU of one answer with effective order, 0..100. For pairing; not comparable with corpus BLEU."""
    return float(_sacrebleu().BLEU(effective_order=True).sentence_score(answer, [reference]).score)


def corpus_bleu(answers: Sequence[str], references: Sequence[str]) -> tuple[float, str]:
    """BLEU over all answers, 0..100, and sacrebleu's signature, without which the number means nothing (Post 2018)."""
    bleu = _sacrebleu().BLEU()
    score = bleu.corpus_score(list(answers), [list(references)])
    return float(score.score), str(bleu.get_signature())


def rouge_signature() -> str:
    return f"rouge-score {importlib.metadata.version('rouge-score')}, rougeL F1, no stemming, Unicode words"


def missing(package: str) -> EngineMissing:
    return EngineMissing(f"the package {package} is not installed", fix="pip install 'modelwright[eval]'")
