"""Gives every argument a value that has a source, asks where there is none, and leaves defaults out.

A source is request[a:b] (a slice of the request), `answer`, `step s1`, `template NAME` or `default`. Order of trust for a
value: the wiring of the workflow, the step's own clause, an earlier step's result, the rest of the request, an answer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from modelwright.graphs.planning import fill_data, fill_models, fill_wiring, named
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of, main_dataset
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.questions import wording
from modelwright.graphs.planning.sheet import OUTPUT_LEADS, Sheet


def fill(sheet: Sheet) -> None:
    """Fill the drafts in order. Raises OpenQuestion for the first thing that only the user can say."""
    for draft in sheet.drafts:
        _fill(sheet, draft)


def _fill(sheet: Sheet, draft: Draft) -> None:
    fields = fields_of(draft.tool.args)
    main = main_dataset(draft.tool)
    _outputs(sheet, draft, fields)
    side = named.paths(fields, main.name if main else "", draft.clause.candidates, sheet.request)
    for name, candidate in {**_only_file(draft, fields), **side}.items():
        sheet.put(draft, name, sheet.existing(candidate, fields[name], draft))
    for field in fields.values():
        if field.role == "model":
            fill_models.fill(sheet, draft, field)
    if main:
        fill_data.fill(sheet, draft, main)
    _values(sheet, draft, fields)
    fill_wiring.fill(sheet, draft, fields)
    _required(sheet, draft, fields)
    sheet.remember(draft)


def _only_file(draft: Draft, fields: dict[str, FieldSpec]) -> dict[str, Candidate]:
    """ "using house.toml": the one file of a clause that is neither data nor model is for the one argument that takes a file."""
    wanted = [f.name for f in fields.values() if f.role == "file" and not f.is_list]
    here = [c for c in draft.clause.candidates if c.kind == "file"]
    return {wanted[0]: here[0]} if len(wanted) == len(here) == 1 else {}


def _outputs(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    field = next((f for f in fields.values() if f.role == "output"), None)
    if field is None or (draft.template and not draft.clause.tokens):
        return
    for candidate in draft.clause.candidates:
        if candidate.kind == "output" or (candidate.kind in ("missing", "folder") and _leads_out(candidate, draft)):
            sheet.put(draft, field.name, candidate)
            return


def _leads_out(candidate: Candidate, draft: Draft) -> bool:
    """ "to out/x"; "in out/x.gguf" only where another model is there to start from."""
    other = any(c.kind == "model" for c in draft.clause.candidates)
    return candidate.lead in OUTPUT_LEADS or (candidate.lead == "in" and candidate.kind == "missing" and other)


def _values(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """Numbers, named values and `field=value`, from the step's own clause."""
    clause = draft.clause
    for name, candidate in _numbers(sheet, clause, fields).items():
        sheet.put(draft, name, candidate, named.value_of(fields[name], candidate))
    for field in fields.values():
        if field.name in draft.args or field.role:
            continue
        found = _from_table(sheet, field, clause)
        if found and field.is_list:
            draft.args[field.name] = list(dict.fromkeys(c.value for c in found))
            draft.sources[field.name] = ", ".join(dict.fromkeys(c.evidence for c in found))
            sheet.used |= set(found)
        elif found:
            sheet.put(draft, field.name, found[0], _as_allowed(field, found[0]))
        elif written := named.written_out(field, sheet.request, clause.start, clause.end):
            sheet.put(draft, field.name, written)


def _numbers(sheet: Sheet, clause: Clause, fields: dict[str, FieldSpec]) -> dict[str, Candidate]:
    """A clause may be in pieces (it was joined from several); numbers are looked for in its whole extent."""
    if not clause.tokens:
        return {}
    start, end = min(t.start for t in clause.tokens), max(t.end for t in clause.tokens)
    inside = [c for c in sheet.candidates if any(t.start <= c.start < t.end for t in clause.tokens)]
    return named.numbers(fields, inside, sheet.request, start, end)


def _from_table(sheet: Sheet, field: FieldSpec, clause: Clause) -> list[Candidate]:
    kind = lexicon().tables.get(field.name)
    found = [c for c in clause.candidates if c.kind == kind] if kind else []
    found += _hidden(sheet, kind, clause) if kind and not found else []
    if field.name == "dtype":
        found += [c for c in clause.candidates if c.kind == "quant"]
    return [c for c in found if not field.allowed or _as_allowed(field, c) is not None]


def _hidden(sheet: Sheet, kind: str, clause: Clause) -> list[Candidate]:
    """Candidates that lie under a longer one of another kind in the same clause."""
    return [c for c in sheet.candidates if c.kind == kind and any(t.start <= c.start and c.end <= t.end for t in clause.tokens)]


def _as_allowed(field: FieldSpec, candidate: Candidate) -> Any:
    if not field.allowed:
        return candidate.value
    return next((a for a in field.allowed if a.lower() == str(candidate.value).lower()), None)


def _required(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    for field in fields.values():
        if field.required and field.name not in draft.args:
            answer = sheet.answers.ask(wording(draft.tool.name, field), list(field.allowed), partial(_as_value, field))
            sheet.put(draft, field.name, answer)


def _as_value(field: FieldSpec, text: str) -> Candidate | None:
    """An answer to a question about a number, a listed value or plain text."""
    if field.type in ("integer", "number"):
        found = find_numbers(text)
        return Candidate("number", found[0].value, found[0].start, found[0].end, found[0].text, source="answer") if found else None
    if field.allowed and text not in field.allowed:
        return None
    return Candidate("value", text, 0, len(text), text, source="answer") if text else None
