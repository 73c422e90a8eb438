"""A request cut into clauses, in the order in which things are to happen; and what in it is data or a noun, no command.

"compare them after quantizing a.gguf" gives the quantizing first; so do "before", "but first" and "beforehand".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.stems import nearly, same
from modelwright.graphs.planning.words import Token, tokenize

_QUOTE = re.compile(r"(?:(?<=[\s(:])|^)(?P<q>[\"'“‘«`])(?P<body>(?:(?!(?P=q))[^”»])*)[\"'”’»`](?=[\s.,;:?!)]|$)", re.DOTALL)
_SAYS = re.compile(
    r"\b(?:document|file|page|text|readme|note|e?mail|website|row|card|it|which|message|comment)s?\s+"
    r"(?:says?|said|reads?|states?|tells? you|contains the (?:text|line|sentence))\b"
    r"[^.!?\n]*[.!?]?",
    re.IGNORECASE,
)


_MARKER = re.compile(r"\([1-9]\)")
"""Of a list: (1) … (2) …"""


@dataclass(frozen=True)
class Clause:
    """Some tokens of the request; `opener` is the separator before it."""

    tokens: tuple[Token, ...]
    opener: str = ""

    @property
    def candidates(self) -> list[Candidate]:
        return [t.candidate for t in self.tokens if t.candidate]

    @property
    def start(self) -> int:
        return self.tokens[0].start if self.tokens else 0

    @property
    def end(self) -> int:
        return self.tokens[-1].end if self.tokens else 0

    def __add__(self, other: Clause) -> Clause:
        return Clause(self.tokens + other.tokens, self.opener)


def quoted_data(text: str, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Spans that are text to work on: quotes of three words or more that are no path, and what a document says."""
    spans = []
    for match in _QUOTE.finditer(text):
        inside = match.span("body")
        is_path = any((c.start, c.end) == inside for c in candidates)
        if not is_path and len(match.group("body").split()) >= 3:
            spans.append(match.span())
    spans += [m.span() for m in _SAYS.finditer(text)]
    return spans


def read(text: str, candidates: Sequence[Candidate]) -> list[Token]:
    """The tokens that may be commands or arguments."""
    data = quoted_data(text, candidates)
    outside = [c for c in candidates if not _inside(c.start, data)]
    return _masked([t for t in tokenize(text, outside) if not _inside(t.start, data)])


def _inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def _masked(tokens: list[Token]) -> list[Token]:
    """Nouns that sound like commands: "the tuned model", "training data"."""
    return [replace(t, masked=True) if _is_noun(tokens, i) else t for i, t in enumerate(tokens)]


def _is_noun(tokens: Sequence[Token], i: int) -> bool:
    words, word = lexicon().words, tokens[i].word
    if i + 1 < len(tokens) and tokens[i + 1].word == "=":
        return True
    if word in words["deeds"]:
        return _is_named(tokens, i)
    if word == "index" and i and tokens[i - 1].word in ("the", "my", "our", "your", "this", "that", "its", "their", "an"):
        return True  # "over the index manuals" makes none
    if (
        word in ("quants", "quantizations", "quantisations")
        and i
        and (tokens[i - 1].word in words["determiners"] | {"have", "three", "four", "five", "six", "two"} or tokens[i - 1].word.isdigit())
    ):
        return True  # "I have three quants lying around"
    if word == "train" and i and tokens[i - 1].word in ("a", "the", "by"):
        return True
    before = [t.word for t in tokens[max(0, i - 2) : i]]
    after = [t.word for t in tokens[i + 1 : i + 3]]
    if word == "fine" and after[:1] in (["tuned"], ["tuning"]):
        return _is_noun(tokens, i + 1)
    if word.replace("ised", "ized") in words["participles"]:
        at = i - 1 if before[-1:] == ["fine"] else i
        near = tokens[at - 1] if at else None
        adjective = near is not None and (near.word in words["determiners"] or near.word in words["past"] or _is_model(near))
        return adjective or not words["model_things"].isdisjoint(after[:1])
    if word in words["data_of"]:
        following = [w for w in after if w not in ("and", "tuning", "/")]
        return bool(following) and following[0] in words["data_things"] and (before[-1:] != ["to"])
    return False


