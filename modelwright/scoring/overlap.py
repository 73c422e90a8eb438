"""Did the training data hold the evaluation prompts? Whole prompts and shared runs of 13 words.

13 words is the length that GPT-3's authors used (Brown et al. 2020, appendix C). Words are lower-case letters and
digits, so punctuation and spacing do not hide a copy. Memory holds the evaluation side only; training texts stream by.

Not here: paraphrases. A clean result says that nothing was copied, not that nothing was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelwright.scoring.text_metrics import tokens

RUN_WORDS = 13


def contaminated(prompts: Sequence[str], training_texts: Iterable[str]) -> list[int]:
    """Indexes of the prompts that stand in a training text as a whole or share a run of 13 words with one."""
    wanted: dict[tuple[str, ...], set[int]] = {}
    for index, prompt in enumerate(prompts):
        for run in runs(tokens(prompt)):
            wanted.setdefault(run, set()).add(index)
    lengths = sorted({len(run) for run in wanted})
    found: set[int] = set()
    for text in training_texts:
        words = tokens(text)
        for length in lengths:
            for start in range(len(words) - length + 1):
                run = tuple(words[start : start + length])
                if length == RUN_WORDS or length == len(words):
                    found |= wanted.get(run, set())
    return sorted(found)


def runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    """All runs of 13 words; a shorter prompt is one run by itself, which must equal a whole text to count."""
    if len(words) < RUN_WORDS:
        return [tuple(words)] if words else []
    return [tuple(words[start : start + RUN_WORDS]) for start in range(len(words) - RUN_WORDS + 1)]
