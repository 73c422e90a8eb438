"""Which model a step works on: the one its clause names, the one that was just made, or the only one of the request.

A list of models has the baseline first when the request speaks of one, then those named, then those made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import mentions
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.facts import fact_for
from modelwright.graphs.planning.fields import FieldSpec, fields_of
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


def fill(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    if draft.template and field.name in draft.template.wiring and not (field.is_list and _several(sheet, draft)):
        return
    if field.is_list and field.required:
        _models(sheet, draft, field)
        return
    if field.is_list:
        _some_models(sheet, draft, field)
        return
    own = [c for c in (draft.clause if draft.clause.tokens else draft.nearby).candidates if sheet.may_be_model(c, draft)]
    if any(f.is_list and f.role == "model" and f.name in draft.args for f in fields_of(draft.tool.args).values()):
        return
    if draft.waits and sheet.made and sheet.source and own and own[0].value == sheet.source[0]:
        sheet.refer(draft, field.name, sheet.latest()[-1:])
    elif draft.model or own:
        sheet.put(draft, field.name, sheet.existing(draft.model or own[0], field, draft))
    elif not field.required and field.default is None:
        return
    elif sheet.made:
        sheet.refer(draft, field.name, sheet.latest()[-1:])
    elif elsewhere := only_model(sheet, draft):
        sheet.put(draft, field.name, sheet.existing(elsewhere, field, draft))
    elif fact_for(draft.tool.name, field, sheet.facts):
        return
    elif field.required or mentions(draft.clause, *MINE):
        sheet.put(draft, field.name, sheet.answers.path(wording(draft.tool.name, field), "model"))


def _models(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """A list of models: the baseline first when it is spoken of, then those named, then those made."""
    entries: list[tuple[Any, str]] = []
    if sheet.source and (mentions(draft.clause, *BASE_WORDS) or (sheet.made and not _several(sheet, draft))):
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
    while len(entries) < 2:
        found = sheet.answers.path(_which_models(field, entries), "model")
        entries.append((found.value, found.evidence))
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
        if c.evidence not in used and (c.kind == "model" or (c.kind == "missing" and c.lead not in OUTPUT_LEADS and sheet.model_like(c)))
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
