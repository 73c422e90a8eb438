"""Values that words of a clause mean: listed ones by any of their spellings, switches, and names behind the word for an argument."""

from __future__ import annotations

import re
from typing import Any

from modelwright.graphs.planning import cache_types, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import named_as
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.sheet import Sheet

BESIDE_ITS_WORD = "dtype_v"
"""Shares its listed values with dtype: "keys in q8_0 but the values in q4_0" names it by its word alone."""


def from_table(sheet: Sheet, field: FieldSpec, clause: Clause) -> list[Candidate]:
    """A listed value by any of its spellings; a name by the kind that this argument takes."""
    inside = sheet.inside(clause)
    if field.name == BESIDE_ITS_WORD:
        return []
    if field.allowed:
        text = sheet.request[clause.start : clause.end] if clause.tokens else ""
        found = [c for value in field.allowed if (c := named_as(value, field, text, inside))]
        placed = [c if c.kind != "choice" else _moved(c, clause.start) for c in found]
        kind = lexicon().tables.get(field.name)
        placed = [c for c in placed if not any(o.start <= c.start and c.end <= o.end and len(o.text) > len(c.text) for o in placed)]
        own = [c for c in placed if c.kind == kind]
        turns = [c for c in placed if c.kind == "choice"]  # "only the adapter by itself as gguf" is more than its word gguf
        kept = [*own, *turns] if field.is_list else turns or own
        return sorted(kept or placed, key=lambda c: c.start)
    kind = lexicon().tables.get(field.name)
    found = [c for c in inside if c.kind == kind] if kind else []
    if field.name == "quantization":
        found = [c for c in found if not cache_types.is_one(c, sheet.request)]
    if field.name == "index" and not found:  # "call it notes"
        found = [c for c in inside if c.kind == "output" and c not in sheet.used and re.fullmatch(r"[\w-]+", str(c.value))]
    if field.name == "quantization" and not found:
        found = [c for c in inside if c.kind in ("dtype", "cache") and not cache_types.is_one(c, sheet.request)]
    if not found and clause.tokens and not field.is_list:
        places = (
            phrases.value(field.name, value, sheet.request, clause.start, clause.end)
            for value in phrases.phrases().values.get(field.name, ())
        )
        found = [place for place in places if place]
    return found


def flag(sheet: Sheet, field: FieldSpec, clause: Clause) -> Candidate | None:
    return phrases.flag(field.name, sheet.request, clause.start, clause.end) if field.type == "boolean" and clause.tokens else None


def captured(sheet: Sheet, field: FieldSpec, clause: Clause) -> list[Candidate]:
    """The names behind the word for an argument: "only the group finance", "values in q5_1"."""
    if field.type == "boolean" or not clause.tokens:
        return []
    return [c for c in phrases.captured(field.name, sheet.request, clause.start, clause.end) if not field.allowed or as_allowed(field, c)]


def _moved(candidate: Candidate, by: int) -> Candidate:
    return Candidate(candidate.kind, candidate.value, candidate.start + by, candidate.end + by, candidate.text)


def as_allowed(field: FieldSpec, candidate: Candidate) -> Any:
    """The listed value that is meant: as it is written where that is one (int8), else what it stands for."""
    if not field.allowed:
        return candidate.value
    said = (candidate.text.lower(), str(candidate.value).lower())
    return next((a for one in said for a in field.allowed if a.lower() == one), None)
