"""A tool as a planning model sees it: a Card made from its schema, so that a plugin has one without being asked.

`card` says for each argument which kinds of slots it may take and which of its listed values the request names. Words
of the request (a question, a search query) are no slots: fill_text.py takes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.contract import Tool
from modelwright.graphs.planning import phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.models.base import Card, FieldCard

ROLE_KINDS = {
    "dataset": ("dataset", "folder", "file"),
    "model": ("model", "folder"),
    "file": ("file", "dataset"),
    "documents": ("folder", "glob", "file", "dataset", "model"),
    "output": ("output", "folder", "dataset", "file", "model"),
}
TEXT_FIELDS = frozenset({"question", "query"})


def card(tool: Tool, request: str = "", found: Sequence[Candidate] = ()) -> Card:
    """`found` are the candidates of the request: only values that it names become choices."""
    fields = [f for f in fields_of(tool.args).values() if not is_free_text(f)]
    made = [FieldCard(f.name, kinds_of(f), choices_of(f, request, found), f.required, f.is_list, f.description) for f in fields]
    return Card(tool.name, tool.summary, tuple(f for f in made if f.kinds or f.choices or f.required))


def is_free_text(field: FieldSpec) -> bool:
    """Whether its value is words of the request, as written."""
    return field.name in TEXT_FIELDS and field.type == "string" and not field.role and not field.allowed


def kinds_of(field: FieldSpec) -> tuple[str, ...]:
    """Kinds of slots that the argument may take, by its role, type, name and unit."""
    if field.role:
        return ROLE_KINDS[field.role]
    table = lexicon().tables.get(field.name)
    if field.inner in ("integer", "number"):
        return ("number", *amount_of(field))
    if field.allowed:
        return ("quant",) if any(re.match(r"i?q\d", value, re.IGNORECASE) for value in field.allowed) else ()
    if field.inner != "string":
        return ()
    return (table,) if table else ("index", "text")


def amount_of(field: FieldSpec) -> tuple[str, ...]:
    """memory for a number of GiB, money for one of a currency."""
    words = f"{field.name.replace('_', ' ')} {field.description}".lower()
    if re.search(r"\bgib\b|\bgb\b|gibibyte|gigabyte", words):
        return ("memory",)
    return ("money",) if re.search(r"\b(?:price|dollars?|usd|eur|euros?|money|budget|currency)\b", words) else ()


def choices_of(field: FieldSpec, request: str, found: Sequence[Candidate]) -> tuple[str, ...]:
    """The listed values that the request names, by any of their spellings."""
    return tuple(value for value in field.allowed if named_as(value, field, request, found))


def named_as(value: str, field: FieldSpec, request: str, found: Sequence[Candidate]) -> Candidate | None:
    """The candidate that names this value; for one that no table knows, its own word in the request."""
    for candidate in found:
        if (candidate.kind in lexicon().values or candidate.kind == "quant") and str(candidate.value).lower() == value.lower():
            return candidate
    if said := phrases.value(field.name, value, request):
        return said
    if field.name in lexicon().tables or len(value) < 3:
        return None
    spoken = re.escape(value).replace("_", "[ _-]?").replace(r"\-", "[ _-]?")
    match = re.search(rf"(?<![\w/.-]){spoken}(?![\w/-])", request, re.IGNORECASE)
    return Candidate("choice", value, match.start(), match.end(), match.group()) if match else None