def _is_model(token: Token) -> bool:
    return token.candidate is not None and token.candidate.kind == "model"


def _is_named(tokens: Sequence[Token], i: int) -> bool:
    """ "did the tuning help" speaks of a tuning, "start the training" asks for one."""
    words = [t.word for t in tokens[max(0, i - 4) : i]]
    words = words[:-1] if words[-1:] == ["fine"] else words
    after = tokens[i + 1].word if i + 1 < len(tokens) else ""
    beside = tokens[i + 1].candidate if i + 1 < len(tokens) else None
    if words[-1:] == ["an"] and beside is not None and beside.kind in ("dataset", "file", "missing"):
        return True  # "an export answers.csv"
    determined = bool(words) and words[-1] in ("the", "this", "that", "our", "my", "any", "all", "did", "does", "has", "had", "was")
    asked_for = any(w in ("run", "start", "do", "begin", "launch", "make", "perform", "try", "kick") for w in words)
    return (determined and not asked_for) or (after in lexicon().words["data_things"] and words[-1:] != ["to"])


def split(tokens: Sequence[Token]) -> list[Clause]:
    clauses: list[Clause] = []
    current: list[Token] = []
    opener = ""
    for token in tokens:
        at_once = token.word == "once" and bool(current) and current[-1].word == "at"  # "8 requests at once"
        if token.candidate is None and not at_once and (token.word in lexicon().words["separators"] or _MARKER.fullmatch(token.text)):
            if current:
                clauses.append(Clause(tuple(current), opener))
                current, opener = [], ""
            opener = f"{opener} {token.word}".strip()
        else:
            current.append(token)
    if current:
        clauses.append(Clause(tuple(current), opener))
    return clauses


_BEFOREHAND = frozenset(("beforehand", "vorher", "zuvor", "vorab", "auparavant", "préalablement", "previamente", "vooraf", "uprzednio"))


def goes_first(clause: Clause) -> bool:
    """Whether this clause is to happen before the one that stands before it."""
    words = [t.word for t in clause.tokens]
    opened = clause.opener.split()
    if opened and opened[-1] in ("after", "once"):
        return words[:1] not in (["that"], ["which"], ["this"]) and not _means_afterwards(opened, words)
    if opened and opened[-1] == "before" and words[:1] in (["that"], ["this"]):
        return True
    if words[:3] in (["prior", "to", "that"], ["prior", "to", "this"], ["ahead", "of", "that"]):
        return True
    if opened[-2:] == ["before", ","] or not _BEFOREHAND.isdisjoint(words):
        return True
    told_first = opened[-1:] == ["."] and words[:1] == ["first"]  # "I want to train. First tell me if it fits"
    return told_first or ("but" in opened and "first" in words[:2]) or words[-1:] == ["first"]


_TOLD_AFTER = (["calculate"], ["compute"], ["tell"], ["show"], ["give"], ["say"])
""" "Find the knee. After calculate what it costs": these open no condition."""


def _means_afterwards(opened: Sequence[str], words: Sequence[str]) -> bool:
    """ "measure it, and after quantize it": a command stands behind it, no deed ("after quantizing"), no thing ("after the export")."""
    small = lexicon().words["determiners"] | lexicon().words["past"] | lexicon().words["deeds"]
    adds = opened[-1] == "after" and opened[-2:-1] != [] and (opened[-2] in lexicon().words["adds"] or words[:1] in _TOLD_AFTER)
    return (adds and bool(words) and words[0] not in small and not words[0].endswith("ing")) or (
        opened[-1] == "after" and words[:1] == ["to"]
    )


def comes_later(clause: Clause) -> bool:
    """Whether a clause that opens the request waits for the next: "before you train, check the data"."""
    return clause.opener.split()[-1:] == ["before"]


def mentions(clause: Clause, *phrases: str) -> bool:
    """Whether one of the phrases stands in the clause, word by word."""
    words = [t.word for t in clause.tokens]
    for phrase in phrases:
        wanted = phrase.split()
        for i in range(len(words) - len(wanted) + 1):
            if all(same(a, b) or nearly(a, b) for a, b in zip(words[i : i + len(wanted)], wanted, strict=True)):
                return True
    return False
