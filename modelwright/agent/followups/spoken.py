"""How something is said, whatever it is about: a yes, a stop, a wish, a question, an addition, "go on". Phrases stand in words.toml.

A yes and a stop are so only where nothing but small words stands beside them: "ok but rank 8" is a wish, "stop words" a request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelwright.agent.followups.words import words

_RUN = re.compile(r"\br\d{6}-[a-z0-9]{4}\b")
_TRIMMED = " \t,.;:!-–—…"
_PUT_AS_QUESTIONS = ("can", "could", "would", "what", "how", "kannst", "könntest", "puedes", "peux")
"""Beginnings of wishes that end with a question mark all the same."""


@dataclass(frozen=True)
class Target:
    """What "go on" names: the tools of the run that is meant, or its id. Both empty: whatever was left."""

    tools: frozenset[str] = frozenset()
    run: str = ""

    @property
    def named(self) -> bool:
        return bool(self.tools or self.run)


def alone(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a phrase stands there with nothing of weight beside it."""
    return pattern.search(text) is not None and _is_small(pattern.sub(" ", text))


def _is_small(text: str) -> bool:
    return all(word.strip(",.;:!?'\"-–—") in words().small | {""} for word in text.lower().split())


def is_yes(text: str) -> bool:
    """ "yes", "ok, go ahead"; none where it asks."""
    return not text.rstrip().endswith("?") and alone(words().yes, text)


def is_stop(text: str) -> bool:
    """ "stop", "please cancel the run"."""
    return alone(words().stop, text)


def is_dismissal(text: str) -> bool:
    """ "never mind"; a stop is one too."""
    return is_stop(text) or alone(words().dismiss, text)


def is_end(text: str) -> bool:
    """ "cancel it": what was stopped is to be gone on with no more."""
    return alone(words().ends, text)


def is_later(text: str) -> bool:
    """ "wait", "not yet"."""
    return alone(words().later, text)


def is_go_on(text: str) -> bool:
    """ "go on", "continue", and nothing else of weight."""
    return alone(words().go_on, text)


def go_on(text: str) -> Target | None:
    """What "resume the fine-tuning" names; None where something is asked for beside it."""
    if not words().go_on.match(text.strip()):
        return None
    rest, tools = _RUN.sub(" ", words().go_on.sub(" ", text)), set()
    for table in (words().works, words().verbs):
        for tool, pattern in table.items():
            if pattern.search(rest):
                tools.add(tool)
                rest = pattern.sub(" ", rest)
    run = _RUN.search(text)
    return Target(frozenset(tools), run.group() if run else "") if _is_small(rest) else None


def adds(text: str) -> bool:
    """ "also Q8_0", "and Q3_K_M too": what is named comes beside what is there."""
    said = wish(text, but=words().opens_adding)
    if words().instead.search(said) or words().replaces.search(re.sub(r"\bnot only\b", " ", said, flags=re.IGNORECASE)):
        return False
    return words().opens_adding.match(said) is not None or words().adds.search(said) is not None


def wish(text: str, but: re.Pattern[str] | None = None) -> str:
    """The words without what politeness or doubt puts before them: "could you use Q8_0?" as "use Q8_0". `but` stays at the beginning."""
    said, asks = text.strip(_TRIMMED), False
    while (found := words().polite.match(said)) and found.end() < len(said) and not (but and but.match(said)):
        asks |= found.group().lower().startswith(_PUT_AS_QUESTIONS)
        said = said[found.end() :].strip(_TRIMMED)
    return said.rstrip("?" + _TRIMMED) if asks else said


def is_question(text: str) -> bool:
    """Of a wish: it begins as a question, or ends as one and says nothing to change."""
    if words().asks.match(text):
        return True
    return text.rstrip().endswith("?") and not (adds(text) or words().opens_change.match(text))


def opens_step(text: str) -> bool:
    """ "add an evaluation"."""
    return words().opens_step.match(text) is not None


def tools_named(text: str) -> set[str]:
    """By their verbs, or by what their work is called."""
    return {tool for table in (words().verbs, words().works) for tool, pattern in table.items() if pattern.search(text)}
