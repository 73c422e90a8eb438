"""Which steps of a model's draft are worth their place: a small model adds some that nothing in the request speaks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set

from modelwright.contract import Tool
from modelwright.graphs.planning import arguments, documents, named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import fields_of, made_models
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY
from modelwright.graphs.planning.reading import Reading
from modelwright.models.base import DraftStep


def worth_their_place(steps: Sequence[DraftStep], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool]) -> list[DraftStep]:
    """Without what a small model adds: the same again, a step of numbers that are taken, a tool without any sign of it."""
    points = {tool for i in asked for tool, score in i.scores.items() if score >= LIKELY}
    points |= documents.TOOLS if points & documents.TOOLS else set()
    points |= {"quantization_quality"} if {"compare", "quantize"} <= points else set()  # "then show how much was lost"
    hinted = {tool for i in asked for tool in i.scores} | (points & {"quantization_quality"})
    steps = _joined(_beside_their_names(steps, reading, tools), reading)
    spoken = arguments.spoken_of(reading.said)
    if any(step.tool == spoken for step in steps):  # its arguments are said; of another not even the name, and it has no file of its own
        steps = [step for step in steps if step.tool == spoken or step.tool in points or _brings(_values([step], reading), "DMFP")]
    signed = any(step.tool in hinted for step in steps)
    kept: list[DraftStep] = []
    for step in steps:
        taken = {value for other in kept for values in other.fields.values() for value in values}
        values = {value for some in step.fields.values() for value in some}
        again = _is_again(step, kept, reading, tools)
        stale = bool(values) and values <= taken and (step.tool not in hinted or all(v[0] == "N" for v in values))
        roomy = any(_lacks_a_model(other, tools[other.tool]) for other in kept)  # its model is an earlier step's
        unsigned = signed and step.tool not in points and not _brings(values - taken, "DFPGUQ" if roomy else "DMFPGUQ")
        if not kept or not (again or stale or unsigned):
            kept.append(step)
    return kept


def once(steps: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> list[DraftStep]:
    """Without a tool that comes again with no thing of its own."""
    kept: list[DraftStep] = []
    for step in _joined(steps, reading):
        if not _is_again(step, kept, reading, tools):
            kept.append(step)
    return kept


def _is_again(step: DraftStep, kept: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> bool:
    """The same tool without a thing of its own; but "measure it, train it, measure it again" measures another model."""
    same = [n for n, other in enumerate(kept) if other.tool == step.tool]
    if not same or _brings(_values([step], reading) - _values(kept, reading)) or _is_variant(step, kept[same[-1]]):
        return False
    takes_model = any(field.role == "model" for field in fields_of(tools[step.tool].args).values())
    return not (takes_model and any(made_models(tools[other.tool]) for other in kept[same[-1] + 1 :]))


def _is_variant(step: DraftStep, other: DraftStep) -> bool:
    """ "one run with LoRA and one with DoRA": the same argument with another of its listed values."""
    listed = {name: [v for v in values if not v[1:].isdigit()] for name, values in step.fields.items()}
    return any(values and name in other.fields and set(values).isdisjoint(other.fields[name]) for name, values in listed.items())


def _values(steps: Sequence[DraftStep], reading: Reading) -> set[str]:
    """What steps hold, each value once: two tags of the same file are one."""
    first: dict[object, str] = {}
    for tag, candidate in reading.tags.items():
        first.setdefault((tag[0], candidate.value), tag)
    told = [value for step in steps for values in step.fields.values() for value in values]
    return {first[v[0], reading.tags[v].value] if v in reading.tags and v[0] != "N" else v for v in told}


def _beside_their_names(steps: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> list[DraftStep]:
    """A file that stands beside the name of one step's argument ("calibrate on x.txt") is no other step's."""
    own = {step.tool: {tag for tag, c in reading.tags.items() if c in _by_name(tools[step.tool], reading)} for step in steps}
    cleaned = []
    for step in steps:
        others = {tag for tool, tags in own.items() if tool != step.tool for tag in tags} - own[step.tool]
        fields = {name: [value for value in values if value not in others] for name, values in step.fields.items()}
        cleaned.append(DraftStep(step.tool, {name: values for name, values in fields.items() if values}))
    return cleaned


def _joined(steps: Sequence[DraftStep], reading: Reading) -> list[DraftStep]:
    """A tool twice in a row is once, where the second brings things only for arguments that the first has left empty."""
    kept: list[DraftStep] = []
    for step in steps:
        last = kept[-1] if kept and kept[-1].tool == step.tool else None
        new = _values([step], reading) - _values([last], reading) if last else set()
        things = {
            name: values for name, values in step.fields.items() if _brings(_values([DraftStep(step.tool, {name: values})], reading) & new)
        }
        if last and things and last.fields.keys().isdisjoint(things):
            kept[-1] = DraftStep(last.tool, {**last.fields, **things})
        else:
            kept.append(step)
    return kept


def _lacks_a_model(step: DraftStep, tool: Tool) -> bool:
    return any(field.role == "model" and not field.is_list and name not in step.fields for name, field in fields_of(tool.args).items())


def _brings(tags: Set[str], kinds: str = "DMFPGUQ") -> bool:
    """Whether a step has a thing or a type of its own: a file, a model, a place, memory, a graphics card, a quantization type."""
    return any(tag[0] in kinds for tag in tags)


def _names(step: DraftStep) -> bool:
    """Whether it has a listed value that the request names: `gguf`."""
    return any(not value[1:].isdigit() for values in step.fields.values() for value in values)


def _takes_memory(step: DraftStep, asked: Sequence[Intent], reading: Reading) -> bool:
    """ "train all weights, but my card has only 24 GB. Check first whether that works": words speak for it, and memory is named."""
    return any(tag[0] in "GU" for tag in reading.tags) and any(i.scores.get(step.tool, 0.0) >= LIKELY for i in asked)


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
    own = [_brings(_values([step], reading) - taken, "DFPGUQ") or _names(step) or _takes_memory(step, asked, reading) for step in more]
    theirs = {step.tool for step in steps}
    return bool(mine) and all(i.tool for i in asked) and set(mine) < theirs and not (goes_on or all(own))
