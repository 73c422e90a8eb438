"""Gives every argument a value that has a source, asks where there is none, and leaves defaults out.

A source is request[a:b] (a slice of the request), `answer`, `step s1`, `template NAME`, `memory:ID` or `default`. Order of
trust for a value: the wiring of the workflow, what the planning model chose among the request's values, the step's own
clause, an earlier step's result, the rest of the request, a remembered fact, an answer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from modelwright.graphs.planning import (
    fill_data,
    fill_folded,
    fill_left,
    fill_lists,
    fill_models,
    fill_open,
    fill_same,
    fill_text,
    fill_trusted,
    fill_values,
    fill_wiring,
    named_paths,
)
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import is_free_text
from modelwright.graphs.planning.clauses import Clause, mentions
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.evidence import unproved
from modelwright.graphs.planning.facts import fact_for
from modelwright.graphs.planning.fields import FieldSpec, fields_of, main_dataset
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.paths import exists
from modelwright.graphs.planning.questions import wording
from modelwright.graphs.planning.sheet import OUTPUT_LEADS, Sheet


def fill(sheet: Sheet) -> None:
    """Fill the drafts in order. Raises OpenQuestion for the first thing that only the user can say."""
    fill_folded.without_a_model(sheet)
    for draft in list(sheet.drafts):
        _fill(sheet, draft)
        _split(sheet, draft)
    fill_folded.fold(sheet)
    fill_left.fill(sheet)
    fill_trusted.fill(sheet)
    fill_same.fill(sheet)
    _withdraw(sheet)


def _withdraw(sheet: Sheet) -> None:
    """No value stays that the place of the request that it names does not hold; what is required is asked about."""
    for draft in (d for d in sheet.drafts if not fill_open.unseen(d.tool)):  # those are filled by units and switches, each with its proof
        for name in unproved(draft.args, draft.sources, sheet.request, sheet.workspace):
            del draft.args[name], draft.sources[name]
            _required(sheet, draft, {name: fields_of(draft.tool.args)[name]})


def _fill(sheet: Sheet, draft: Draft) -> None:
    fields = fields_of(draft.tool.args)
    main = main_dataset(draft.tool)
    if fill_open.unseen(draft.tool):
        fill_open.fill(sheet, draft, fields)
    side = _beside(sheet, draft, fields, main.name if main else "")
    fill_values.chosen(sheet, draft, fields, side)
    _outputs(sheet, draft, fields)
    for name, candidate in {**_only_file(draft, fields), **side}.items():
        if name not in draft.args:
            sheet.put(draft, name, sheet.existing(candidate, fields[name], draft))
    for field in sorted(fields.values(), key=lambda f: (not f.is_list, f.name != "model")):
        if field.role == "documents":
            _documents(sheet, draft, field)
        if field.role == "model" and field.name not in draft.args:
            fill_models.fill(sheet, draft, field)
    fill_models.against(sheet, draft, fields)
    if main and main.name not in draft.args:
        fill_data.fill(sheet, draft, main)
    _only_data(sheet, draft, fields)
    fill_values.fill(sheet, draft, fields)
    fill_lists.without_made(draft)
    fill_wiring.fill(sheet, draft, fields)
    _texts(sheet, draft, fields)
    _remembered(sheet, draft, fields)
    _required(sheet, draft, fields)
    sheet.remember(draft)


def _beside(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec], main: str) -> dict[str, Candidate]:
    """Paths by the words next to them; wherever they stand for an argument that no other step has ("calibrate on x.txt")."""
    tools = {d.tool.name: fields_of(d.tool.args) for d in sheet.drafts}
    own = {name: field for name, field in fields.items() if sum(name in other for other in tools.values()) == 1}
    anywhere = [c for c in sheet.candidates if c not in sheet.used]
    found = {
        **named_paths.paths(own, main, anywhere, sheet.request),
        **named_paths.paths(fields, main, draft.clause.candidates, sheet.request),
    }
    return fill_models.without_the_only(sheet, draft, found)


def _only_file(draft: Draft, fields: dict[str, FieldSpec]) -> dict[str, Candidate]:
    """ "using house.toml": the one file of a clause is for the one argument that takes a file; data only where no argument takes data."""
    wanted = [f.name for f in fields.values() if f.role == "file" and not f.is_list]
    reads_data = any(f.role == "dataset" for f in fields.values())
    here = [c for c in draft.clause.candidates if c.kind == "file" or (c.kind in ("dataset", "missing") and not reads_data)]
    return {wanted[0]: here[0]} if len(wanted) == len(here) == 1 else {}


def _only_data(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """The one data set of a clause is for the one argument that takes one, whatever that is called; "that same text" is one before."""
    wanted = [f for f in fields.values() if f.role == "dataset" and not f.is_list]
    here = [c for c in draft.clause.candidates if sheet.may_be_data(c, draft) and c not in sheet.used]
    if not here and mentions(draft.clause, *fill_data.SAME):
        here = [c for c in sheet.candidates if c.kind == "dataset"]
    if len(wanted) == 1 and wanted[0].name not in draft.args and len(here) == 1:
        sheet.put(draft, wanted[0].name, sheet.existing(here[0], wanted[0], draft))


def _documents(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """Folders and globs first, then files; from the clause, else the only one of the request."""
    if field.name in draft.args:
        return
    main = main_dataset(draft.tool)
    plain = () if main and main.required else ("file", "dataset", "missing", "model")  # a file is its data
    for kinds in (("folder", "glob"), plain):
        for pool in (draft.clause.candidates, sheet.candidates):
            found = [c for c in pool if c.kind in kinds and c not in sheet.used and c.value != "builtin"]
            if found:
                sheet.put(draft, field.name, sheet.existing(found[0], field, draft))
                return
    there = [
        c
        for c in (*draft.clause.candidates, *sheet.candidates)
        if c.kind == "output" and c not in sheet.used and exists(str(c.value), sheet.workspace)
    ]
    if there and not any(f.role == "output" for f in fields_of(draft.tool.args).values()):  # "put all of the folder x/ in the archive"
        sheet.put(draft, field.name, there[0])
    elif field.required:
        fact = fact_for(draft.tool.name, field, sheet.facts)
        if fact is None:
            sheet.put(draft, field.name, sheet.answers.path(wording(draft.tool.name, field), field.role))


def _outputs(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    field = next((f for f in fields.values() if f.role == "output"), None)
    if field is None or field.name in draft.args or (draft.template and not draft.clause.tokens):
        return
    for candidate in draft.clause.candidates:
        free = candidate.evidence not in draft.sources.values()
        if free and (candidate.kind == "output" or (candidate.kind in ("missing", "folder") and _leads_out(candidate, draft))):
            sheet.put(draft, field.name, candidate)
            return


def _leads_out(candidate: Candidate, draft: Draft) -> bool:
    """ "to out/x"; "in out/x.gguf" only where another model is there to start from."""
    other = any(c.kind == "model" for c in draft.clause.candidates)
    return candidate.lead in OUTPUT_LEADS or (candidate.lead == "in" and candidate.kind == "missing" and other)


def _texts(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """Questions and queries, from the step's own clauses to the end of the request, then from all of it."""
    for field in fields.values():
        if not is_free_text(field) or field.name in draft.args or (sheet.wordless and not sheet.answers.things):
            continue
        starts = [min(t.start for t in draft.clause.tokens)] if draft.clause.tokens else []
        for start in dict.fromkeys([*starts, 0]):
            found = fill_text.text_for(field.name, sheet.request, sheet.candidates, start)
            if found:
                sheet.put(draft, field.name, found)
                sheet.used |= {c for c in sheet.candidates if found.start <= c.start and c.end <= found.end}
                break


def _remembered(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    for field in fields.values():
        fact = None if field.name in draft.args or field.is_list else fact_for(draft.tool.name, field, sheet.facts)
        if fact is not None and (field.required or field.role == "model"):
            draft.args[field.name], draft.sources[field.name] = fact.value, f"memory:{fact.id}"


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


def _split(sheet: Sheet, draft: Draft) -> None:
    """More models than a comparison takes: as many comparisons as needed, each with the baseline first."""
    field = next((f for f in fields_of(draft.tool.args).values() if f.role == "model" and f.is_list and f.most_items), None)
    if field is None or len(draft.args.get(field.name, ())) <= (field.most_items or 0):
        return
    most, (baseline, *others) = (field.most_items or 2) - 1, draft.args[field.name]
    draft.args[field.name] = [baseline, *others[:most]]
    rest = replace(draft, clause=Clause(()), args={**draft.args, field.name: [baseline, *others[most:]]}, sources=dict(draft.sources))
    place = sheet.drafts.index(draft) + 1
    sheet.drafts.insert(place, rest)
    for number, later in enumerate(sheet.drafts, 1):
        later.id = f"s{number}"
    _split(sheet, rest)
