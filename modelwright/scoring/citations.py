"""Does the quote stand in the source, and does it carry the sentence?

Two questions, both answered by code. A quote is verbatim when the source's characters at its span are the quote. A
sentence is carried when every number and every name of it stands in the quote, 80% of its other content words do, and
both or neither deny. That is strict on facts and lenient on wording; it does NOT know synonyms, arithmetic or irony, so a
true sentence in other words can be cut, which is the side to err on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LEAST_COVERED = 0.8
"""Of the content words; numbers and names must all be there."""
_WORD = re.compile(r"\d+(?:[.,:]\d+)*%?(?![^\W_])|[^\W_]+(?:-\d[^\W_]*)*(?:['’][^\W\d_]+)?")
"""Numbers with their marks, words, and names such as TW-2208 or E3."""
_NUMBER = re.compile(r"\d")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
STOP = frozenset(
    re.findall(
        r"\S+",
        "a an the of to in on at for by with from as is are was were be been being it its this that these those and or but if then than so"
        " do does did have has had will would can could should may might must shall i you he she we they them him her us my your his our"
        " their there here which who whom whose what when where why how all any each both more most other some such only own same too very"
        " just about into over under again further once up down out off through during before after above below between",
    )
)
_DENIALS = frozenset(re.findall(r"\S+", "no not never none nothing neither nor cannot without nobody nowhere hardly"))
_ENDINGS = ("ational", "fulness", "iveness", "ization", "ations", "ation", "ingly", "edly", "ments", "ment", "ness", "ions", "ion", "ing")
_SHORT_ENDINGS = ("ies", "ied", "ed", "es", "ly", "er", "s", "e", "y")

Verdict = Literal["verbatim", "moved", "absent"]


@dataclass(frozen=True)
class Support:
    """Whether a quote carries a sentence, and what is missing if not."""

    carried: bool
    covered: float
    """Share of the sentence's content words that stand in the quote, 0 to 1."""
    missing: list[str]
    """Numbers, names and denials that the quote lacks."""


def stands(text: str, start: int, end: int, quote: str) -> Verdict:
    """Whether `quote` is `text[start:end]`, stands elsewhere in `text`, or nowhere."""
    if quote and text[start:end] == quote:
        return "verbatim"
    return "moved" if quote and quote in text else "absent"


def supports(sentence: str, quotes: Sequence[str]) -> Support:
    """Whether the quotes together carry the sentence."""
    joined = " ".join(quotes)
    if " ".join(sentence.split()) and " ".join(sentence.split()) in " ".join(joined.split()):
        return Support(True, 1.0, [])
    given = {stem(word) for word in words(joined)}
    wanted = content_words(sentence)
    if not wanted:
        return Support(False, 0.0, [])
    missing = [word for word in wanted if stem(word) not in given]
    covered = 1 - len(missing) / len(wanted)
    hard = [word for word in missing if _NUMBER.search(word) or word in names(sentence)]
    if denies(sentence) != denies(joined):
        hard.append("a denial that only one of them has")
    return Support(not hard and covered >= LEAST_COVERED, covered, hard)


def words(text: str) -> list[str]:
    """Words and numbers as they stand; each CJK character is one."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        found += list(match.group()) if _CJK.search(match.group()) else [_plain_number(match.group())]
    return found


def _plain_number(word: str) -> str:
    """1,000 and 1000 are one number."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", word)


def content_words(text: str) -> list[str]:
    """In order, each once, without the words that carry no content. Denials are looked at by themselves."""
    kept = [word for word in words(text) if word.lower() not in STOP and word.lower() not in _DENIALS and not word.lower().endswith("n't")]
    return list(dict.fromkeys(kept))


def names(text: str) -> set[str]:
    """Capitalised words that do not begin a sentence, and words of capitals."""
    found = {match.group() for match in re.finditer(r"\b[A-Z][A-Z0-9]+\b", text)}
    for match in re.finditer(r"(?<![.!?\n])(?<!\A)\s([A-Z][^\W\d_]+)", text):
        if text[: match.start()].rstrip()[-1:] not in ".!?:":
            found.add(match.group(1))
    return found


def denies(text: str) -> bool:
    """An odd number of denials."""
    count = sum(word.lower() in _DENIALS or word.lower().replace("’", "'").endswith("n't") for word in words(text))
    return count % 2 == 1


def stem(word: str) -> str:
    """A rough stem: enough that `delivered` meets `delivery` and `batteries` meets `battery`. English endings only."""
    word = word.lower().replace("’s", "").replace("'s", "")
    for ending in (*_ENDINGS, *_SHORT_ENDINGS):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word.rstrip("y") if len(word) > 4 else word
