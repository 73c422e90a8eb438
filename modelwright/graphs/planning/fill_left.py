"""What the request states and no step took: for the one step of the plan that takes it, wherever its words stand.

A clause is a guess, and a value said in another one ("…, and be strict: 0.6 confidence") would be lost. Only turns of speech
count here that name their argument (phrases.py), and only where a single step still lacks such an argument.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.graphs.planning import cache_types, fill_values, fill_words, named, numbers, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.cards import is_free_text
from modelwright.graphs.planning.clauses import quoted_data
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of, made_models
from modelwright.graphs.planning.paths import exists
from modelwright.graphs.planning.sheet import Sheet

PLAIN = ("mode", "gpu")
"""Arguments whose values are what they are wherever they stand: "dense only", "on an RTX 4090"."""
PATTERN, METRICS, EVAL = "pattern", "metrics", "eval_dataset"
_PERCENT = re.compile(r"(?<![\w.,])(\d{1,3})(?= ?%)")
_PLACE = re.compile(r"request\[(\d+):(\d+)\]")


def fill(sheet: Sheet) -> None:
    _types_of_the_cache(sheet)
    _quoted_settings(sheet)
    _regex_of_a_pattern(sheet)
    _data_of_metrics(sheet)
    for draft in sheet.drafts:
        for field in fields_of(draft.tool.args).values():
            if field.name in draft.args or is_free_text(field) or not _alone(sheet, field):
                continue
            taken = _taken(sheet)
            free = [c for c in sheet.candidates if not _overlaps(c, taken)]
            if field.role:
                _file(sheet, draft, field, free)
                _place_to_write(sheet, draft, field, free)
                _words_of_path(sheet, draft, field)
            elif found := [c for c in _said(sheet, field, free) if not _overlaps(c, taken)]:
                fill_values.put(sheet, draft, field, found)
    _rates_for_a_sweep(sheet)


def _types_of_the_cache(sheet: Sheet) -> None:
    """ "if the cache is q8_0, and what if it's q4_0": all of them, for the one step that measures types of the cache."""
    steps = [(d, fields_of(d.tool.args)) for d in sheet.drafts]
    takers = [(d, fields["kv_cache_types"]) for d, fields in steps if "kv_cache_types" in fields]
    if len(takers) != 1 or any("dtype" in fields for _, fields in steps):
        return
    draft, field = takers[0]
    found = cache_types.or_weights(field, sheet.candidates, sheet.request)
    if len(found) > len(draft.args.get(field.name, ())):
        fill_values.put(sheet, draft, field, found)


_LIKE_THAT = re.compile(
    r"\b(?:like|as) (?:that|this|so|they|he|she|said|agreed|written)\b|\b(?:exactly|just|do it) so\b"
    r"|\bwith (?:these|those|that) (?:settings?|values?)\b"
    r"|\baccordingly\b|\b(?:genau|mach es) so\b|\bcomme (?:ça|cela)\b|\b(?:justo )?así\b|\bproprio così\b|\bassim mesmo\b|\bprecies zo\b",
    re.IGNORECASE,
)


def _quoted_settings(sheet: Sheet) -> None:
    """ "the consultant wrote: 'rank 32, alpha 64'. Train it like that": quoted numbers beside the names of one training's arguments."""
    takers = [d for d in sheet.drafts if made_models(d.tool)]
    if len(takers) != 1 or not _LIKE_THAT.search(sheet.request):
        return
    fields = {name: f for name, f in fields_of(takers[0].tool.args).items() if name not in takers[0].args}
    for start, end in quoted_data(sheet.request, sheet.candidates):
        for name, number in named.numbers(fields, sheet.candidates, sheet.request, start, end).items():
            fill_values.put(sheet, takers[0], fields[name], [number])


def _regex_of_a_pattern(sheet: Sheet) -> None:
    """A pattern is there to be matched: where no metric is said it is the one that matches patterns."""
    for draft in sheet.drafts:
        if PATTERN in draft.args and METRICS not in draft.args and METRICS in fields_of(draft.tool.args):
            draft.args[METRICS], draft.sources[METRICS] = ["regex"], draft.sources[PATTERN]


def _data_of_metrics(sheet: Sheet) -> None:
    """ "also the accuracy on quiz.jsonl": metrics are of answers, so the rows are what is answered. "We must not lose accuracy: the
    KL divergence on ward.txt, please" has a text to measure on, and the metric is talk."""
    for draft in sheet.drafts:
        fields, metrics = fields_of(draft.tool.args), set(draft.args.get(METRICS, ())) - {"perplexity"}
        if not metrics or EVAL not in fields or EVAL in draft.args or "dataset" not in draft.args:
            continue
        if str(draft.args["dataset"]).lower().endswith(".txt"):
            del draft.args[METRICS], draft.sources[METRICS]
        else:
            draft.args[EVAL], draft.sources[EVAL] = draft.args.pop("dataset"), draft.sources.pop("dataset")


