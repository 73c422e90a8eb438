""" "it", "the adapter", "the same data", "both": which thing of the conversation each word of a request stands for.

A word that the request itself explains ("take a.gguf and quantize it") is left alone. What nothing fits stays open, and
the planner asks. "it" is a model, unless what is done to it is done to data, or no model is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from modelwright.agent.followups.things import UNPROVED, Held
from modelwright.agent.followups.words import words
from modelwright.errors import QuestionOpen
from modelwright.graphs.planning.candidates import find
from modelwright.text import one_line
from modelwright.types import Thing

PRONOUNS = ("any", "bare")
_NOTHING_FOLLOWS = re.compile(
    r"\s*(?:$|[.,;:!?)]|(?:and|to|with|on|into|as|in|against|for|by|at|from|und|mit|auf|y|con|en|et|avec|sur)\b)", re.IGNORECASE
)

_ON = re.compile(r"\b(?:on|with|from|auf|mit|con|sur|avec)\s+$", re.IGNORECASE)

_BESIDE = re.compile(r"\s+(?:with|to|against|versus|vs\.?|and|mit|gegen|und|con|y|avec|et)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """A phrase of the request that refers to something; `to` is a key of [things]."""

    to: str
    text: str
    start: int
    end: int


def mentions(request: str, workspace: Path) -> list[Mention]:
    """In order. Of phrases that overlap the longest counts; none stands inside a path."""
    named = [c for c in find(request, workspace) if c.kind not in ("number", "quant", "method", "metric", "format", "dtype")]
    found = [Mention(to, m.group(), m.start(), m.end()) for to, pattern in words().things.items() for m in pattern.finditer(request)]
    found = [m for m in found if not any(c.start < m.end and m.start < c.end for c in named)]
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: m.start - m.end):
        if not any(mention.start < k.end and k.start < mention.end for k in kept):
            kept.append(mention)
    told = [(c.start, c.kind) for c in named]
    return sorted((m for m in kept if _stands_for_something(m, request, told)), key=lambda m: m.start)


def _stands_for_something(mention: Mention, request: str, named: Sequence[tuple[int, str]]) -> bool:
    if mention.to not in PRONOUNS:
        return True
    if any(e.start() <= mention.start < e.end() for e in words().empty.finditer(request)):
        return False
    if mention.to == "bare" and not _NOTHING_FOLLOWS.match(request, mention.end):
        return False
    return not any(start < mention.start and kind in ("model", "missing", "file", "folder") for start, kind in named)


def resolve(request: str, things: Sequence[Held], workspace: Path, best: str | None = None) -> list[Thing]:
    """The things that the request speaks of, then those that it does not (without a label), newest first."""
    spoken: list[Thing] = []
    meant = [(mention, list(_meant(mention, request, things, best))) for mention in mentions(request, workspace)]
    for found in _baseline_first(meant, request):
        spoken += [thing for thing in found if thing not in spoken]
    taken = {(thing.kind, thing.value) for thing in spoken}
    rest = {(h.kind, h.value): h for h in reversed(things) if (h.kind, h.value) not in taken}
    return [*spoken, *(h.called("") for h in reversed(rest.values()))]


def _baseline_first(meant: Sequence[tuple[Mention, list[Thing]]], request: str) -> list[list[Thing]]:
    """What each mention means; in "compare it with the original" the original first, as it is the baseline.

    The two share the label "it with the original", in which they stand in that order, as two models do in "both".
    """
    made = [found for _, found in meant]
    for at, ((mention, one), (behind, other)) in enumerate(pairwise(meant)):
        beside = _BESIDE.fullmatch(request, mention.end, behind.start)
        models = [*one, *other]
        if behind.to != "original" or not beside or len(models) != 2 or models[0].value == models[1].value:
            continue
        if {thing.kind for thing in models} == {"model"} and words().verbs["compare"].search(request):
            label = request[mention.start : behind.end]
            made[at : at + 2] = [[replace(thing, label=label) for thing in reversed(models)], []]
    return made


def _meant(mention: Mention, request: str, things: Sequence[Held], best: str | None) -> Iterator[Thing]:
    models, data = [h for h in things if h.kind == "model"], [h for h in things if h.kind == "dataset"]
    label = mention.text
    if mention.to == "best":
        yield from (h.called(label) for h in [m for m in models if m.value == best][:1])
    elif mention.to == "both":
        yield from (h.called(label) for h in _pair(models))
    elif mention.to == "original":
        yield from _original(models, label)
    elif mention.to == "dataset" or (mention.to in PRONOUNS and (not models or _is_data(mention, request))):
        yield from (h.called(label) for h in _data(data, request)[:1])
    else:
        yield from (h.called(label) for h in _one(_of_form(mention.to, models, request), label))


def _one(found: Sequence[Held], label: str) -> Sequence[Held]:
    """The likeliest. Raises QuestionOpen where one step made several, as nothing tells them apart."""
    beside = [h for h in found if h.made_by and _step(h) == _step(found[0])]
    if len({h.value for h in beside}) > 1:
        names = ", ".join(one_line(h.value, 200) for h in beside)
        raise QuestionOpen(
            f"{label!r} can be any of these, which {_step(found[0])} made: {names}", fix="name the one that you mean, or say both"
        )
    return found[:1]


def _step(thing: Held) -> str:
    """ "run r261122-k7f2 step s1"."""
    return thing.source.removesuffix(UNPROVED).rpartition(" ")[0].removeprefix("session: ")


def _is_data(mention: Mention, request: str) -> bool:
    """ "inspect it", "train a model on it"."""
    if words().about_data.search(request, 0, mention.end):
        return True
    trains = any(words().verbs[tool].search(request) for tool in ("finetune", "align"))
    return trains and _ON.search(request, 0, mention.start) is not None


def _of_form(to: str, models: Sequence[Held], request: str) -> list[Held]:
    """Models that the word can mean, the likeliest first: what was made before what was only used."""
    again = {tool for tool, pattern in words().not_twice.items() if pattern.search(request)}
    fitting = {
        "adapter": [m for m in models if m.form == "adapter"],
        "gguf": [m for m in models if m.form == "gguf"],
        "quantized": [m for m in models if m.made_by == "quantize"],
    }.get(to, [m for m in models if m.made_by not in again])
    latest = [m for m in fitting if m.run == fitting[0].run]
    return [m for m in latest if m.made_by] or latest


def _data(data: Sequence[Held], request: str) -> list[Held]:
    """ "the same data": that of the tool which the request names; what a step was about before what it was checked on."""
    named = {tool for tool, pattern in words().verbs.items() if pattern.search(request)}
    about = [d for d in data if d.made_by or d.argument == "dataset"] or list(data)
    return [d for d in about if d.used_by in named] or about


def _pair(models: Sequence[Held]) -> list[Held]:
    """The two that were spoken of last, the earlier first: it is the baseline of a comparison."""
    distinct = list({m.value: m for m in reversed(models)}.values())[::-1]
    return distinct[:2][::-1]


def _original(models: Sequence[Held], label: str) -> Iterator[Thing]:
    """What the newest made model started from, through the steps that led to it."""
    by_value = {m.value: m for m in reversed(models)}
    made = next((m for m in models if m.made_by), None)
    while made is not None and made.original:
        before = next((m for value, m in by_value.items() if value == made.original or str(made.original).endswith(f"/{value}")), None)
        if before is None or before is made:
            return
        if not before.made_by:
            yield before.called(label)
            return
        made = before
