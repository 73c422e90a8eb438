"""Steps that turn out to be one after they are filled: what a clause of its own says may be only more about the step before.

Three rules. Neighbours with one tool that measures on data are one where no argument contradicts. And a measurement that names
no model, behind one of what quantization costs, says what that measures on.
And of two that reckon memory, the later says only how ("and with q8_0 keys and values"): that is the one before.
"""

from __future__ import annotations

import re

from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import fields_of, made_models, main_dataset
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.sheet import Sheet

LOSS, MEASURES = "quantization_quality", ("evaluate", "evaluate_retrieval")
RECKON = ("kv_cache", "memory_fit")
_HOW = re.compile(r"(?:(?:and|but|then|,)\s+)*(?:with|using|at|in|kept in|mit|con|avec|com|met)\s", re.IGNORECASE)
_PLACE = re.compile(r"request\[(\d+):(\d+)\]")


def fold(sheet: Sheet) -> None:
    for later in list(sheet.drafts[1:]):
        before = sheet.drafts[sheet.drafts.index(later) - 1]
        if _comes_after(later) or later.template or before.template:
            continue
        if _agree(before, later):
            before.args, before.sources = {**later.args, **before.args}, {**later.sources, **before.sources}
            sheet.drafts.remove(later)
        elif _says_on_what(before, later):
            before.args["dataset"], before.sources["dataset"] = later.args["dataset"], later.sources["dataset"]
            sheet.drafts.remove(later)
        elif own := _says_how(sheet, before, later):
            before.args |= {name: later.args[name] for name in own}
            before.sources |= {name: later.sources[name] for name in own}
            sheet.drafts.remove(later)


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
    """Of tools that measure on data; whether it fits, and whether it fits with 32k, are two questions."""
    main = main_dataset(before.tool)
    if before.tool.name != later.tool.name or main is None or not main.required or made_models(before.tool):
        return False
    return bool(later.args) and all(before.args.get(name, value) == value for name, value in later.args.items())


def _says_on_what(before: Draft, later: Draft) -> bool:
    data = later.args.get("dataset")
    asks_more = set(later.args.get("metrics", ())) - {"perplexity"} or any(c.kind == "model" for c in later.clause.candidates)
    alone = later.tool.name in MEASURES and data is not None and not asks_more
    return alone and before.tool.name == LOSS and before.args.get("dataset", data) == data