def _rates_for_a_sweep(sheet: Sheet) -> None:
    """ "2, 5 and 10 req/s, and tell me where we break 400 ms": a sweep finds rates itself, so where they are given it is none."""
    for draft in sheet.drafts:
        if draft.args.get("sweep") is True and "rate" in draft.args:
            del draft.args["sweep"], draft.sources["sweep"]


def _overlaps(candidate: Candidate, places: Sequence[tuple[int, int]]) -> bool:
    return any(candidate.start < end and start < candidate.end for start, end in places)


def _file(sheet: Sheet, draft: Draft, field: FieldSpec, free: Sequence[Candidate]) -> None:
    """The one file that is no data ("going by house.toml"), and what is written out: `texts = corpora`."""
    files = [c for c in free if c.kind == "file" or (c.kind == "missing" and str(c.value).endswith((".toml", ".yaml")))]
    if field.role == "file" and len(files) == 1:
        sheet.put(draft, field.name, sheet.existing(files[0], field, draft))
    written = re.search(rf"(?<![\w-]){field.name}\s*=\s*(?P<v>[\w./-]*\w)", sheet.request)
    if field.role in ("documents", "dataset") and not field.is_list and written and exists(written["v"], sheet.workspace):
        sheet.put(draft, field.name, Candidate("folder", written["v"], *written.span("v"), written["v"]))


def _words_of_path(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    """ "only files with lease in the path": words that a document's path holds, for a tool that reads an index."""
    said = phrases.captured(field.name, sheet.request) if field.role == "documents" and not field.required else []
    if said:
        sheet.put(draft, field.name, said[0])


_INTO = re.compile(
    r"\b(?:nach|unter|als|vers|dans|sous|comme|en|como|para|in|come|naar|onder|to|into|under|as)\s"
    r"(?:(?:an? |the |one )?(?:hf |hugging ?face |gguf |safetensors |output )?(?:folder|directory|file|gguf|safetensors|hf) )?[\"'`“]?$",
    re.IGNORECASE,
)


def _place_to_write(sheet: Sheet, draft: Draft, field: FieldSpec, free: Sequence[Candidate]) -> None:
    """ "nach out/stil.gguf": the one path that no step took and that a word for where to leads to."""
    found = [c for c in free if c.kind in ("missing", "folder", "output") and _INTO.search(sheet.request[: c.start])]
    if field.role == "output" and len(found) == 1 and found[0] not in sheet.used:
        sheet.put(draft, field.name, found[0])


def _alone(sheet: Sheet, field: FieldSpec) -> bool:
    return sum(field.name in fields_of(draft.tool.args) and field.name not in draft.args for draft in sheet.drafts) == 1


def _taken(sheet: Sheet) -> list[tuple[int, int]]:
    """What steps took, and text that is no command: quotes, and the question or search itself."""
    sources = " ".join(source for draft in sheet.drafts for source in draft.sources.values())
    return [*((int(m[1]), int(m[2])) for m in _PLACE.finditer(sources)), *quoted_data(sheet.request, sheet.candidates)]


def _said(sheet: Sheet, field: FieldSpec, free: Sequence[Candidate]) -> Sequence[Candidate]:
    if field.type == "boolean":
        said = phrases.flag(field.name, sheet.request)
        return [said] if said else []
    if field.inner in ("integer", "number"):
        return _numbers(sheet, field, free) or _shares(sheet, field)
    if field.name == "quantization":
        types = [c for c in sheet.candidates if c.kind in ("quant", "cache") and not cache_types.is_one(c, sheet.request)]
        return types if len({c.value for c in types}) == 1 else []
    return _names(sheet, field, free)


def _numbers(sheet: Sheet, field: FieldSpec, free: Sequence[Candidate]) -> Sequence[Candidate]:
    """The one number that stands as one of this argument does; for a list its whole run."""
    free = [*free, *(c for c in numbers.implied(sheet.request) if not _overlaps(c, [(f.start, f.end) for f in free]))]
    found = [c for c in free if c.kind in ("number", "money") and named.is_told(field, c, sheet.candidates, sheet.request)]
    return named.run_of(found[0], sheet.candidates, sheet.request, field) if found else []


def _shares(sheet: Sheet, field: FieldSpec) -> Sequence[Candidate]:
    """ "99% of the requests" for an argument of at most 1."""
    if field.most is None or field.most > 1:
        return []
    found = [Candidate("number", int(m[1]), *m.span(1), m[1]) for m in _PERCENT.finditer(sheet.request)]
    return [c for c in found if phrases.shaped(field.name, sheet.request, c.start, c.end)][:1]


def _names(sheet: Sheet, field: FieldSpec, free: Sequence[Candidate]) -> Sequence[Candidate]:
    captured = phrases.captured(field.name, sheet.request)
    if captured:
        return [c for c in captured if not field.allowed or fill_words.as_allowed(field, c)]
    known = field.allowed or list(phrases.phrases().values.get(field.name, ()))
    turns = [said for value in known if (said := phrases.value(field.name, value, sheet.request))]
    plain = [c for c in free if field.name in PLAIN and c.kind == field.name]
    return turns if field.is_list else turns[:1] or (plain if len({c.value for c in plain}) == 1 else [])[:1]
