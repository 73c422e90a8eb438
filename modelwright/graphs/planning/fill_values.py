"""Numbers, amounts, listed values, names and `field=value`: what the model chose among them, then what stands beside a name.

A number goes to one argument only. A value outside the bounds of its argument is asked about, never bent in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelwright.graphs.planning import cache_types, fill_data, fill_lists, fill_models, fill_prices, fill_words, named, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import amount_of, is_free_text, kinds_of
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.numbers import find_numbers
from modelwright.graphs.planning.questions import fits_role
from modelwright.graphs.planning.sheet import Sheet
from modelwright.graphs.planning.slots import looks
from modelwright.graphs.planning.units import in_own_unit
from modelwright.graphs.planning.words import Token

AMOUNTS = frozenset({"number", "memory", "money"})
IN_MB = "_mb"
SHORTEST = 64  # of a length in tokens; below it a word has to say that a number is one
_EACH = re.compile(r"\b(?:per|pro|par|por|je)\s$", re.IGNORECASE)  # before "1000 requests", which count nothing


def chosen(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec], paths: Mapping[str, Candidate]) -> None:
    """What the planning model chose, where the argument takes it. It yields to a name that stands beside a number or one of the `paths`."""
    by_name = {**_by_name(sheet, draft.clause, fields), **paths}
    numeric = [f for f in fields.values() if f.inner in ("integer", "number")]
    for name, values in draft.chosen.items():
        if name not in fields:  # chosen for the tool that the words then replaced
            continue
        field = fields[name]
        if fill_models.unnamed_other(sheet, draft, field):
            continue
        taken = {c for other, c in by_name.items() if other != name and c.text}
        fitting = [c for c in values if _takes(field, c) and c not in taken and _is_meant(sheet, field, c) and not _denied(sheet, field, c)]
        fitting = [c for c in fitting if named.told_for(c, numeric, sheet.candidates, sheet.request) in ("", name)]
        if name == "quantization" or (name == "types" and "kv_cache_types" in fields):
            fitting = [c for c in fitting if not cache_types.is_one(c, sheet.request)]
        fitting = fill_lists.as_many_as_said(sheet, field, _all_of_its_kind(sheet, draft, field, fitting))
        fitting = [
            c
            for c in fitting
            if not (field.role == "documents" and _is_later(sheet, draft, c))
            and not (field.role == "dataset" and fill_data.is_learnt(sheet, draft, c))
            and not (field.role == "dataset" and _is_read_in(sheet, c))
        ]
        if name in by_name or not fitting or name in draft.args or _said_otherwise(sheet, draft, field, fitting):
            continue
        fitting = [_closer(draft, c) for c in fitting]
        if field.role == field.name == "dataset":
            fitting = [fill_data.own_instead(sheet, draft, c) for c in fitting]
        if field.role in ("dataset", "model", "file", "documents"):
            fitting = [sheet.existing(c, field, draft) if not field.is_list or not fits_role(c, field.role) else c for c in fitting]
        if field.role == "model" and field.is_list:
            fitting = fill_lists.whole(sheet, draft, fitting)
        if field.role == "model" and field.is_list and len({c.value for c in fitting}) < 2:
            continue
        put(sheet, draft, field, fitting)


def _is_read_in(sheet: Sheet, candidate: Candidate) -> bool:
    """A folder of documents that another step of the plan indexes holds no rows."""
    return candidate.kind in ("folder", "missing", "glob") and any(d.args.get("path") == candidate.value for d in sheet.drafts)


def _all_of_its_kind(sheet: Sheet, draft: Draft, field: FieldSpec, found: list[Candidate]) -> list[Candidate]:
    """ "BLEU decides, exact match second": a list of named values has all that the clause names, where the model took only some."""
    if field.is_list and field.allowed and found:  # "an OpenAI-compatible API and structured output"
        said = [c for c in fill_words.from_table(sheet, field, draft.clause) if c.value not in {f.value for f in found}]
        return [*found, *said]
    kind = lexicon().tables.get(field.name)
    if not field.is_list or not found or any(c.kind != kind for c in found) or kind == "quant":
        return found
    return [c for c in sheet.inside(draft.clause) if c.kind == kind and _takes(field, c) and _is_meant(sheet, field, c)] or found


def _said_otherwise(sheet: Sheet, draft: Draft, field: FieldSpec, found: list[Candidate]) -> bool:
    """ "only the adapter by itself as GGUF" names gguf_adapter, whatever the model read in it."""
    clause = draft.clause
    said = {v for v in field.allowed if clause.tokens and phrases.value(field.name, v, sheet.request, clause.start, clause.end)}
    return bool(said) and said.isdisjoint(str(c.value) for c in found)


def _is_told(sheet: Sheet, field: FieldSpec, candidate: Candidate) -> bool:
    return candidate.kind == "number" and named.is_told(field, candidate, sheet.candidates, sheet.request)


_POINTS_BACK = ("it", "them", "this", "that", "these", "those", "everything")


def _is_later(sheet: Sheet, draft: Draft, candidate: Candidate) -> bool:
    """ "the dump is in wiki/. Index it, then measure with gold.jsonl": "it" is what was named before and not what comes after."""
    here = {t.word for t in draft.clause.tokens}
    if here.isdisjoint(_POINTS_BACK) or candidate.start < draft.clause.end or candidate in draft.clause.candidates:
        return False
    return any(c.kind in ("folder", "glob", "missing") and c.end <= draft.clause.end for c in sheet.candidates)


def _closer(draft: Draft, candidate: Candidate) -> Candidate:
    """ "below wiki/ (wiki/**/*.md)": the pattern says which files of the folder are meant."""
    within = [c for c in draft.clause.candidates if c.kind == "glob" and str(c.value).startswith(str(candidate.value))]
    return within[0] if candidate.kind in ("folder", "missing") and len(within) == 1 else candidate


def _denied(sheet: Sheet, field: FieldSpec, candidate: Candidate) -> bool:
    """ "no lora": the word lies in a longer one that means another value."""
    kind = lexicon().tables.get(field.name)
    longer = [c for c in sheet.candidates if c.kind == kind and c.start <= candidate.start and candidate.end <= c.end]
    return candidate.source == "request" and any(c.text != candidate.text and c.value != candidate.value for c in longer)


def _is_meant(sheet: Sheet, field: FieldSpec, candidate: Candidate) -> bool:
    """A number needs a word near it that speaks of the argument, a form that does, or a likely draft; nothing gets one because it is the
    last left."""
    if candidate.kind != "number" or field.inner not in ("integer", "number"):
        return True
    if field.most is not None and float(candidate.value) > field.most:
        return False  # "the budget 2024" beside "passages": nobody stated it as their number
    if field.name.endswith("_length") and named.counts_long_things(candidate, sheet.request):
        return False  # "one sequence of 16384 tokens"
    short = field.name.endswith("_length") and float(candidate.value) < SHORTEST
    cards = named.counts_cards(candidate, sheet.candidates, sheet.request)
    trusted = sheet.trusted and not (short or cards or _EACH.search(sheet.request[: candidate.start]))
    by_form = any(re.search(ending, field.name) and fits(candidate) for ending, fits in FORMS)
    return trusted or by_form or named.near(field, candidate, sheet.candidates, sheet.request)


def _takes(field: FieldSpec, candidate: Candidate) -> bool:
    if field.allowed:
        return fill_words.as_allowed(field, candidate) is not None
    if candidate.kind in AMOUNTS and field.inner == "integer":
        return float(candidate.value).is_integer()
    return looks(candidate) in kinds_of(field)


def put(sheet: Sheet, draft: Draft, field: FieldSpec, found: list[Candidate]) -> None:
    values = [_value(sheet, draft, field, c) for c in found]
    if field.is_list:
        draft.args[field.name] = list(dict.fromkeys(values))
        draft.sources[field.name] = ", ".join(dict.fromkeys(c.evidence for c in found))
        sheet.used |= set(found)
    else:
        sheet.put(draft, field.name, found[0], values[0])
    if sheet.answered & set(found):
        draft.sources[field.name] += ", answer"


def _value(sheet: Sheet, draft: Draft, field: FieldSpec, candidate: Candidate) -> Any:
    if candidate.kind in AMOUNTS and field.inner in ("integer", "number"):
        value = in_own_unit(field.name, field.most, named.value_of(field, candidate), sheet.request, candidate.end)
        if candidate.kind == "memory" and field.name.endswith(IN_MB):
            value *= 1024
        return _within(sheet, draft, field, value, candidate)
    return fill_words.as_allowed(field, candidate) if field.allowed else fill_models.type_of(sheet, draft, field, candidate)


def _within(sheet: Sheet, draft: Draft, field: FieldSpec, value: int | float, candidate: Candidate) -> int | float:
    """The value if the argument may have it; else a question with the nearest that it may have."""
    nearest = max(value, field.least) if field.least is not None else value
    nearest = min(nearest, field.most) if field.most is not None else nearest
    if nearest == value:
        return value
    bounds = f"at least {field.least:g}" if value < nearest else f"at most {field.most:g}"
    question = f"{draft.tool.name} takes {bounds} as {field.name}, not {candidate.text}. Which value should it use?"
    answer = sheet.answers.ask(question, [f"{nearest:g}"], lambda text: next(iter(find_numbers(text)), None))
    sheet.answered.add(candidate)
    return named.value_of(field, answer)


def fill(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """From the step's own clause."""
    clause = draft.clause
    spent = {e for source in draft.sources.values() for e in source.split(", ")}
    placed = _by_name(sheet, clause, fields)
    for name, candidate in placed.items():
        if name not in draft.args and candidate.evidence not in spent:
            run = named.run_of(candidate, sheet.inside(clause), sheet.request, fields[name])
            others = {c for other, c in placed.items() if other != name}
            run += [c for c in sheet.inside(clause) if c not in run and fields[name].is_list and _is_told(sheet, fields[name], c)]
            put(sheet, draft, fields[name], [c for c in run if c not in others])
    for field in fields.values():
        if field.name in draft.args or field.role or is_free_text(field):
            continue
        found = fill_words.captured(sheet, field, clause) or fill_words.from_table(sheet, field, clause)
        if "kv_cache_types" in fields and field.name in ("types", "kv_cache_types"):
            found = cache_types.or_weights(field, sheet.inside(clause), sheet.request)
        if field.name == "dtype" and "quantization" in fields:
            found = _of_the_cache(sheet, draft, field, found)
        if found:
            put(sheet, draft, field, found)
        elif said := fill_words.flag(sheet, field, clause):
            put(sheet, draft, field, [said])
        elif written := named.written_out(field, sheet.request, clause.start, clause.end):
            sheet.put(draft, field.name, written, written.value == "true" if field.type == "boolean" else None)
    _amounts(sheet, draft, fields)
    fill_prices.settle(sheet, draft, fields)
    _lengths(sheet, draft, fields)
    if "method" in fields and "method" not in draft.args:
        _foreign_method(sheet, draft, fields["method"])


