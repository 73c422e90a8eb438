"""phrases.toml: turns of speech that give an argument its value. Each finds a place of the request, so that the plan can show it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from modelwright.errors import BadRequest
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.scoring.patterns import compile_pattern

REACH = 80
"""Characters before a number in which its phrase may begin."""
_DENIED = 3
"""Words before a flag among which one may deny it."""


@dataclass(frozen=True)
class Phrases:
    shapes: Mapping[str, Sequence[tuple[re.Pattern[str], re.Pattern[str]]]]
    """What stands before the number and what stands behind it."""
    flags: Mapping[str, Sequence[re.Pattern[str]]]
    values: Mapping[str, Mapping[str, Sequence[re.Pattern[str]]]]
    captures: Mapping[str, Sequence[re.Pattern[str]]]
    roles: Mapping[str, Sequence[tuple[re.Pattern[str], re.Pattern[str]]]]


@lru_cache(maxsize=1)
def phrases() -> Phrases:
    raw = _with_words(tomllib.loads(files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8")))
    return Phrases(
        {name: [_shape(text) for text in texts] for name, texts in raw["shapes"].items()},
        {name: _compiled(texts) for name, texts in raw["flags"].items()},
        {name: {value: _compiled(texts) for value, texts in table.items()} for name, table in raw["values"].items()},
        {name: [re.compile(text, re.IGNORECASE) for text in texts] for name, texts in raw["captures"].items()},
        {name: [_shape(text) for text in texts] for name, texts in raw["roles"].items()},
    )


def _with_words(raw: Any) -> Any:
    """All turns of speech with the shared words written out: `<people>` as what stands under people in [words]."""
    words = raw.pop("words", {}) if isinstance(raw, dict) else {}

    def written(part: Any) -> Any:
        if isinstance(part, str):
            return re.sub(r"(?<!\?P)<(\w+)>", lambda found: f"(?:{words[found[1]]})" if found[1] in words else found[0], part)
        if isinstance(part, dict):
            return {key: written(inner) for key, inner in part.items()}
        return [written(inner) for inner in part]

    return written(raw)


def _shape(text: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    before, after = _any_token(text).split("N", 1)
    opened = rf"(?:^|(?<![\w-]))(?:{before})$" if before else ""
    return re.compile(opened, re.IGNORECASE), re.compile(rf"{after}(?!\w)" if after else "", re.IGNORECASE)


def _any_token(text: str) -> str:
    """Whoever writes "tokens" may write "toks"."""
    return re.sub(r"(?<![\w!-])tokens?\??(?!\w)", "tok(?:en)?s?", text)


def _compiled(texts: Sequence[str]) -> list[re.Pattern[str]]:
    return [re.compile(rf"(?:(?<![\w/.-])|(?<=\d)(?=/))(?:{text})(?![\w/-])", re.IGNORECASE) for text in texts]


def shaped(field: str, text: str, start: int, end: int) -> bool:
    """Whether the number text[start:end] stands as one of this argument does."""
    lead = re.sub(r"(?:[~≈]\s?)?(?:[$€£]\s?)?$", "", text[max(0, start - REACH) : start])
    rest = text[end:]
    return any(before.search(lead) and after.match(rest) for before, after in phrases().shapes.get(field, ()))


def flag(field: str, text: str, start: int = 0, end: int | None = None) -> Candidate | None:
    """True or False for a yes/no argument that text[start:end] speaks of."""
    end = len(text) if end is None else end
    for pattern in phrases().flags.get(field, ()):
        if match := pattern.search(text, start, end):
            before = re.findall(r"[\w']+", text[start : match.start()].lower())[-_DENIED:]
            denied = next((word for word in before if word in lexicon().words["negations"]), "")
            place = text.lower().rfind(denied, start, match.start()) if denied else match.start()
            said = text[place : match.end()]
            return Candidate(
                "flag", not (denied or re.search(r"\b(?:nothing|anything|leave|skip|spare|drop)\b", said)), place, match.end(), said
            )
    return None


_UNWANTED = re.compile(
    r"\b(?:rather not(?: [\w'’-]+){0,4}|(?:instead of|rather than|no longer)(?: (?:as|by|an?|the|only))?) $", re.IGNORECASE
)
""" "would rather not fiddle about with a separate adapter"."""


def value(field: str, wanted: str, text: str, start: int = 0, end: int | None = None) -> Candidate | None:
    """Where text[start:end] names a listed value in other words."""
    for pattern in phrases().values.get(field, {}).get(wanted, ()):
        found = pattern.finditer(text, start, len(text) if end is None else end)
        if match := next((m for m in found if not _UNWANTED.search(text[start : m.start()])), None):
            return Candidate("choice", wanted, match.start(), match.end(), match.group())
    return None


def captured(field: str, text: str, start: int = 0, end: int | None = None) -> list[Candidate]:
    """The names or the expression that stand behind the word for this argument: "the groups hr and legal"."""
    for pattern in phrases().captures.get(field, ()):
        if match := pattern.search(text, start, len(text) if end is None else end):
            parts = list(_PARTS.finditer(text, *match.span("v"))) if field not in WHOLE else [match]
            parts = [p for p in parts if not (field == "groups" and p["v"] in _NO_GROUP)]
            spans = [part.span("v") for part in parts]
            if field == "pattern":
                spans = [(a, a + len(re.sub(r"(?<!\\)[.,]$", "", text[a:b]))) for a, b in spans]  # the end of the sentence
            if not spans or (field == "pattern" and not _is_expression(text[slice(*spans[0])])):
                continue  # "a member of that group" names none, "exact match + contains" holds no expression
            return [Candidate("value", _written(field, text[a:b]), a, b, text[a:b]) for a, b in spans]
    return []


WHOLE = ("pattern", "path")
"""Arguments whose words are one value; others are names, maybe several."""
_PARTS = re.compile(r"(?<![\w-])(?!(?:and|or|und|et|y|e|en|och|i)(?![\w-]))(?P<v>[\w-]+)", re.IGNORECASE)


_NO_GROUP = frozenset({"that", "this", "my", "our", "same", "it", "them"})
""" "a member of that group" names none; "I'm in IT" does."""


def _is_expression(text: str) -> bool:
    try:
        compile_pattern(text, "pattern")
    except BadRequest:
        return False
    return True


def _written(field: str, said: str) -> str:
    return said.lower() if field == "kinds" else said


def role(field: str, text: str, start: int, end: int) -> bool:
    """Whether the path text[start:end] stands as one of this argument does: "tiny.gguf guesses ahead"."""
    return any(
        before.search(text[max(0, start - REACH) : start]) and after.match(text[end:]) for before, after in phrases().roles.get(field, ())
    )


def says(field: str, text: str, wanted: object) -> bool:
    """Whether text proves the value of the argument."""
    if isinstance(wanted, bool):
        found = flag(field, text)
        return found is not None and found.value == wanted
    return value(field, str(wanted), text) is not None
