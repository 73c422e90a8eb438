"""Where the cues of the lexicon stand in a clause.

A longer cue beats a shorter one on the same words ("check how good" is not "check"). A cue after "don't", "without" or
"instead of" counts for nothing. One slip of the pen is forgiven in words of six letters and more, and costs a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from modelwright.contract import Tool
from modelwright.graphs.planning.lexicon import HINT, LIKELY, Cue, lexicon
from modelwright.graphs.planning.stems import nearly, same, stem
from modelwright.graphs.planning.words import Token

MOST_GAP = 4
ELSEWHERE = "elsewhere:"
_BETWEEN = ("do", "to", "need", "of", "than", "want", "even", "yet", "separate", "extra", "additional", "further", "more")
"""May stand between "no" and what is not wanted."""


@dataclass(frozen=True)
class Match:
    tool: str
    weight: float
    places: tuple[int, ...]
    """Indexes of the tokens that the cue's words stand on."""


@dataclass(frozen=True)
class Cues:
    """All cues, the longest first, found by their first word."""

    ordered: Sequence[tuple[str, Cue]]
    by_first: Mapping[str, Sequence[int]]

    def starting_at(self, token: Token) -> set[int]:
        exact, slipped = meant(token.word)
        firsts = {*exact, *slipped, token.word, stem(token.word)}
        if token.candidate:
            firsts |= {"<dataset>", "<model>", f"<{token.candidate.kind}>"}
        return {number for first in firsts for number in self.by_first.get(first, ())}


def all_cues(tools: Mapping[str, Tool]) -> Cues:
    words = lexicon()
    cues = [(name, cue) for name, tool in tools.items() for cue in words.of(tool).cues]
    cues += [(ELSEWHERE + name, cue) for name, some in words.elsewhere.items() if name not in tools for cue in some]
    cues.sort(key=lambda item: (-_words(item[1]), -item[1].weight))
    by_first: dict[str, list[int]] = {}
    for number, (_, cue) in enumerate(cues):
        for first in cue.words[0]:
            for form in {first, stem(first)}:
                by_first.setdefault(form, []).append(number)
    return Cues(cues, by_first)


def _words(cue: Cue) -> int:
    return sum(1 for word in cue.words if word != ("*",))


def accepted(tokens: Sequence[Token], cues: Cues) -> list[Match]:
    """Matches, the longest cues first; a word that one tool's cue stands on is no other tool's."""
    taken: dict[int, str] = {}
    found: list[Match] = []
    starts = sorted((number, place) for place, token in enumerate(tokens) for number in cues.starting_at(token))
    for number, place in starts:
        tool, cue = cues.ordered[number]
        match = _matched(tokens, place, tool, cue)
        if match is None or _negated(tokens, place) or _is_noun(tokens, match.places) or _is_stated(tokens, match):
            continue
        if cue.weight > HINT:
            if any(taken.get(p, tool) != tool for p in match.places):
                continue
            taken |= dict.fromkeys(match.places, tool)
        found.append(match)
    return found


def denied(tokens: Sequence[Token], cues: Cues) -> set[str]:
    """The tools that the request says it does not want ("no separate quantize step"), and nowhere asks for in words."""
    refused: set[str] = set()
    for place, token in enumerate(tokens):
        for number in cues.starting_at(token):
            tool, cue = cues.ordered[number]
            is_sure = cue.weight > LIKELY and not any(word[0] == "<" for words in cue.words for word in words)
            if is_sure and _matched(tokens, place, tool, cue) and _negated(tokens, place):
                refused.add(tool)
    asked = {m.tool for m in accepted(tokens, cues) if m.weight > LIKELY and any(tokens[p].candidate is None for p in m.places)}
    return refused - asked


def _matched(tokens: Sequence[Token], start: int, tool: str, cue: Cue) -> Match | None:
    first = _fits(tokens[start], cue.words[0])
    rest = None if first is None else _rest(tokens, start + 1, cue.words[1:])
    if first is None or rest is None:
        return None
    return Match(tool, cue.weight - (1 if first + rest[1] else 0), (start, *rest[0]))


def _is_stated(tokens: Sequence[Token], match: Match) -> bool:
    """ "it makes 95 output tokens a second": a speed that is told, not asked for."""
    before = [token.text for token in tokens[max(0, match.places[0] - 2) : match.places[0]]]
    return match.tool == "benchmark" and len(match.places) > 1 and any(text[:1].isdigit() for text in before)


def _is_noun(tokens: Sequence[Token], places: Sequence[int]) -> bool:
    """Whether all of the cue's own words are parts of nouns."""
    words = [tokens[place] for place in places if tokens[place].candidate is None]
    return bool(words) and all(token.masked for token in words)


def _rest(tokens: Sequence[Token], at: int, words: Sequence[tuple[str, ...]], gap: int = 0) -> tuple[tuple[int, ...], int] | None:
    """Where the other words of a cue stand, small words skipped."""
    if not words:
        return (), 0
    if words[0] == ("*",):
        return _rest(tokens, at, words[1:], MOST_GAP)
    for place in range(at, len(tokens)):
        slips = _fits(tokens[place], words[0])
        if slips is not None:
            further = _rest(tokens, place + 1, words[1:])
            if further is not None:
                return (place, *further[0]), slips + further[1]
        if gap:
            gap -= 1
        elif tokens[place].word not in lexicon().words["fillers"]:
            return None
    return None


def _fits(token: Token, alternatives: Sequence[str]) -> int | None:
    """0 for a match, 1 for one with a slip, None for none. The name of a file is no word."""
    candidate = token.candidate
    if candidate and any(w[0] == "<" and _is_kind(candidate.kind, w[1:-1], str(candidate.value)) for w in alternatives):
        return 0
    if candidate and candidate.kind not in lexicon().values:
        return None
    exact, slipped = meant(token.word)
    if not exact.isdisjoint(alternatives) or any(same(token.word, w) for w in alternatives if w not in lexicon().vocabulary):
        return 0
    return None if slipped.isdisjoint(alternatives) else 1


@lru_cache(maxsize=4096)
def meant(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """The lexicon's words that this is a form of; only if there is none, those that it is one slip away from."""
    exact = lexicon().forms.get(stem(word), frozenset())
    near = [] if exact else [known for known in lexicon().vocabulary if nearly(word, known)]
    return exact, frozenset(near)


def _is_kind(kind: str, wanted: str, value: str) -> bool:
    if kind == "missing":
        is_model = value.lower().endswith((".gguf", ".safetensors", "/")) or "." not in value
        return wanted == ("model" if is_model else "dataset")
    return kind == wanted or (kind in ("file", "folder") and wanted == "dataset")


def _negated(tokens: Sequence[Token], place: int) -> bool:
    words, near = lexicon().words, [t.word for t in tokens[max(0, place - 3) : place]]
    for i, word in enumerate(near):
        if word in words["negations"] and all(w in words["fillers"] or w in _BETWEEN for w in near[i + 1 :]):
            return near[i - 1 : i] != ["or"] and near[i + 1 : i + 2] != ["only"]
    return False
