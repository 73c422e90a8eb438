"""A request in Chinese, Japanese or Korean, read in the English words of scripts.toml; the plan keeps the request's own places and words.

    glossed = gloss("用 a.jsonl 微调内置模型,三轮")       # text: " with  a.jsonl  finetune  builtin model , 3  epochs "
    plan = glossed.restored(plan_of(glossed.text))        # request[9:11] of the text is request[11:13] of the request again

Two facts: paths are never read as words, and what the table does not know is left as it stands, as a question's own words are.
NOT here: scripts with spaces between words; their words are cues of lexicon.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from modelwright.graphs.planning.cards import TEXT_FIELDS
from modelwright.types import Json, Plan, Step

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PATHS = re.compile(
    r"[A-Za-z0-9_.~-]*/(?:[\w-]+/)*[\w-]+\.[A-Za-z0-9]{1,7}|[A-Za-z0-9_.~-]+/[A-Za-z0-9_./-]*|[A-Za-z0-9_-]+\.[A-Za-z0-9]{1,7}"
)
_LATIN = r"(?<=[\u3040-\u9fff\uac00-\ud7af])[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*(?![!-~])"
"""A word such as LoRA that stands among others without a space; no part of a file's name."""
_PLACE = re.compile(r"request\[(\d+):(\d+)\]")


@dataclass(frozen=True)
class Gloss:
    """`pieces` are (start, end) in the text, (start, end) in the request, and whether the piece was put into other words; in order."""

    request: str
    text: str
    pieces: tuple[tuple[int, int, int, int, bool], ...]

    def restored(self, plan: Plan) -> Plan:
        """The plan with places in the request, and with the request's own words where an argument is text."""
        return plan.model_copy(update={"request": self.request, "steps": [self._restored(step) for step in plan.steps]})

    def _restored(self, step: Step) -> Step:
        args: Json = {name: self._own_words(name, value, step.sources.get(name, "")) for name, value in step.args.items()}
        sources = {
            name: _PLACE.sub(lambda m: "request[{}:{}]".format(*self.place(int(m[1]), int(m[2]))), s) for name, s in step.sources.items()
        }
        return step.model_copy(update={"args": args, "sources": sources})

    def _own_words(self, name: str, value: object, source: str) -> object:
        place = _PLACE.fullmatch(source)
        if name not in TEXT_FIELDS or not isinstance(value, str) or not place:
            return value
        start, end = self.place(int(place[1]), int(place[2]))
        return self.request[start:end].strip()

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end] stands in the request; of a piece in other words the whole."""
        inside = [piece for piece in self.pieces if piece[0] < end and start < piece[1]]
        if not inside:
            return (0, 0)
        (a, _, first, _, other), (c, d, last, to, others) = inside[0], inside[-1]
        return (first if other else first + max(0, start - a), to if others else last + min(end, d) - c)


def gloss(request: str) -> Gloss | None:
    """None where there is nothing to put into other words."""
    if not _UNSPACED.search(request):
        return None
    paths = [m.span() for m in _PATHS.finditer(request)]
    known = [m for m in _known().finditer(request) if not any(m.start() < b and a < m.end() for a, b in paths)]
    if not known:
        return None
    text, pieces, at = "", [], 0
    for match in known:
        pieces.append((len(text), len(text) + match.start() - at, at, match.start(), False))
        said = f"{request[at : match.start()]} "
        word = _words().get(match.group().lower(), match.group())
        text += said
        pieces.append((len(text), len(text) + len(word), *match.span(), True))
        text += f"{word} "
        at = match.end()
    pieces.append((len(text), len(text) + len(request) - at, at, len(request), False))
    return Gloss(request, text + request[at:], tuple(piece for piece in pieces if piece[1] > piece[0]))


def in_english(text: str) -> str:
    """The text with what is known in English words."""
    found = gloss(text)
    return found.text if found else text


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(files(__package__).joinpath("scripts.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _words() -> Mapping[str, str]:
    table = _table()
    return {
        said.lower(): word for part in ("words", "leading", "numerals") for word, listed in table[part].items() for said in listed.split()
    }


@lru_cache(maxsize=1)
def _known() -> re.Pattern[str]:
    words = sorted({w for listed in _table()["words"].values() for w in listed.split()}, key=len, reverse=True)
    numerals = sorted({w for listed in _table()["numerals"].values() for w in listed.split()}, key=len, reverse=True)
    leading = "|".join(w for listed in _table()["leading"].values() for w in listed.split())
    counters = "|".join(map(re.escape, _table()["counters"]["words"].split()))
    counted = rf"(?:{'|'.join(map(re.escape, numerals))})(?=\s?(?:{counters})|$)"
    first = rf"(?:{leading})(?=\s?(?:\d|{counted}))"
    return re.compile(rf"{first}|{counted}|{'|'.join(map(re.escape, words))}|{_LATIN}", re.IGNORECASE)
