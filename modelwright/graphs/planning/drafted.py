"""Which steps of a model's draft are worth their place: a small model adds some that nothing in the request speaks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from modelwright.contract import Tool
from modelwright.graphs.planning import documents, named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import fields_of
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY
from modelwright.graphs.planning.words import Token
from modelwright.models.base import DraftStep


@dataclass(frozen=True)
class Reading:
    """What code found in a request."""

    request: str
    found: Sequence[Candidate]
    tokens: Sequence[Token]
    tags: Mapping[str, Candidate]


def worth_their_place(steps: Sequence[DraftStep], asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[DraftStep]:
    """Without what a small model adds at the end: the same again, a step of numbers that are taken, a tool without any sign of it."""
    points = {tool for i in asked for tool, score in i.scores.items() if score >= LIKELY}
    points |= documents.TOOLS if points & documents.TOOLS else set()
    hinted = {tool for i in asked for tool in i.scores}
    signed = any(step.tool in hinted for step in steps)
    kept: list[DraftStep] = []
    for step in steps:
        taken = {value for other in kept for values in other.fields.values() for value in values}
        values = {value for some in step.fields.values() for value in some}
        again = any(other.tool == step.tool for other in kept) and not _brings(values - taken)
        stale = bool(values) and values <= taken and (step.tool not in hinted or all(v[0] == "N" for v in values))
        roomy = any(_lacks_a_model(other, tools[other.tool]) for other in kept)  # its model is an earlier step's
        unsigned = signed and step.tool not in points and not _brings(values - taken, "DFPGQ" if roomy else "DMFPGQ")
        if not kept or not (again or stale or unsigned):
            kept.append(step)
    return kept


def _lacks_a_model(step: DraftStep, tool: Tool) -> bool:
    return any(field.role == "model" and not field.is_list and name not in step.fields for name, field in fields_of(tool.args).items())


def _brings(tags: Set[str], kinds: str = "DMFPGQ") -> bool:
    """Whether a step has a thing or a type of its own: a file, a model, a place, a quantization type."""
    return any(tag[0] in kinds for tag in tags)


def _names(step: DraftStep) -> bool:
    """Whether it has a listed value that the request names: `gguf`."""
    return any(not value[1:].isdigit() for values in step.fields.values() for value in values)


def _by_name(tool: Tool, reading: Reading) -> Collection[Candidate]:
    """The paths that stand beside the name of one of the tool's arguments: "calibrate with x.txt"."""
    return named.paths(fields_of(tool.args), "", reading.found, reading.request).values()


def only_more(
    mine: Sequence[str], steps: Sequence[DraftStep], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool]
) -> bool:
    """The rules decide for every clause, and the draft has all of their tools and others without a thing of their own; but an index
    is there to be asked."""
    more = [step for step in steps if step.tool not in mine]
    goes_on = documents.INDEX in mine and {step.tool for step in more} <= documents.TOOLS
    taken = {value for step in steps if step.tool in mine for values in step.fields.values() for value in values}
    taken |= {tag for name in mine for tag, found in reading.tags.items() if found in _by_name(tools[name], reading)}
    has_own = all(_brings({value for values in step.fields.values() for value in values} - taken, "DFPGQ") or _names(step) for step in more)
    theirs = {step.tool for step in steps}
    return bool(mine) and all(i.tool for i in asked) and set(mine) < theirs and not (goes_on or has_own)
