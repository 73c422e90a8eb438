"""What no tool does, where all else that is read or drafted is only what it is mistaken for: "slerp a and b" is no export.

A small model that knows the tools takes such a request for the nearest of them. The table is lexicon.toml's [mistaken_for].
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from modelwright.graphs.planning.cues import ELSEWHERE
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import SURE, lexicon


def mistaken(asked: Sequence[Intent], drafted: Collection[str]) -> list[Intent]:
    """The intents that no tool serves, if they are all that is meant; else nothing."""
    beyond = [i for i in asked if i.scores and _best(i).startswith(ELSEWHERE) and i.scores[_best(i)] >= SURE]
    taken_for = {tool for i in beyond for tool in lexicon().mistaken_for.get(_best(i).removeprefix(ELSEWHERE), ())}
    others = {_best(i) for i in asked if i not in beyond and (i.tool or i.scores)}
    decided = [replace(i, tool=_best(i)) for i in beyond]
    return decided if taken_for and {*others, *drafted} <= taken_for else []


def _best(intent: Intent) -> str:
    return intent.tool or intent.ranked[0][0]
