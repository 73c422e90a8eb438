"""words.toml, read once: phrases as patterns, and small words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True)
class Words:
    things: Mapping[str, re.Pattern[str]]
    """What a phrase refers to (any, model, adapter, dataset, best …) -> its phrases."""
    empty: re.Pattern[str]
    about_data: re.Pattern[str]
    not_twice: Mapping[str, re.Pattern[str]]
    again: re.Pattern[str]
    elliptic: re.Pattern[str]
    """What opens a request that has no verb."""
    retry: re.Pattern[str]
    go_on: re.Pattern[str]
    no: re.Pattern[str]
    """At the beginning of what is said to a plan."""
    instead: re.Pattern[str]
    opens_change: re.Pattern[str]
    unwanted: re.Pattern[str]
    """Before a value that is not to be used."""
    adds: re.Pattern[str]
    """A value comes beside those that are there; `opens_adding` does so at the beginning of a text, `replaces` says that it does not."""
    opens_adding: re.Pattern[str]
    replaces: re.Pattern[str]
    opens_step: re.Pattern[str]
    yes: re.Pattern[str]
    polite: re.Pattern[str]
    """Before a wish."""
    asks: re.Pattern[str]
    """The first word of a question."""
    of_plan: Mapping[str, re.Pattern[str]]
    """What is asked of a plan -> its phrases."""
    stop: re.Pattern[str]
    ends: re.Pattern[str]
    """Of what was stopped: it is ended for good."""
    dismiss: re.Pattern[str]
    later: re.Pattern[str]
    works: Mapping[str, re.Pattern[str]]
    """Nouns for what a tool does; `verbs` has its verbs."""
    verbs: Mapping[str, re.Pattern[str]]
    questions: Mapping[str, re.Pattern[str]]
    small: frozenset[str]


@lru_cache(maxsize=1)
def words() -> Words:
    raw = tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
    return Words(
        things=_each(raw["things"]),
        empty=phrases(raw["empty"]["before"]),
        about_data=phrases(raw["about_data"]["phrases"]),
        not_twice=_each(raw["not_twice"]),
        again=phrases(raw["again"]["phrases"]),
        elliptic=phrases(raw["again"]["elliptic"]),
        retry=phrases(raw["again"]["retry"]),
        go_on=phrases(raw["go_on"]["phrases"]),
        no=phrases(raw["correction"]["no"]),
        instead=phrases(raw["correction"]["instead"]),
        opens_change=phrases(raw["correction"]["opens"]),
        unwanted=phrases(raw["correction"]["before_unwanted"]),
        adds=phrases(raw["correction"]["adds"]),
        opens_adding=phrases(raw["correction"]["opens_adding"]),
        replaces=phrases(raw["correction"]["replaces"]),
        opens_step=phrases(raw["correction"]["opens_step"]),
        yes=phrases(raw["correction"]["yes"]),
        polite=phrases(raw["correction"]["polite"]),
        asks=phrases(raw["correction"]["asks"]),
        of_plan=_each(raw["of_plan"]),
        stop=phrases(raw["stop"]["phrases"]),
        ends=phrases(raw["stop"]["ends"]),
        dismiss=phrases(raw["stop"]["dismiss"]),
        later=phrases(raw["stop"]["later"]),
        works=_each(raw["works"]),
        verbs=_each(raw["verbs"]),
        questions=_each(raw["questions"]),
        small=frozenset(raw["small"]["words"].split()),
    )


def phrases(texts: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all: whole words, any case, the longest first, any white space between words."""
    spoken = [r"\s+".join(map(re.escape, text.split())) for text in sorted(texts, key=len, reverse=True)]
    return re.compile(rf"(?<![\w/.-])(?:{'|'.join(spoken)})(?![\w/]|[.-]\w)", re.IGNORECASE)


def _each(table: Mapping[str, list[str]]) -> dict[str, re.Pattern[str]]:
    return {name: phrases(texts) for name, texts in table.items()}
