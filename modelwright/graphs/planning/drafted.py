"""Which steps of a model's draft are worth their place: a small model adds some that nothing in the request speaks for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set

from modelwright.contract import Tool
from modelwright.graphs.planning import arguments, asked_texts, documents, named_paths
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import fields_of, made_models
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import LIKELY
from modelwright.graphs.planning.reading import Reading
from modelwright.graphs.planning.tool_names import ANSWER, INDEX, LOSS, SEARCH, TRAINS
from modelwright.models.base import DraftStep

WEIGHS = "imatrix_dataset"


def worth_their_place(
    steps: Sequence[DraftStep], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool], *, trusted: bool = False
) -> list[DraftStep]:
    """Without what a small model adds: the same again, a step of numbers that are taken, a tool without any sign of it. Of a draft that
    is `trusted` a step stays also without a sign, where it has a thing or a named value of its own."""
    points = {tool for i in asked for tool, score in i.scores.items() if score >= LIKELY}
    points |= documents.TOOLS if points & documents.TOOLS else set()
    points |= {LOSS} if {"compare", "quantize"} <= points else set()  # "then show how much was lost"
    if any(step.tool == INDEX for step in steps):  # "put the folder in the archive and tell me: what is …"
        points |= {documents.tool_meant(reading.request)} - {""}
    hinted = {tool for i in asked for tool in i.scores} | (points & {LOSS})
    steps = _joined(_without_what_weighs(_beside_their_names(steps, reading, tools), reading, tools), reading)
    spoken = arguments.spoken_of(reading.said)
    if any(step.tool == spoken for step in steps):  # its arguments are said; of another not even the name, and it has no file of its own
        steps = [
            step
            for step in steps
            if step.tool == spoken or step.tool in points or _brings(_values([step], reading), "DMFPU" if trusted else "DMFP")
        ]
    signed = any(step.tool in hinted for step in steps)
    kept: list[DraftStep] = []
    for step in steps:
        taken = {value for other in kept for values in other.fields.values() for value in values}
        values = {value for some in step.fields.values() for value in some}
        again = _is_again(step, kept, reading, tools)
        stale = bool(values) and values <= taken and (step.tool not in hinted or all(v[0] == "N" for v in values))
        stale = stale and not _asks_what_was_read(step, kept, reading)
        roomy = any(_lacks_a_model(other, tools[other.tool]) for other in kept)  # its model is an earlier step's
        needed = _makes_what_is_worked_on(step, steps, reading, tools)
        unsigned = signed and not needed and step.tool not in points and not _brings(values - taken, "DFPGUQ" if roomy else "DMFPGUQ")
        asks = step.tool not in points and not _brings(values, "DFP") and _must_ask(step, kept, reading, tools)
        believed = trusted and (_brings(values - taken) or any(not value[1:].isdigit() for value in values - taken))
        if not asks and (not kept or not (again or (not believed and ((stale and not needed) or unsigned)))):
            kept.append(step)
    return kept or list(steps[:1])


def _makes_what_is_worked_on(step: DraftStep, steps: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> bool:
    """ "let it pick up our tone from x.jsonl, then export it": the only step that makes the model that a later one needs, where the
    request names none."""
    makers = [other for other in steps if made_models(tools[other.tool])]
    later = steps[list(steps).index(step) + 1 :]
    needs = any(f.role == "model" and f.required for other in later for f in fields_of(tools[other.tool].args).values())
    return makers[:1] == [step] and needs and not any(tag[0] == "M" for tag in reading.tags)


def _asks_what_was_read(step: DraftStep, kept: Sequence[DraftStep], reading: Reading) -> bool:
    """ "put notes/ into an index hr, and then ask it how many …": the index is the first step's, and it is what the second asks."""
    asks = step.tool in (SEARCH, ANSWER) and asked_texts.asks_something(reading.request)
    return asks and any(other.tool == INDEX for other in kept)


