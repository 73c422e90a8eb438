"""Steps that turn out to be one after they are filled: what a clause of its own says may be only more about the step before.

Three rules. Neighbours with one tool that measures on data are one where no argument contradicts. And a measurement that names
no model, behind one of what quantization costs, says what that measures on.
And of two that reckon memory, the later says only how ("and with q8_0 keys and values"): that is the one before.
"""

from __future__ import annotations

import re
from typing import Any

from modelwright.graphs.planning import named
from modelwright.graphs.planning.cards import is_free_text
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import fields_of, made_models, main_dataset
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.sheet import Sheet
from modelwright.graphs.planning.tool_names import LOSS, RETRIEVAL_QUALITY

MEASURES = ("evaluate", RETRIEVAL_QUALITY)
RECKON = ("kv_cache", "memory_fit")
_HOW = re.compile(r"(?:(?:and|but|then|,)\s+)*(?:with|using|at|in|kept in|mit|con|avec|com|met)\s", re.IGNORECASE)
MOST_STATED = 9
"""Words of a clause that only states a value."""
_PLACE = re.compile(r"request\[(\d+):(\d+)\]")


def without_a_model(sheet: Sheet) -> None:
    """ "36 layers, 8 kv heads, head dim 128: how much cache at 64k, and does it stay under 6 GiB?": of a shape alone no model is fitted."""
    cache, fits = ([d for d in sheet.drafts if d.tool.name == name] for name in RECKON)
    if len(cache) != 1 or len(fits) != 1 or any(c.kind in ("model", "missing") for c in sheet.candidates):
        return
    if "layers" not in named.numbers(fields_of(cache[0].tool.args), sheet.candidates, sheet.request, 0, len(sheet.request)):
        return
    cache[0].clause = Clause(tuple(sorted({*cache[0].clause.tokens, *fits[0].clause.tokens}, key=lambda t: t.start)))
    sheet.drafts.remove(fits[0])


def fold(sheet: Sheet) -> None:
    for later in list(sheet.drafts[1:]):
        before = sheet.drafts[sheet.drafts.index(later) - 1]
        if _is_how_it_is_stored(sheet, before, later):
            _store_so(sheet, before, later)
            continue
        if _watches_the_loss(sheet, before, later):
            sheet.drafts.remove(later)
            continue
        if _is_its_metric(before, later):
            before.args["metrics"], before.sources["metrics"] = later.args["metrics"], later.sources["metrics"]
            sheet.drafts.remove(later)
            continue
        if told := _only_states(sheet, before, later):
            before.args |= told
            before.sources |= dict.fromkeys(told, f"request[{later.clause.start}:{later.clause.end}]")
            sheet.drafts.remove(later)
            continue
        if _comes_after(later) or later.template or before.template:
            continue
        if _agree(before, later):
            before.args, before.sources = {**later.args, **before.args}, {**later.sources, **before.sources}
            sheet.drafts.remove(later)
        elif _says_what_is_answered(before, later):
            told = {"eval_dataset": "dataset", "metrics": "metrics"}
            before.args |= {name: later.args[own] for name, own in told.items() if own in later.args and name not in before.args}
            before.sources |= {name: later.sources[own] for name, own in told.items() if own in later.args and name not in before.sources}
            sheet.drafts.remove(later)
        elif _says_on_what(before, later):
            before.args["dataset"], before.sources["dataset"] = later.args["dataset"], later.sources["dataset"]
            sheet.drafts.remove(later)
        elif own := _says_how(sheet, before, later):
            before.args |= {name: later.args[name] for name in own}
            before.sources |= {name: later.sources[name] for name in own}
            sheet.drafts.remove(later)


_MAKES = re.compile(
    r"quanti|cuanti|kwanti|shrink|compress|squeez|klein|small|réduc|reduc|reduz|riduc|then|after|\bq8_0 of\b", re.IGNORECASE
)
"""Words that ask for a quantized file of its own."""


def _is_how_it_is_stored(sheet: Sheet, before: Draft, later: Draft) -> bool:
    """ "make one gguf of the adapter, stored as q8_0": a type that an export writes itself, and no word for a second file."""
    if before.tool.name != "export_model" or later.tool.name != "quantize" or later.args.get("types") != ["Q8_0"]:
        return False
    if "dtype" in before.args or str(later.args.get("model")) != f"${before.id}.model" or "imatrix_dataset" in later.args:
        return False
    words = sheet.request[min(before.clause.start, later.clause.start) : max(before.clause.end, later.clause.end)]
    return _STORED.search(words) is not None and not _MAKES.search(words)


_STORED = re.compile(
    r"\b(?:stor\w+|weights?|dtype|precision|kept|keep|sav\w+|gespeichert|gewicht\w*|guardad\w*|pesos|enregistr\w*|stock\w*|poids"
    r"|salvat\w*|pesi|opgeslagen)\b"
    r"[^.?!]{0,20}\bq8(?:_0)?\b|\bq8(?:_0)? (?:weights?|gewichte|pesos|poids|pesi|precision)\b"
    r"|\bgguf(?: file)?(?:,| \(|,? (?:in|as|at|with|als|mit|en|con|avec|com|met))? ?q8_0\b",
    re.IGNORECASE,
)


