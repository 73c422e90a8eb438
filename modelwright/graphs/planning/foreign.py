"""What no tool does, where all else that is read or drafted is only what it is mistaken for: "slerp a and b" is no export.

A small model that knows the tools takes such a request for the nearest of them. The table is lexicon.toml's [mistaken_for].
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from modelwright.graphs.planning.cues import COMMANDED, ELSEWHERE
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY, SURE, lexicon
from modelwright.graphs.planning.sheet import THINGS


def mistaken(asked: Sequence[Intent], drafted: Collection[str]) -> list[Intent]:
    """What is left of the rules' reading where a draft has taken what no tool serves for one of ours; empty where it has not.

    Left are what no tool serves and what is asked for beside it; nothing else is, where it is the command that begins the request.
    `drafted` is empty for a draft that only asks: what tool it asks for is a guess."""
    beyond = [i for i in asked if _is_beyond(i)]
    if _begins_with_a_command(asked):
        return [_decided(i) for i in beyond]
    taken_for = {tool for i in beyond for tool in lexicon().mistaken_for.get(_best(i).removeprefix(ELSEWHERE), ())}
    sure = [i for i in asked if i not in beyond and i.tool and i.scores.get(i.tool, 0.0) >= SURE]
    own = [i for i in sure if _has_its_own(i) and (i.clause.opener or i.tool not in taken_for)]
    told = {i.tool for i in own}
    others = {i.tool for i in sure if i not in own}
    if not drafted:
        return [_decided(i) for i in beyond] if not own and others <= taken_for else []
    is_taken = bool(taken_for) and {*others, *drafted} - told <= taken_for and not set(drafted) <= told
    return [_decided(i) for i in asked if i in beyond or i in own] if is_taken else []


def _decided(intent: Intent) -> Intent:
    return replace(intent, tool=_best(intent))


def _has_its_own(intent: Intent) -> bool:
    """Whether the clause names what is to be worked on: "the ONNX export failed, so quantize m.gguf"."""
    return any(c.kind in THINGS for c in intent.clause.candidates)


def _is_beyond(intent: Intent) -> bool:
    return bool(intent.scores) and _best(intent).startswith(ELSEWHERE) and intent.scores[_best(intent)] >= SURE


def _begins_with_a_command(asked: Sequence[Intent]) -> bool:
    """ "translate train.jsonl, then tune on it": the first that is asked for is known to be nobody's work, and the rest waits for it."""
    first = next((i for i in asked if max(i.scores.values(), default=0.0) >= LIKELY), None)
    return first is not None and _is_beyond(first) and first.scores[_best(first)] >= COMMANDED


def _best(intent: Intent) -> str:
    return intent.tool or intent.ranked[0][0]
