"""What one step of a plan was told and another is told to share: "at that length", "see whether that fits, then do it".

Whether a training fits is asked of that very training, so its settings are those of both steps. Numbers alone: files and
models are found by fill_data.py and fill_models.py.
"""

from __future__ import annotations

import re

from modelwright.graphs.planning import named
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.sheet import Sheet

TWINS = {"task": "method", "method": "task", "context_length": "max_length", "max_length": "context_length"}
"""What is asked of the memory, and what a training calls it."""
SHARED = ("method", "task", "context_length", "max_length", "batch_size", "lora_rank")
_SAME = re.compile(
    r"\b(?:(?:at|with|for|of|in) (?:that|this|such an?)|the same|equal|identical|dem ?selben|der ?selben|mismo|mesmo|même|stesso)"
    r"(?: [\w-]+(?:,| and| und| y| et| e))* $",
    re.IGNORECASE,
)


def fill(sheet: Sheet) -> None:
    for draft in sheet.drafts:
        for name, field in fields_of(draft.tool.args).items():
            givers = [d for d in sheet.drafts if d is not draft and (name in d.args or TWINS.get(name) in d.args)]
            if name in SHARED and name not in draft.args and len(givers) == 1 and _shares(sheet, draft, givers[0], field):
                _take(draft, givers[0], field)


def _shares(sheet: Sheet, draft: Draft, giver: Draft, field: FieldSpec) -> bool:
    return _is_said(sheet, draft, field) or _one_training(draft, giver)


def _is_said(sheet: Sheet, draft: Draft, field: FieldSpec) -> bool:
    """ "with the same model and seqlen"."""
    if not draft.clause.tokens:
        return False
    text = sheet.request[draft.clause.start : draft.clause.end]
    return any(_SAME.search(text[: place.start()]) for place in named.spoken_of(field.name, text))


def _one_training(draft: Draft, giver: Draft) -> bool:
    """One asks whether it fits and the other does it, with the same model and, where both say one, the same method."""
    fits, does = (draft, giver) if draft.tool.name == "memory_fit" else (giver, draft)
    if fits.tool.name != "memory_fit" or does.tool.name != "finetune" or fits.args.get("model") != does.args.get("model"):
        return False
    task, method = fits.args.get("task"), does.args.get("method")
    return task != "inference" and task is not None and (method is None or task == method)


def _take(draft: Draft, giver: Draft, field: FieldSpec) -> None:
    name = field.name if field.name in giver.args else TWINS[field.name]
    if not field.allowed or giver.args[name] in field.allowed:
        draft.args[field.name], draft.sources[field.name] = giver.args[name], giver.sources[name]
