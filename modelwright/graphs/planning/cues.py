"""Where the cues of the lexicon stand in a clause.

A longer cue beats a shorter one on the same words ("check how good" is not "check"). A cue after "don't", "without" or
"instead of" counts for nothing. One slip of the pen is forgiven in words of six letters and more, and costs a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from modelwright.contract import Tool
from modelwright.graphs.planning.lexicon import HINT, LIKELY, SURE, Cue, lexicon
from modelwright.graphs.planning.stems import nearly, same, stem
from modelwright.graphs.planning.words import Token

MOST_GAP = 4
ELSEWHERE = "elsewhere:"
COMMAND = "^"
"""Begins a cue of what no tool does that is the clause's command: all else in the clause is its object."""
COMMANDED = SURE + 1
"""What such a cue weighs."""
_COURTESY = """
please pls plz kindly can could would will you u ya i we i'd we'd i'll want need like have to now just also then hi hey hello ok okay
so let's lets let us go ahead help me must should - ' `
bitte kannst könntest können könnten du sie mir mal uns ich wir will möchte möchten wollen jetzt
peux peut pouvez pourrais pourriez tu vous s'il te plaît plait stp svp je j'ai veux voudrais il faut nous moi
puedes podrías puede podría quiero por favor me necesito hay que nos
puoi potresti vorrei voglio per favore mi ci
podes pode poderia você quero preciso
kun kan kunt je u ik wil graag even eens alsjeblieft
"""
_BEFORE_COMMANDS = frozenset(_COURTESY.split())
"""Courtesy: what may stand before a command."""
_SPEAKERS = frozenset({"i", "we", "ich", "wir", "ik"})
"""Directly before a verb they tell what somebody does: "before I buy"."""
_NEEDS, _WHO_NEEDS = frozenset({"serve", "servono"}), frozenset({"mi", "ci", "ti", "vi", "gli", "le", "non"})
"""Italian for what somebody needs: "mi serve il modello" asks for no server."""
_AFTER_NOUNS = frozenset({"of", "is", "was", "are", "were"})
"""Behind a word that is no command: "order of the rows"."""
MEDIA = {
    "sound": (".mp3", ".wav", ".m4a", ".ogg", ".flac", ".mp4", ".mov", ".mkv", ".webm", ".avi"),
    "picture": (".png", ".jpg", ".jpeg", ".gif", ".svg", ".bmp", ".tif", ".tiff", ".webp", ".dcm"),
}
"""Endings of files that no tool reads, by their placeholder in a cue."""
_BETWEEN = ("do", "to", "need", "of", "than", "want", "even", "yet", "separate", "extra", "additional", "further", "more")
"""May stand between "no" and what is not wanted."""


@dataclass(frozen=True)
class Match:
    tool: str
    weight: float
    places: tuple[int, ...]
    """Indexes of the tokens that the cue's words stand on."""
    is_command: bool = False


@dataclass(frozen=True)
class Cues:
    """All cues, the longest first, found by their first word."""

    ordered: Sequence[tuple[str, Cue]]
    by_first: Mapping[str, Sequence[int]]

    def starting_at(self, token: Token) -> set[int]:
        exact, slipped = meant(token.word)
        firsts = {*exact, *slipped, token.word, stem(token.word)}
        if token.candidate:
            firsts |= {"<dataset>", "<model>", f"<{token.candidate.kind}>", *(f"<{media}>" for media in MEDIA)}
        return {number for first in firsts for number in self.by_first.get(first, ())}


def all_cues(tools: Mapping[str, Tool]) -> Cues:
    words = lexicon()
    cues = [(name, cue) for name, tool in tools.items() for cue in words.of(tool).cues]
    cues += [(ELSEWHERE + name, cue) for name, some in words.elsewhere.items() if name not in tools for cue in some]
    cues.sort(key=lambda item: (-_words(item[1]), -item[1].weight, item[0].startswith(ELSEWHERE) and not _is_command(item[1])))
    by_first: dict[str, list[int]] = {}
    for number, (_, cue) in enumerate(cues):
        for first in _own(cue).words[0]:
            for form in {first, stem(first)}:
                by_first.setdefault(form, []).append(number)
    return Cues(cues, by_first)


def _words(cue: Cue) -> int:
    return sum(1 for word in _own(cue).words if word != ("*",))


def _own(cue: Cue) -> Cue:
    """The cue without the mark of a command."""
    return replace(cue, words=cue.words[1:]) if _is_command(cue) else cue


def _is_command(cue: Cue) -> bool:
    return cue.words[0] == (COMMAND,)


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
        if tool.startswith(ELSEWHERE) and _is_told_of(tokens, match.places[0]):
            continue
        if cue.weight > HINT:
            if any(taken.get(p, tool) != tool for p in match.places):
                continue
            taken |= dict.fromkeys(match.places, tool)
        found.append(match)
    commanded = {match.tool for match in found if match.is_command}
    return [match for match in found if match.tool in commanded] if commanded else found


def _is_told_of(tokens: Sequence[Token], place: int) -> bool:
    """ "we scraped the forum", "the translated rows", "before I deploy": history, an adjective or a plan of somebody's, no wish."""
    word, before = tokens[place].word, tokens[place - 1].word if place else ""
    if (place == 1 and before in _SPEAKERS) or (word in _NEEDS and before in _WHO_NEEDS):
        return True
    is_told = not before.isalpha() or before in lexicon().words["determiners"] | lexicon().words["past"]
    return is_told and word.endswith("ed") and word not in lexicon().vocabulary


def _commands(tokens: Sequence[Token], place: int, verbs: Sequence[str]) -> bool:
    """Whether the word is the clause's command: in the form of one, and before it nothing but courtesy."""
    word, before = tokens[place].word, tokens[place - 1].word if place else ""
    after = tokens[place + 1].word if place + 1 < len(tokens) else ""
    inflected = word not in verbs and any(same(word, verb) for verb in verbs)  # "draws 350 W", "forwarding this"
    if inflected or before in _SPEAKERS or after in _AFTER_NOUNS:
        return False
    return all(t.candidate is None and t.word in _BEFORE_COMMANDS for t in tokens[:place])


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
    words = _own(cue).words
    first = _fits(tokens[start], words[0])
    rest = None if first is None else _rest(tokens, start + 1, words[1:])
    if first is None or rest is None or (_is_command(cue) and not _commands(tokens, start, words[0])):
        return None
    weight = COMMANDED if _is_command(cue) else cue.weight
    return Match(tool, weight - (1 if first + rest[1] else 0), (start, *rest[0]), _is_command(cue))


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
    medium = next((name for name, endings in MEDIA.items() if value.lower().endswith(endings)), "")
    if medium or wanted in MEDIA:
        return wanted == medium
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
