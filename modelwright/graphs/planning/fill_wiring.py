"""What a known workflow fixes: which step's model goes where, and what it takes where the request says nothing."""

from __future__ import annotations

import re
from typing import Any

from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of, made_models
from modelwright.graphs.planning.fill_models import only_model
from modelwright.graphs.planning.questions import wording
from modelwright.graphs.planning.sheet import Sheet

OF_FOLDERS = ("gptq", "awq", "nf4")
"""Types that are made of a folder of weights: what the request says of the format stands."""


def fill(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    _index_of_before(sheet, draft, fields)
    _format_of_output(draft, fields)
    if draft.template is None:
        return
    for name, value in draft.template.wiring.items():
        if name not in fields or (name in draft.args and fields[name].is_list) or (name == "train_dataset" and name in draft.args):
            continue
        if name == "format" and name in draft.args and _of_a_folder(sheet, draft):
            continue
        entries = [e for item in (value if isinstance(value, list) else [value]) for e in _wire(sheet, item, draft)]
        if entries:
            draft.args[name] = [v for v, _ in entries] if isinstance(value, list) else entries[0][0]
            draft.sources[name] = ", ".join(dict.fromkeys(evidence for _, evidence in entries))
    for name, value in draft.template.unless_said.items():
        if name not in draft.args:
            draft.args[name], draft.sources[name] = value, f"template {draft.workflow}"


def _of_a_folder(sheet: Sheet, draft: Draft) -> bool:
    """Whether the type that is asked for is made of a folder of weights; int8 is one where such a folder is asked for."""
    types = [c for c in sheet.candidates if c.kind == "quant"]
    is_folder = draft.args["format"] == "hf"
    return any(c.value in OF_FOLDERS or (is_folder and re.fullmatch(r"int[- ]?8", c.text, re.IGNORECASE)) for c in types)


def _format_of_output(draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """ "export it to out/m.gguf": the name of the file says the format."""
    name = str(draft.args.get("output", "")).lower()
    if "format" in fields and "format" not in draft.args and name.endswith(".gguf") and "gguf" in fields["format"].allowed:
        draft.args["format"], draft.sources["format"] = "gguf", draft.sources["output"]


def _index_of_before(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """The index that an earlier step was told to make."""
    giver = next((d for d in sheet.drafts if d is not draft and d.tool.name == "rag_index" and "index" in d.args), None)
    if giver and "index" in fields and "index" not in draft.args:
        draft.args["index"], draft.sources["index"] = giver.args["index"], giver.sources["index"]


def _wire(sheet: Sheet, item: Any, draft: Draft) -> list[tuple[Any, str]]:
    """@source, @dataset, @TOOL.FIELD or a plain value of the workflow."""
    if item == "@source":
        return [sheet.source or _start_from(sheet, draft)]
    if item == "@dataset":
        first = next(d for d in sheet.drafts if d.workflow and "dataset" in d.args)
        return [(first.args["dataset"], first.sources["dataset"])]
    if isinstance(item, str) and item.startswith("@"):
        tool, _, field = item[1:].partition(".")
        giver = next((d for d in reversed(sheet.drafts) if d.tool.name == tool and d is not draft), None)
        if giver and not made_models(giver.tool) and str(giver.args.get(field, "$"))[:1] != "$":
            return [(giver.args[field], giver.sources[field])]  # stated there: the same value, readable here too
        if giver and field in giver.tool.result.model_fields and not made_models(giver.tool):
            return [(f"${giver.id}.{field}", f"step {giver.id}")]
        before = draft.order[: draft.order.index(tool) + 1] if tool in draft.order else (tool,)
        made = next(
            (sheet.made[name] for name in reversed(before) if name in sheet.made), None
        )  # of a step that was left out: the one before
        return [(m.reference, f"step {m.step}") for m in made] if made else [_own(draft) or sheet.source or _start_from(sheet, draft)]
    return [(item, f"template {draft.workflow}")]


def _own(draft: Draft) -> tuple[Any, str] | None:
    """The one model that the step's own words name and the draft chose, where another step began with another."""
    named = [c for c in draft.clause.candidates if c.kind == "model"]
    chosen = draft.args.get("model")
    return (chosen, draft.sources["model"]) if chosen is not None and [c.value for c in named] == [chosen] else None


def _start_from(sheet: Sheet, draft: Draft) -> tuple[Any, str]:
    """The model that a workflow starts from: named in it, made before it, named elsewhere, or asked for."""
    field = fields_of(draft.tool.args)["model"]
    if "model" in draft.args:  # the planning model chose it
        sheet.source = (draft.args["model"], draft.sources["model"])
        return sheet.source
    own = [c for c in (*draft.clause.candidates, *draft.nearby.candidates) if sheet.may_be_model(c, draft)]
    found = own[0] if own else None if sheet.made else only_model(sheet, draft)
    if found is None and sheet.made:
        sheet.source = (sheet.latest()[-1].reference, f"step {sheet.latest()[-1].step}")
    else:
        found = sheet.existing(found, field, draft) if found else sheet.answers.path(wording(_asker(sheet, draft), field), "model")
        sheet.used.add(found)
        sheet.source = (found.value, found.evidence)
    return sheet.source


def _asker(sheet: Sheet, draft: Draft) -> str:
    """Whose model it is in the user's words: not the export's that the workflow put in front."""
    return (
        draft.tool.name
        if draft.clause.tokens
        else next((d.tool.name for d in sheet.drafts if d.workflow and d.clause.tokens), draft.tool.name)
    )
