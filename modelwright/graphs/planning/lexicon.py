"""lexicon.toml, read once: cues of tools, names of arguments and values, questions, examples."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from modelwright.contract import Tool
from modelwright.graphs.planning.stems import stem

SURE, LIKELY, HINT = 3.0, 2.0, 1.0


@dataclass(frozen=True)
class Cue:
    """Words in order, each a tuple of alternatives."""

    words: tuple[tuple[str, ...], ...]
    weight: float


@dataclass(frozen=True)
class ToolWords:
    """What is known of the words for one tool."""

    does: str
    cues: tuple[Cue, ...]
    examples: tuple[str, ...] = ()


@dataclass
class Lexicon:
    tools: Mapping[str, ToolWords]
    elsewhere: Mapping[str, tuple[Cue, ...]]
    mistaken_for: Mapping[str, Sequence[str]]
    arguments: Mapping[str, tuple[tuple[str, ...], ...]]
    questions: Mapping[str, str]
    values: Mapping[str, Sequence[tuple[re.Pattern[str], str]]]
    tables: Mapping[str, str]
    words: Mapping[str, frozenset[str]]
    """Small words and nouns, by what they do."""
    numbers: Mapping[str, tuple[str, ...]]
    """Value -> number words of other languages than English."""
    none_choice: str
    none_examples: tuple[str, ...]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of a cue."""
        cues = [*(cue for tool in self.tools.values() for cue in tool.cues), *(cue for cues in self.elsewhere.values() for cue in cues)]
        return frozenset(word for cue in cues for words in cue.words for word in words if word[0] not in "<*")

    @cached_property
    def forms(self) -> dict[str, frozenset[str]]:
        """Stem -> the words that have it."""
        forms: dict[str, set[str]] = {}
        for word in self.vocabulary:
            forms.setdefault(stem(word), set()).add(word)
        return {one: frozenset(words) for one, words in forms.items()}

    def of(self, tool: Tool) -> ToolWords:
        """The words for a tool; one that is not in the file is known by its name and keywords."""
        return self.tools.get(tool.name) or _from_tool(tool)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    raw = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8"))
    return Lexicon(
        tools={name: _tool_words(entry) for name, entry in raw["tools"].items()},
        elsewhere={
            name: tuple(cue(text, SURE) for text in texts) for name, texts in {**_may_lack(raw["tools"]), **raw["elsewhere"]}.items()
        },
        mistaken_for=raw["mistaken_for"],
        arguments={
            name: tuple(sorted((tuple(n.split()) for n in names), key=len, reverse=True)) for name, names in raw["arguments"].items()
        },
        questions=raw["questions"],
        values={kind: _patterns(table) for kind, table in raw["values"].items()},
        tables=raw["tables"],
        words={name: frozenset(text.split()) for name, text in raw["words"].items()},
        numbers={value: tuple(text.split()) for value, text in raw["numbers"].items()},
        none_choice=raw["none"]["choice"],
        none_examples=tuple(raw["none"]["examples"]),
    )


def _may_lack(tools: Mapping[str, Any]) -> dict[str, list[str]]:
    """A tool that is not installed is a capability of somewhere else, by the same cues."""
    return {name: entry["sure"] for name, entry in tools.items() if "instead" not in entry}


def cue(text: str, weight: float) -> Cue:
    return Cue(tuple(tuple(word.lower().split("|")) for word in text.split()), weight)


def _tool_words(entry: Mapping[str, Sequence[str] | str]) -> ToolWords:
    cues = [cue(text, weight) for key, weight in (("sure", SURE), ("likely", LIKELY), ("hint", HINT)) for text in entry.get(key, ())]
    return ToolWords(str(entry["does"]), tuple(cues), tuple(entry["examples"]))


@lru_cache(maxsize=64)
def _words_of(name: str, summary: str, keywords: tuple[str, ...]) -> ToolWords:
    spoken = name.replace("_", " ")
    cues = [cue(spoken, SURE), *(cue(word.replace("-", " "), SURE if " " in word else LIKELY) for word in keywords)]
    return ToolWords(spoken, tuple(cues), (summary, *keywords[:3]))


def _from_tool(tool: Tool) -> ToolWords:
    return _words_of(tool.name, tool.summary, tuple(tool.keywords))


def _patterns(table: Mapping[str, Sequence[str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(rf"(?<![\w/.])(?:{text})(?![\w/]|\.\w)", re.IGNORECASE), value) for value, texts in table.items() for text in texts]