def once(steps: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> list[DraftStep]:
    """Without a tool that comes again with no thing of its own."""
    kept: list[DraftStep] = []
    for step in _joined(_without_what_weighs(steps, reading, tools), reading):
        if not _is_again(step, kept, reading, tools):
            kept.append(step)
    return kept


def with_a_word(steps: Sequence[DraftStep], asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[DraftStep]:
    """Without a later step that no word speaks for, that uses nothing an earlier one makes, and whose values all suit the one before: they
    say more about that. "small.gguf guesses ahead, does it pay? My prompts are in p.jsonl" is one step with data. Of 1,200 new requests
    six likely drafts had such a step, none of them rightly."""
    kept: list[DraftStep] = []
    for step in steps:
        spoken = any(intent.scores.get(step.tool) for intent in asked)
        if not kept or spoken or _builds_on(step, kept, tools) or not _suits(step, kept[-1], tools):
            kept.append(step)
    return kept


def _builds_on(step: DraftStep, kept: Sequence[DraftStep], tools: Mapping[str, Tool]) -> bool:
    """A model or an index that an earlier step makes is used, or what was looked at is learnt from."""
    takes_model = any(field.role == "model" for field in fields_of(tools[step.tool].args).values())
    made = any(made_models(tools[other.tool]) for other in kept)
    return (takes_model and made) or any(other.tool == INDEX for other in kept) or step.tool in TRAINS


def _suits(step: DraftStep, before: DraftStep, tools: Mapping[str, Tool]) -> bool:
    """Whether the step before has an argument for every value of this one, or the value itself."""
    fields, held = fields_of(tools[before.tool].args), {value for values in before.fields.values() for value in values}
    roles = {field.role for field in fields.values()}
    wanted = {"D": {"dataset", "file", "documents"}, "M": {"model"}, "F": {"documents"}, "P": {"file", "documents"}}
    numeric = any(field.inner in ("integer", "number") for field in fields.values())
    for name, values in step.fields.items():
        for value in values:
            listed = name in fields and value in fields[name].allowed
            takes = bool(roles & wanted.get(value[0], set())) or (value[0] == "N" and numeric) if value[1:].isdigit() else listed
            if value not in held and not takes:
                return False
    return True


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


def _without_what_weighs(steps: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> list[DraftStep]:
    """A text that weighs columns, as its name stands beside it ("weighted with x.txt"), is nothing that another argument takes."""
    cleaned = []
    for step in steps:
        told = named_paths.paths(fields_of(tools[step.tool].args), "", reading.found, reading.request).get(WEIGHS)
        fields = {
            name: [value for value in values if name == WEIGHS or told is None or reading.tags.get(value) != told]
            for name, values in step.fields.items()
        }
        cleaned.append(DraftStep(step.tool, {name: values for name, values in fields.items() if values}))
    return cleaned


def _joined(steps: Sequence[DraftStep], reading: Reading) -> list[DraftStep]:
    """A tool twice in a row is once, where the second brings things only for arguments that the first has left empty."""
    kept: list[DraftStep] = []
    for step in steps:
        last = kept[-1] if kept and kept[-1].tool == step.tool else None
        if last and (models := _original_and_quantized(last, step, reading)):
            both = {**step.fields, **last.fields, "models": models}
            kept[-1] = DraftStep(last.tool, {name: values for name, values in both.items() if name not in ("model", "types")})
            continue
        new = _values([step], reading) - _values([last], reading) if last else set()
        things = {
            name: values for name, values in step.fields.items() if _brings(_values([DraftStep(step.tool, {name: values})], reading) & new)
        }
        more = {name: values for name, values in step.fields.items() if last and name not in last.fields}
        if last and things and last.fields.keys().isdisjoint(things):
            kept[-1] = DraftStep(last.tool, {**last.fields, **things})
        elif last and more and not things and not _is_variant(step, last) and not _differs(step, last):
            kept[-1] = DraftStep(last.tool, {**last.fields, **more})
        else:
            kept.append(step)
    return kept


def _differs(step: DraftStep, other: DraftStep) -> bool:
    """Whether an argument of both has another value in each: "once with 2 epochs and once with 4"."""
    return any(values != other.fields[name] for name, values in step.fields.items() if name in other.fields)


_OF_TYPE = re.compile(r"(?<![a-z])(?:i?q[1-8](?![a-z])|int8|int4|nf4|awq|gptq)", re.IGNORECASE)
"""In the name of a quantized model."""


def _original_and_quantized(first: DraftStep, second: DraftStep, reading: Reading) -> list[str]:
    """ "Q8_0 is lossless, they say: m-f16.gguf and m-q8_0.gguf": what quantizing cost is measured on both at once, the original first."""
    tags = (*first.fields.get("model", ()), *second.fields.get("model", ()))
    if first.tool != LOSS or len(tags) != 2 or any(tag not in reading.tags for tag in tags):
        return []
    whole = [tag for tag in tags if not _OF_TYPE.search(str(reading.tags[tag].value))]
    return [*whole, *(tag for tag in tags if tag not in whole)] if len(whole) == 1 else []


def _lacks_a_model(step: DraftStep, tool: Tool) -> bool:
    return any(field.role == "model" and not field.is_list and name not in step.fields for name, field in fields_of(tool.args).items())


def _must_ask(step: DraftStep, kept: Sequence[DraftStep], reading: Reading, tools: Mapping[str, Tool]) -> bool:
    """Whether it takes a model that neither the request names nor an earlier step makes. Beside an index it is the search that counts."""
    wanted = any(
        f.role == "model" and f.default is None and not f.is_list and name not in step.fields
        for name, f in fields_of(tools[step.tool].args).items()
    )
    there = any(tag[0] == "M" for tag in reading.tags) or any(made_models(tools[other.tool]) or other.tool == INDEX for other in kept)
    return wanted and not there


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
    return named_paths.paths(fields_of(tool.args), "", reading.found, reading.request).values()


def only_more(
    mine: Sequence[str], steps: Sequence[DraftStep], asked: Sequence[Intent], reading: Reading, tools: Mapping[str, Tool]
) -> bool:
    """The rules decide for every clause, and the draft has all of their tools and others without a thing of their own; but an index
    is there to be asked."""
    more = [step for step in steps if step.tool not in mine]
    goes_on = INDEX in mine and {step.tool for step in more} <= documents.TOOLS
    taken = {value for step in steps if step.tool in mine for values in step.fields.values() for value in values}
    taken |= {tag for name in mine for tag, found in reading.tags.items() if found in _by_name(tools[name], reading)}
    own = [_brings(_values([step], reading) - taken, "DFPGUQ") or _names(step) or _takes_memory(step, asked, reading) for step in more]
    theirs = {step.tool for step in steps}
    return bool(mine) and all(i.tool for i in asked) and set(mine) < theirs and not (goes_on or all(own))