def _watches_the_loss(sheet: Sheet, before: Draft, later: Draft) -> bool:
    """ "train on a.jsonl and use b.jsonl to watch the loss": what the training itself measures on is no step of its own."""
    data = later.args.get("dataset")
    same = data is not None and before.args.get("eval_dataset") == data and later.args.get("model") == f"${before.id}.model"
    if later.tool.name != "evaluate" or not same or _comes_after(later) or not {"dataset", "model"}.issuperset(later.args):
        return False
    place = _PLACE.search(later.sources["dataset"])
    around = sheet.request[max(0, int(place[1]) - AROUND) : int(place[2]) + AROUND] if place else ""
    return re.search(r"\b(?:loss|verlust|perte|pérdida|perdita|perda)\b", around, re.IGNORECASE) is not None


AROUND = 120
"""Characters beside a file among which its loss may be spoken of."""


def _store_so(sheet: Sheet, before: Draft, later: Draft) -> None:
    before.args["dtype"], before.sources["dtype"] = "q8_0", later.sources["types"]
    for name in ("output",):
        if name in later.args and name not in before.args:
            before.args[name], before.sources[name] = later.args[name], later.sources[name]
    sheet.drafts.remove(later)
    for draft in sheet.drafts:
        for name, value in draft.args.items():
            if isinstance(value, str) and value.startswith(f"${later.id}."):
                draft.args[name], draft.sources[name] = f"${before.id}.model", f"step {before.id}"


def _is_its_metric(before: Draft, later: Draft) -> bool:
    """ "three candidates, … on a.jsonl, and check if the answer contains the right thing": how a comparison on the same data is judged."""
    if (before.tool.name, later.tool.name) != ("compare", "evaluate") or _comes_after(later) or "metrics" in before.args:
        return False
    same = later.args.get("dataset") == before.args.get("dataset") and later.args.get("model") in before.args.get("models", ())
    return same and "metrics" in later.args and {"model", "dataset", "metrics"}.issuperset(later.args)


def _only_states(sheet: Sheet, before: Draft, later: Draft) -> dict[str, Any]:
    """What a clause states for the step before, if that is all that it says: "…, at most 64 tokens per answer" asks nothing."""
    clause, fields = later.clause, fields_of(before.tool.args)
    if not clause.tokens or any(is_free_text(f) for f in fields.values()) or before.tool is later.tool:
        return {}
    asks = [f.name for f in fields_of(later.tool.args).values() if is_free_text(f) and f.name in later.args]
    if not asks or any(t.candidate for t in clause.tokens) or len(clause.tokens) > MOST_STATED:
        return {}
    told = {}
    for number in (c for c in sheet.candidates if c.kind == "number" and clause.start <= c.start and c.end <= clause.end):
        numeric = [f for f in fields.values() if f.inner in ("integer", "number") and not f.is_list and before.args.get(f.name) is None]
        if name := named.told_for(number, numeric, sheet.candidates, sheet.request):
            told[name] = named.value_of(fields[name], number)
    return told


def _says_how(sheet: Sheet, before: Draft, later: Draft) -> list[str]:
    """The arguments that the later step's own words state, if all of them are ones that the step before lacks."""
    clause = later.clause
    if before.tool.name not in RECKON or later.tool.name not in RECKON or before.tool is later.tool or not clause.tokens:
        return []
    if not _HOW.match(sheet.request[clause.start : clause.end]):
        return []
    places = {name: _PLACE.findall(source) for name, source in later.sources.items()}
    own = [name for name, spans in places.items() if any(clause.start <= int(a) < clause.end for a, _ in spans)]
    return own if all(name in fields_of(before.tool.args) and name not in before.args for name in own) else []


def _comes_after(draft: Draft) -> bool:
    return not lexicon().words["then"].isdisjoint(draft.clause.opener.split())


def _agree(before: Draft, later: Draft) -> bool:
    """Of tools that measure on data, or that ask the same of an index; whether it fits, and whether it fits with 32k, are two questions."""
    if before.tool.name == later.tool.name and (asked := [f.name for f in fields_of(before.tool.args).values() if is_free_text(f)]):
        same = all(before.args.get(name) == later.args.get(name) for name in asked)  # "top 15 hits, in index kb, for 'x'"
        return same and all(before.args.get(name, value) == value for name, value in later.args.items())
    main = main_dataset(before.tool)
    if before.tool.name != later.tool.name or main is None or not main.required or made_models(before.tool):
        return False
    return bool(later.args) and all(before.args.get(name, value) == value for name, value in later.args.items())


def _says_on_what(before: Draft, later: Draft) -> bool:
    data = later.args.get("dataset")
    asks_more = set(later.args.get("metrics", ())) - {"perplexity"} or any(c.kind == "model" for c in later.clause.candidates)
    alone = later.tool.name in MEASURES and data is not None and not asks_more
    return alone and before.tool.name == LOSS and before.args.get("dataset", data) == data


def _says_what_is_answered(before: Draft, later: Draft) -> bool:
    """ "the loss of Q8_0 and Q4_K_M of m.gguf, plus each one's ROUGE-L on qa.jsonl": what quantizing cost is measured on answers too."""
    metrics = set(later.args.get("metrics", ())) - {"perplexity"}
    same = later.args.get("model") in (None, before.args.get("model")) and not any(c.kind == "model" for c in later.clause.candidates)
    takes = before.tool.name == LOSS and "eval_dataset" not in before.args and {"model", "dataset", "metrics"}.issuperset(later.args)
    return takes and later.tool.name == "evaluate" and bool(metrics) and "dataset" in later.args and same