def _of_the_cache(sheet: Sheet, draft: Draft, field: FieldSpec, found: list[Candidate]) -> list[Candidate]:
    """Where weights and cache both have a type, the one that the weights took is not the cache's."""
    kept = [c for c in found if c.evidence != draft.sources.get("quantization") or cache_types.is_one(c, sheet.request)]
    own = [c for c in sheet.inside(draft.clause) if c.kind in ("quant", "dtype") and cache_types.is_one(c, sheet.request)]
    return kept or [c for c in own if fill_words.as_allowed(field, c)]


def _foreign_method(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """ "fine-tune with GRPO": a method that no tool here has is asked about, never replaced in silence."""
    words = lexicon().words["foreign_methods"]
    said = next((t.text for t in draft.clause.tokens if t.word in words and t.word not in field.allowed and not _is_refused(sheet, t)), "")
    if said and field.allowed:
        question = f"No tool here trains with {said}; {draft.tool.name} knows {', '.join(field.allowed)}. Which one should it use?"
        sheet.put(draft, field.name, sheet.answers.choose(question, list(field.allowed)))


def _is_refused(sheet: Sheet, token: Token) -> bool:
    """ "no distillation", "not GRPO"."""
    before = re.findall(r"[\w']+", sheet.request[: token.start].lower())[-1:]
    return bool(before) and before[0] in lexicon().words["negations"]


def _by_name(sheet: Sheet, clause: Clause, fields: dict[str, FieldSpec]) -> dict[str, Candidate]:
    """A clause may be in pieces (it was joined from several); numbers are looked for in its whole extent."""
    if not clause.tokens:
        return {}
    start, end = min(t.start for t in clause.tokens), max(t.end for t in clause.tokens)
    return named.numbers(fields, sheet.inside(clause), sheet.request, start, end)


def _amounts(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """Memory and money go by their unit, where one argument takes it and one amount is there."""
    for kind in ("memory", "money"):
        takes = [f for f in fields.values() if kind in amount_of(f) or (kind == "memory" and f.name.endswith(IN_MB))]
        wanted = [f for f in takes if f.name not in draft.args and not f.role]
        here = [c for c in sheet.inside(draft.clause) if c.kind == kind and c not in sheet.used]
        wanted = [f for f in wanted if f.name == "price"] or wanted  # the plain word for what something costs
        if len(wanted) == 1 and here:
            put(sheet, draft, wanted[0], here[:1])


def _lengths(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """Numbers that need no name: "at 16k" and 2048 are lengths, 8080 is a port, where one argument is one."""
    for ending, fits in FORMS:
        wanted = [f for f in fields.values() if re.search(ending, f.name) and f.name not in draft.args and f.inner == "integer"]
        here = [c for c in sheet.inside(draft.clause) if c.kind == "number" and c not in sheet.used and fits(c)]
        if len(wanted) == len(here) == 1:
            put(sheet, draft, wanted[0], here)


def _is_length(candidate: Candidate) -> bool:
    number = float(candidate.value)
    return re.search(r"\dk$", candidate.text, re.IGNORECASE) is not None or (number >= 512 and number % 256 == 0)


def _is_port(candidate: Candidate) -> bool:
    return 1024 <= float(candidate.value) <= 65535


FORMS = ((r"(?:_length|^prompt_tokens|^input_tokens)$", _is_length), ("^port$", _is_port))
"""Arguments, and what a number for them looks like."""
