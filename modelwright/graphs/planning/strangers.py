"""What is settled before a draft is asked for: a plugin whose own words the request says, and a request that says nothing known.

A planning model that was trained on the tools of the lexicon hardly ever drafts another one, so a plugin beside them is found
by its card: the request shares more telling words with it than with any other, names what its file argument takes, and the
rules see nothing sure of a known tool. All three are needed, so that nothing is taken from the known tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelwright.contract import Tool
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import kinds_of
from modelwright.graphs.planning.cues import meant
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.fill_open import unseen
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY, lexicon
from modelwright.graphs.planning.recall import text_of, words_of
from modelwright.graphs.planning.slots import looks
from modelwright.graphs.planning.stems import stem
from modelwright.graphs.planning.words import Token

FEWEST_SHARED = 2
SAME_START = 5
"""Letters: trainiere and train, modelo and model."""
_HOW_MANY = re.compile(r"\bhow\s+many\b|\b(?:the\s+)?number\s+of\b", re.IGNORECASE)
_ENGLISH = frozenset({"the", "it", "its", "my", "your", "our", "this", "that", "these", "those", "of", "with", "to", "for", "please"})
"""Words by which a request is known to be English, where the lexicon knows nearly every word that matters."""


def meant_by(request: str, asked: Sequence[Intent], found: Sequence[Candidate], recalled: Sequence[Tool]) -> str:
    """The one plugin that the request speaks of, by name; empty where it is none or not clear. `recalled`: the likeliest tools."""
    if any(points >= LIKELY for i in asked for name, points in i.scores.items() if name in lexicon().tools):
        return ""
    said = _said(request, found)
    points = {tool.name: len(said & _own_words(tool)) + len(said & _name_words(tool)) for tool in recalled}
    best = [tool for tool in recalled if points[tool.name] == max(points.values())]
    if len(best) != 1 or not unseen(best[0]) or not _has_its_file(best[0], found):
        return ""
    shared = len(said & _own_words(best[0]))
    return best[0].name if shared >= FEWEST_SHARED and shared * 2 > len(said) else ""


def _said(request: str, found: Sequence[Candidate]) -> set[str]:
    """Stems of the telling words outside of what was found; "how many" is a count."""
    text = list(request)
    for candidate in found:
        text[candidate.start : candidate.end] = " " * (candidate.end - candidate.start)
    return set(words_of(_HOW_MANY.sub(" count ", "".join(text))))


def _own_words(tool: Tool) -> set[str]:
    """What it is called, described and found as; not its arguments, whose many words say little."""
    return set(words_of(" ".join([tool.name.replace("_", " "), tool.summary, lexicon().of(tool).does, *tool.keywords])))


def _name_words(tool: Tool) -> set[str]:
    """They count twice."""
    return set(words_of(tool.name.replace("_", " ")))


def _has_its_file(tool: Tool, found: Sequence[Candidate]) -> bool:
    """Whether the request names something for each path that it needs, and for one at least."""
    needed = [f for f in fields_of(tool.args).values() if f.required and f.role and f.role != "output"]
    return bool(needed) and all(any(looks(c) in kinds_of(f) for c in found) for f in needed)


def nothing_known(tokens: Sequence[Token], found: Sequence[Candidate], tools: Mapping[str, Tool]) -> bool:
    """ "frobnicate the gizmo": an English request without any value, none of whose words is the lexicon's or a tool's."""
    small = lexicon().words["fillers"] | lexicon().words["function_words"]
    words = [t.word for t in tokens if t.word.isalpha()]
    telling = [word for word in words if word not in small]
    if found or not telling or _ENGLISH.isdisjoint(words) or not lexicon().words["things_to_work_on"].isdisjoint(words):
        return False
    theirs = {word for tool in tools.values() for word in words_of(text_of(tool))}
    return not any(_is_known(word) or stem(word) in theirs for word in telling)


def _is_known(word: str) -> bool:
    words = lexicon()
    if any(meant(word)) or not word.isascii() or any(word in some for some in words.words.values()):
        return True
    named = {part for names in words.arguments.values() for name in names for part in name}
    return word in named or any(word[:SAME_START] == known[:SAME_START] for known in words.vocabulary if len(known) >= SAME_START)
