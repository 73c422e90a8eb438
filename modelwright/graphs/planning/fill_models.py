"""Which model a step works on: the one its clause names, the one that was just made, or the only one of the request.

A list of models has the baseline first when the request speaks of one, then those named, then those made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from modelwright.graphs.planning import phrases, unnamed
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import mentions
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.facts import fact_for
from modelwright.graphs.planning.fields import FieldSpec, fields_of, measures
from modelwright.graphs.planning.precision import is_quantized
from modelwright.graphs.planning.questions import wording
from modelwright.graphs.planning.sheet import OUTPUT_LEADS, Sheet

BASE_WORDS = (
    "original",
    "base",
    "baseline",
    "base model",
    "starting point",
    "unchanged",
    "untuned",
    "unquantized",
    "old one",
    "old model",
    "before",
    "parent",
    "source model",
    "full precision",
    "starting model",
)
MINE = ("my model", "our model", "my checkpoint", "our checkpoint", "my adapter", "our adapter", "my own model", "my llm")

_AGAINST = re.compile(r"\b(?:against|versus|vs\.?|than) (?:the |its |our )?(?P<v>[\w.-]*\w)", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\b(?:us(?:e|ing|a|ar|ando|are)|takes?|taking|toma|nimm|nehmt?|prends|prenez|utilise[rz]?|neem|gebruik|with|mit|con|avec|com|met)"
    r" (?:(?:the|el|la|le|il|o|den|die|das|de|het) )?(?P<v>[\w./-]*\w)(?: (?:one|file|version\w*|model\w*|variant\w*))?"
    r" (?:as|als|como|comme|come) (?:(?:the|a|la|el|il|de|een|our|my) )?"
    r"(?:reference|baseline|referen[cz]\w*|référence|riferimento|vergleich\w*)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[-_/]|\.(?=gguf$|safetensors$)")
ITS = frozenset({"its", "their"})
SHAPE = "layers"
SAME_MODEL = ("same model", "that model", "this model")


def fill(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    if _is_wired(sheet, draft, field):
        return
    if field.is_list and field.required:
        _models(sheet, draft, field)
        return
    if field.is_list:
        _some_models(sheet, draft, field)
        return
    own = [c for c in (draft.clause if draft.clause.tokens else draft.nearby).candidates if sheet.may_be_model(c, draft)]
    own = own or ([] if sheet.made or not draft.clause.tokens else _nicknamed(sheet, draft, _text(sheet, draft)))
    if any(f.is_list and f.role == "model" and f.name in draft.args for f in fields_of(draft.tool.args).values()):
        return
    if draft.waits and sheet.made and sheet.source and own and own[0].value == sheet.source[0]:
        sheet.refer(draft, field.name, sheet.latest()[-1:])
    elif draft.model or own:
        sheet.put(draft, field.name, sheet.existing(draft.model or own[0], field, draft))
    elif not field.required and field.default is None:
        _beside(sheet, draft, field)
    elif sheet.made:
        sheet.refer(draft, field.name, sheet.latest()[-1:])
    elif elsewhere := only_model(sheet, draft):
        sheet.put(draft, field.name, sheet.existing(elsewhere, field, draft))
    elif fact_for(draft.tool.name, field, sheet.facts):
        return
    elif field.required and (shipped := _shipped(sheet, draft)):
        sheet.put(draft, field.name, shipped)
    elif field.required or mentions(draft.clause, *MINE):
        sheet.put(draft, field.name, sheet.answers.path(wording(draft.tool.name, field), "model"))


def _is_wired(sheet: Sheet, draft: Draft, field: FieldSpec) -> bool:
    """Whether the workflow gives it, and the clause no others."""
    if not draft.template or field.name not in draft.template.wiring:
        return False
    return not (field.is_list and (_several(sheet, draft) or unnamed_other(sheet, draft, field)))


OTHERS = ("models", "baseline", "draft_model")
"""Arguments for a model beside the one that a step works on."""


def unnamed_other(sheet: Sheet, draft: Draft, field: FieldSpec) -> str | None:
    """The words for another model that the request does not name, for the one step that takes another."""
    takers = [d for d in sheet.drafts if not fields_of(d.tool.args).keys().isdisjoint(OTHERS)]
    return unnamed.model(sheet.request, sheet.candidates) if field.name in OTHERS and takers == [draft] else None


def _beside(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """A model that may be given: asked about where it is spoken of, else the one of the step before."""
    if said := unnamed_other(sheet, draft, field):
        sheet.put(draft, field.name, sheet.answers.path(_which(said), "model"))
    else:
        _same_as_before(sheet, draft, field)


def _which(said: str) -> str:
    return f"Which model is meant by {said!r}?"


def _shipped(sheet: Sheet, draft: Draft) -> Candidate | None:
    """ "how good is the standard assistant on x.jsonl": the model that comes with the program, by other words than its name."""
    field = "model" if measures(draft.tool) else "models"
    return phrases.value(field, "builtin", sheet.request)


def _same_as_before(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """ "does it fit, and how big is its cache": the model of the step before, where one may be given and a word points back; or
    the only one of the request for a tool that reckons from a model or from its layers."""
    before = [d for d in sheet.drafts[: sheet.drafts.index(draft)] if "model" in d.args]
    points_back = any(t.word in ITS for t in draft.clause.tokens) or mentions(draft.clause, *SAME_MODEL)
    if before and field.name == "model" and points_back:
        draft.args[field.name], draft.sources[field.name] = before[-1].args["model"], before[-1].sources["model"]
    elif field.name == "model" and SHAPE in fields_of(draft.tool.args) and not mentions(draft.clause, SHAPE):
        found = only_model(sheet, draft)
        if found:
            sheet.put(draft, field.name, sheet.existing(found, field, draft))


def _text(sheet: Sheet, draft: Draft) -> str:
    return sheet.request[draft.clause.start : draft.clause.end]


def _nicknamed(sheet: Sheet, draft: Draft, said: str) -> list[Candidate]:
    """ "the 7b", "v2", "against the f16": a part of one model's name and of no other's."""
    models = {c.value: c for c in sheet.candidates if sheet.may_be_model(c, draft) and c.kind in ("model", "missing")}
    parts = {value: set(_PARTS.split(PurePath(str(value)).name.lower())) for value in models}
    words = set(re.findall(r"(?<![\w./-])[\w.]*\d\w*(?![\w/-]|\.\w)", said.lower()))
    found = [c for value, c in models.items() if any(w in parts[value] and sum(w in p for p in parts.values()) == 1 for w in words)]
    return found if len(found) == 1 else []


def against(sheet: Sheet, draft: Draft, fields: Mapping[str, FieldSpec]) -> None:
    """ "make a Q4 and time it against the f16", "use the q8 as reference": the baseline by a part of its name."""
    if "baseline" not in fields:
        return
    if reference := _reference(sheet, draft):
        _measure_against(sheet, draft, *reference)
        return
    if "baseline" in draft.args and draft.args["baseline"] == draft.args.get("model"):  # "no, the other way round: b, and a as baseline"
        _measure_against(sheet, draft, draft.args["baseline"], draft.sources["baseline"])
    if "baseline" in draft.args or not sheet.made or not draft.clause.tokens:
        return
    said = _AGAINST.search(sheet.request, draft.clause.start, draft.clause.end)
    found = _nicknamed(sheet, draft, said["v"]) if said else []
    if found:
        sheet.put(draft, "baseline", found[0])


def _reference(sheet: Sheet, draft: Draft) -> tuple[Any, str] | None:
    """What the request calls its reference, with the evidence: a model by a part of its name, or one that a step makes by its type."""
    said = _REFERENCE.search(sheet.request)
    if said is None:
        return None
    whole = [c for c in sheet.candidates if c.kind == "model" and said.start("v") <= c.start and c.end <= said.end("v")]
    if found := whole or _nicknamed(sheet, draft, said["v"]):
        return found[0].value, found[0].evidence
    wanted = [c.value for c in sheet.candidates if c.kind in ("quant", "dtype") and said.start("v") <= c.start < said.end("v")]
    for earlier in sheet.drafts[: sheet.drafts.index(draft)]:
        types, made = earlier.args.get("types", []), sheet.made.get(earlier.tool.name, [])
        if wanted and wanted[0] in types and len(made) == len(types):
            one = made[types.index(wanted[0])]
            return one.reference, f"step {one.step}"
    return None


def _measure_against(sheet: Sheet, draft: Draft, reference: Any, evidence: str) -> None:
    """The reference as the baseline; what is measured is the other one."""
    draft.args["baseline"], draft.sources["baseline"] = reference, evidence
    if draft.args.get("model") != reference:
        return
    named = [(c.value, c.evidence) for c in sheet.candidates if c.kind == "model"]
    made = [(m.reference, f"step {m.step}") for m in (sheet.latest() if sheet.made else [])]
    others = [(value, why) for value, why in [*made, *named] if value != reference]
    if others:
        draft.args["model"], draft.sources["model"] = others[0]


def type_of(sheet: Sheet, draft: Draft, field: FieldSpec, candidate: Candidate) -> Any:
    """The value; "int8" is a type of its own for a model in transformers' format, of which llama.cpp's Q8_0 is no type."""
    model = draft.args.get("model") or next((c.value for c in sheet.candidates if c.kind == "model"), "")
    is_file = str(model).lower().endswith(".gguf")
    is_int8 = candidate.kind == "quant" and re.fullmatch(r"int[- ]?8", candidate.text, re.IGNORECASE)
    return "int8" if is_int8 and not is_file and "int8" in field.description else candidate.value


def without_the_only(sheet: Sheet, draft: Draft, side: dict[str, Candidate]) -> dict[str, Candidate]:
    """ "a load of 2 per second against m.gguf": where one model is all there is, it is what is measured and not what with."""
    fields = fields_of(draft.tool.args)
    models = {c.value for c in sheet.candidates if sheet.may_be_model(c, draft)}
    if sheet.made or len(models) != 1 or "model" not in fields or not fields["model"].required:
        return side
    return {name: c for name, c in side.items() if not (name == "baseline" and c.value in models)}


def _models(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """A list of models: the baseline first when it is spoken of, then those named, then those made."""
    entries: list[tuple[Any, str]] = []
    said = unnamed_other(sheet, draft, field)
    if said:
        other = sheet.answers.path(_which(said), "model")
        entries.append((other.value, other.evidence))
    elif sheet.source and (mentions(draft.clause, *BASE_WORDS) or (sheet.made and not _several(sheet, draft))):
        entries.append(sheet.source)
    for candidate in draft.clause.candidates:
        if sheet.may_be_model(candidate, draft):
            found = sheet.existing(candidate, field, draft)
            sheet.used.add(found)
            entries.append((found.value, found.evidence))
    entries += [(made.reference, f"step {made.step}") for made in sheet.latest()] if sheet.made else []
    entries = list({str(value): (value, evidence) for value, evidence in reversed(entries)}.values())[::-1]
    if len(entries) < 2:
        entries += _mentioned_before(sheet, entries)
    if len(entries) == 1 and entries[0][0] != "builtin" and (shipped := _shipped(sheet, draft)):
        entries.insert(0, (shipped.value, shipped.evidence))
    while len(entries) < 2:
        found = sheet.answers.path(_which_models(field, entries), "model")
        entries.append((found.value, found.evidence))
    if reference := _reference(sheet, draft):
        entries.sort(key=lambda entry: entry[0] != reference[0])
    draft.args[field.name] = [value for value, _ in entries]
    draft.sources[field.name] = ", ".join(dict.fromkeys(evidence for _, evidence in entries))


def _some_models(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """A list that may be empty: the models that the clause names when they are several, else those just made."""
    named = [c for c in draft.clause.candidates if sheet.may_be_model(c, draft)]
    named = list({c.value: sheet.existing(c, field, draft) for c in named}.values())
    made = [] if len(named) > 1 or not sheet.made else sheet.latest()
    if len(named) < 2 and not made:
        return
    named = _whole_first(sheet, named)
    draft.args[field.name] = [c.value for c in named if len(named) > 1] + [m.reference for m in made]
    draft.sources[field.name] = ", ".join([*(c.evidence for c in named if len(named) > 1), *dict.fromkeys(f"step {m.step}" for m in made)])
    sheet.used |= set(named)


def _whole_first(sheet: Sheet, found: Sequence[Candidate]) -> list[Candidate]:
    """ "the Q5 against the F16": what is not quantized is the original, whichever was named first."""
    return sorted(found, key=lambda c: is_quantized(str(c.value), sheet.workspace))


def _several(sheet: Sheet, draft: Draft) -> bool:
    """Whether the clause itself names models beyond the one that the plan starts from."""
    source = sheet.source[0] if sheet.source else None
    return any(sheet.may_be_model(c, draft) and c.value != source for c in draft.clause.candidates)


def only_model(sheet: Sheet, draft: Draft) -> Candidate | None:
    """The only one of the whole request."""
    used = {e for source in draft.sources.values() for e in source.split(", ")}  # as the draft model, say
    found = [
        c
        for c in sheet.candidates
        if c.evidence not in used
        and not sheet.is_written(c)
        and (c.kind == "model" or (c.kind == "missing" and c.lead not in OUTPUT_LEADS and sheet.model_like(c)))
    ]
    models = list({c.value: c for c in found}.values())
    return models[0] if len(models) == 1 else None


def _mentioned_before(sheet: Sheet, entries: Sequence[tuple[Any, str]]) -> list[tuple[Any, str]]:
    have = {value for value, _ in entries}
    models = list({c.value: c for c in sheet.candidates if c.kind == "model" and c.value not in have}.values())
    return [(c.value, c.evidence) for c in models]


def _which_models(field: FieldSpec, entries: Sequence[tuple[Any, str]]) -> str:
    if not entries:
        return wording("compare", field)
    return f"What should {entries[0][0]} be compared with?"
