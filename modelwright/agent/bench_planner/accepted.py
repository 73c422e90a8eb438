"""Whether a function call is one of the accepted answers, by the rules of the Berkeley function-calling leaderboard.

For each argument a list of accepted values is given; "" among them says that it may be left out. Text is compared without case,
spaces and the signs , . / - _ * ^; a whole number stands for a float; lists are compared in order, dicts key by key. An
argument that no answer knows is wrong, and so is a value of another type. (Yan et al. 2024, "Berkeley Function Calling
Leaderboard", the AST check of single calls.)

Not here: several calls in one answer, languages other than Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEFT_OUT = ""
_SIGNS = re.compile(r"[ ,./\-_*^]")


@dataclass(frozen=True)
class Call:
    """A function call: the name and the arguments as the case writes them."""

    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True)
class CallScore:
    right: bool
    problem: str = ""
    """What is wrong first, in a few words."""
    function: bool = False
    """Whether the right function was called."""


def score_call(
    call: Call | None, accepted: Sequence[Mapping[str, Mapping[str, Sequence[Any]]]] | None, types: Mapping[str, str]
) -> CallScore:
    """`accepted` is [{function: {argument: [values]}}], None where nothing should be called; `types` of the arguments by name."""
    if not accepted:
        return CallScore(call is None, "" if call is None else f"calls {call.name} where nothing fits", call is None)
    [(name, answers)] = accepted[0].items()
    if call is None or call.name != name:
        return CallScore(False, f"calls {call.name if call else 'nothing'} for {name}")
    problem = _args_problem(call.args, answers, types)
    return CallScore(not problem, problem, True)


def _args_problem(args: Mapping[str, Any], answers: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> str:
    for name, value in args.items():
        if name not in answers:
            return f"{name} is not to be given"
        if not any(_same(value, wanted, types.get(name, "any")) for wanted in answers[name]):
            return f"{name} is {value!r:.60} for {answers[name]!r:.80}"
    missing = [name for name, wanted in answers.items() if name not in args and LEFT_OUT not in wanted]
    return f"{missing[0]} is missing, {answers[missing[0]]!r:.60}" if missing else ""


def _same(value: Any, wanted: Any, kind: str) -> bool:
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return plain(value) == plain(wanted)
    if isinstance(value, list | tuple) and isinstance(wanted, list | tuple):
        return len(value) == len(wanted) and all(_same(a, b, "any") for a, b in zip(value, wanted, strict=True))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return _same_dict(value, wanted)
    return isinstance(value, int | float) and isinstance(wanted, int | float) and value == wanted


def _same_dict(value: Mapping[str, Any], wanted: Mapping[str, Sequence[Any]]) -> bool:
    """The values of a wanted dict are lists of what is accepted for the key."""
    known = all(name in wanted and any(_same(item, one, "any") for one in wanted[name]) for name, item in value.items())
    return known and all(name in value or LEFT_OUT in one for name, one in wanted.items())


def plain(text: str) -> str:
    return _SIGNS.sub("", text).lower().replace("'", '"')
