"""What one step of a plan was told and another is told to share: "at that length", "see whether that fits, then do it".

Whether a training fits is asked of that very training, so its settings are those of both steps. Numbers alone: files and
models are found by fill_data.py and fill_models.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelwright.graphs.planning import named
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of
from modelwright.graphs.planning.sheet import Sheet

TWINS = {"task": "method", "method": "task", "context_length": "max_length", "max_length": "context_length"}
"""What is asked of the memory, and what a training calls it."""
SIZING = ("kv_cache", "memory_fit", "choose_engine")
"""Tools that reckon for one way of running a model: how many use it, how long their chats are."""
OF_USE = {"context_length": "context_length", "batch_size": "users", "users": "batch_size", "gpu": "hardware", "hardware": "gpu"}
SHARED = ("method", "task", "context_length", "max_length", "batch_size", "lora_rank")
_SAME = re.compile(
    r"\b(?:(?:at|with|for|of|in) (?:that|this|such an?)|the same|equal|identical|dem ?selben|der ?selben|mismo|mesmo|même|stesso)"
    r"(?: [\w-]+(?:,| and| und| y| et| e))* $",
    re.IGNORECASE,
)


_MY_GROUP = re.compile(
    r"\((?:mine|(?:my|our) (?:own )?(?:group|team))\)"
    r"|\b(?:I(?:['’]?m| am)|[Ww]e(?:['’]re| are)) (?:in|part of|a member of|one of) (?:it|them|(?:that|this|the same) (?:group|team))\b"
    r"|\b(?:[Rr]eader|[Aa]sker|[Uu]ser|me|us) in both(?: groups)?\b"
    r"|\b[Aa]s (?:an? |one )?(?:member|part|somebody|someone)? ?(?:of|in) (?:it|them|(?:that|this|the same) (?:group|team))\b"
)
""" "restricted to group sre (mine). Then: what is …": who reads an index is who asks it, where they say so themselves."""


def fill(sheet: Sheet) -> None:
    _group_of_the_asker(sheet)
    for draft in sheet.drafts:
        for name, field in fields_of(draft.tool.args).items():
            givers = [d for d in sheet.drafts if d is not draft and (name in d.args or TWINS.get(name) in d.args)]
            users = [d for d in sheet.drafts if d is not draft and (name in d.args or OF_USE.get(name) in d.args) and _one_use(draft, d)]
            if name in OF_USE and name not in draft.args and len(users) == 1:
                _take(draft, users[0], field, OF_USE)
            if name in SHARED and name not in draft.args and len(givers) == 1 and _shares(sheet, draft, givers[0], field):
                _take(draft, givers[0], field)


def _group_of_the_asker(sheet: Sheet) -> None:
    givers = [d for d in sheet.drafts if "access" in d.args]
    said = _MY_GROUP.search(sheet.request)
    if len(givers) == 1 and said:
        for draft in sheet.drafts:
            if "groups" in fields_of(draft.tool.args) and "groups" not in draft.args:
                draft.args["groups"] = givers[0].args["access"]
                draft.sources["groups"] = f"{givers[0].sources['access']}, request[{said.start()}:{said.end()}]"


def _shares(sheet: Sheet, draft: Draft, giver: Draft, field: FieldSpec) -> bool:
    return _is_said(sheet, draft, field) or _one_training(draft, giver)


def _one_use(draft: Draft, giver: Draft) -> bool:
    """ "Llama-3.1-8B for 10 people, 8k each. Does it fit? And which engine?": both ask of the same use."""
    names = {draft.tool.name, giver.tool.name}
    models = {d.args["model"] for d in (draft, giver) if "model" in d.args}
    trains = any(d.args.get("task", "inference") != "inference" for d in (draft, giver))
    return len(names) == 2 and names <= set(SIZING) and len(models) < 2 and not trains


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


def _take(draft: Draft, giver: Draft, field: FieldSpec, twins: Mapping[str, str] = TWINS) -> None:
    name = field.name if field.name in giver.args else twins[field.name]
    if not field.allowed or giver.args[name] in field.allowed:
        draft.args[field.name], draft.sources[field.name] = giver.args[name], giver.sources[name]
